"""The client for SWR of a command that asks SWR itself, without a server."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from swrhook.clock import SystemClock
from swrhook.config.model import Config, Timeouts
from swrhook.errors import LedgerUnusable
from swrhook.ledger.database import open_existing
from swrhook.ledger.kept_state import RefusedCredentials
from swrhook.model import Refusal
from swrhook.sender_keys import find_proxies
from swrhook.settings import Settings
from swrhook.swr.auth.lockout import RefusalStore
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Journal, Network

# Seconds to wait for IAM and SWR: an interactive command must not take as long as the service may.
_LONGEST_WAIT = 15.0


@dataclass(frozen=True, slots=True)
class OnlineClient:
    """A client, and why it does not know which credentials IAM refused before, if it does not."""

    swr: SwrClient
    ledger_problem: str | None


@contextmanager
def open_client(
    config: Config, environ: Mapping[str, str], journal: Journal | None = None
) -> Iterator[OnlineClient]:
    """Open a client for the duration of a `with` block. Raises BadConfiguration.

    Uses the ledger, if there is one, to avoid a password that IAM refused before: IAM locks an
    account after a few wrong logins.
    """
    url = Settings.from_environ(environ).database_url
    ledger, problem = None, None
    with ExitStack() as stack:
        try:
            if ledger := open_existing(url):
                stack.callback(ledger.close)
        except LedgerUnusable as exc:
            problem = str(exc)
        refusals = RefusedCredentials(ledger, SystemClock()) if ledger else _InMemoryRefusals()
        client = _make_client(config, environ, refusals, journal)
        yield OnlineClient(stack.enter_context(closing(client)), problem)


def _make_client(
    config: Config, environ: Mapping[str, str], refusals: RefusalStore, journal: Journal | None
) -> SwrClient:
    timeouts = config.options.timeouts
    network = Network(
        Timeouts(min(timeouts.connect, _LONGEST_WAIT), min(timeouts.read, _LONGEST_WAIT)),
        find_proxies=find_proxies,
        certificates=environ.get("REQUESTS_CA_BUNDLE"),
        journal=journal,
    )
    return SwrClient(config.swr, network, refusals, SystemClock())


class _InMemoryRefusals:
    """The credentials that IAM refused during this run, if there is no ledger."""

    def __init__(self) -> None:
        self._refusals: dict[str, Refusal] = {}

    def refusal(self, fingerprint: str) -> Refusal | None:
        """Return the last refusal of a credential, or None."""
        return self._refusals.get(fingerprint)

    def forget(self, fingerprint: str) -> None:
        """Delete the refusal of a credential."""
        self._refusals.pop(fingerprint, None)

    def refuse(self, fingerprint: str, refusal: Refusal) -> None:
        """Record that a credential was refused."""
        self._refusals[fingerprint] = refusal
