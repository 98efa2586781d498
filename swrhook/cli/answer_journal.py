"""Records exchanges with IAM and SWR, for `check --online --record`."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock

import click

from swrhook.cli.terminal import count_of
from swrhook.config.model import Config, PasswordCredentials
from swrhook.swr.http import Request
from swrhook.swr.pseudonyms import PUBLIC_NAMES, Pseudonyms
from swrhook.swr.recordings import IAM, Exchange, Recording, to_text
from swrhook.swr.response import SwrResponse
from swrhook.usecases.open_facts import FactAnswer
from swrhook.usecases.swr_questions import INVENTED


@dataclass(slots=True)
class AnswerJournal:
    """A Journal that keeps every exchange without names and secrets; `places` are by endpoint."""

    places: Mapping[str, str]
    pseudonyms: Pseudonyms
    exchanges: list[Exchange] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def record(self, endpoint: str, request: Request, response: SwrResponse) -> None:
        """Keep an exchange."""
        exchange = self.pseudonyms.exchange(self.places[endpoint], request, response)
        with self._lock:
            self.exchanges.append(exchange)


def make_journal(config: Config) -> AnswerJournal:
    """Return a journal for the endpoints of a configuration."""
    regions = config.swr.regions.values()
    places = {region.endpoint: region.name for region in regions}
    pseudonyms = Pseudonyms(PUBLIC_NAMES | {INVENTED, *config.swr.regions})
    credentials = config.swr.credentials
    # IAM's messages may name them before any answer does.
    if isinstance(credentials, PasswordCredentials):
        pseudonyms.name("account", credentials.domain)
        pseudonyms.name("account", credentials.user)
    for region in regions:
        pseudonyms.name("account", region.project)
    return AnswerJournal({config.swr.iam_endpoint: IAM, **places}, pseudonyms)


def write_recording(path: Path, journal: AnswerJournal, facts: Sequence[FactAnswer]) -> None:
    """Write the file, which must not exist yet; only its owner may read it."""
    rows = [{key: str(value) for key, value in asdict(fact).items()} for fact in facts]
    text = to_text(Recording(journal.exchanges, rows))
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as exc:
        raise click.ClickException(f"cannot write {path}: {exc.strerror}") from exc
    exchanges = count_of(len(journal.exchanges), "exchange")
    message = f"{exchanges} in {path}, with pseudonyms. Look through it before you share it."
    click.echo(message, err=True)
