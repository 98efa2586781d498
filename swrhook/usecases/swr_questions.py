"""Read-only questions to SWR whose answers settle open facts."""

import http.client
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from swrhook.errors import SwrError
from swrhook.model import Target
from swrhook.senders.payload import Json, digest, text
from swrhook.swr.auto_syncs import auto_syncs_path
from swrhook.swr.client import SwrClient
from swrhook.swr.listings import ORGANIZATIONS_PATH
from swrhook.swr.protocol import (
    REGIONS_PATH,
    namespace_path,
    sync_jobs_path,
)
from swrhook.swr.response import SwrResponse, read_error
from swrhook.swr.tags import tag_path, tags_path
from swrhook.usecases.open_facts import FactAnswer, OpenFact, rate_headers

# Names that exist nowhere, it is hoped: what SWR answers about them is the shape of its errors.
INVENTED = "swrhook-invented"
_UNKNOWN_PATH = f"/v2/manage/{INVENTED}"


def count_questions(regions: Sequence[str], sources: Sequence[Target]) -> int:
    """Return how often `ask_questions` calls `on_question`."""
    return len(regions) + len(sources)


def ask_questions(
    swr: SwrClient,
    regions: Sequence[str],
    sources: Sequence[Target],
    on_question: Callable[[], None],
) -> list[FactAnswer]:
    """Ask every region, and about one repository of each source organization."""
    answers: list[FactAnswer] = []
    for region in regions:
        asker = _Asker(swr, region)
        answers += asker.ask_region()
        on_question()
    for source in sources:
        asker = _Asker(swr, source.region)
        answers += asker.ask_repository(source.namespace)
        on_question()
    return list(dict.fromkeys(answers))


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks one region."""

    swr: SwrClient
    region: str

    def ask_region(self) -> Iterator[FactAnswer]:
        """Ask what does not depend on a repository."""
        regions = self._ask(REGIONS_PATH)
        if regions is None:
            return  # nothing answers, or the login fails: the checks have said so
        listed = regions.json_or_none()
        count = f"{len(listed)} regions" if regions.ok and isinstance(listed, list) else ""
        yield self._answer(OpenFact.REGION_LIST, count or _describe(regions))
        yield self._answer(OpenFact.RATE_HEADERS, rate_headers(regions))
        self._ask(ORGANIZATIONS_PATH)
        yield from self._error("organization", namespace_path(INVENTED))
        if unknown := self._ask(_UNKNOWN_PATH):
            yield self._answer(OpenFact.UNKNOWN_OPERATION, _describe(unknown))

    def ask_repository(self, namespace: str) -> Iterator[FactAnswer]:
        """Ask about one repository of an organization, and one of its tags."""
        yield from self._error("repository", tags_path(namespace, INVENTED, 0))
        self._ask(namespace_path(namespace))
        try:
            repository = self.swr.first_repository(self.region, namespace)
        except SwrError:
            return
        if repository is None:
            return
        yield from self._error("tag", tag_path(namespace, repository, INVENTED))
        self._ask(sync_jobs_path(namespace, repository))
        if rules := self._ask(auto_syncs_path(namespace, repository)):
            yield self._answer(OpenFact.AUTO_SYNCS, "yes" if rules.ok else _describe(rules))
        page = self._ask(tags_path(namespace, repository, 0))
        items = _items(page)
        names = [name for item in items if (name := text(item, "Tag"))]
        if not names:
            return
        without = sum(digest(item, "digest") is None for item in items)
        missing = "yes" if not without else f"no, {without} of {len(items)} lack it"
        yield self._answer(OpenFact.LIST_DIGESTS, missing)
        if one := self._ask(tag_path(namespace, repository, names[0])):
            yield self._answer(OpenFact.SHOW_TAG, "yes" if one.ok else _describe(one))
        yield from self._filters(tags_path(namespace, repository, 0).partition("?")[0], names)

    def _filters(self, path: str, names: Sequence[str]) -> Iterator[FactAnswer]:
        """Ask for parts of a repository's tags, of which these are the first."""
        if len(names) > 1 and (alone := self._ask(f"{path}?limit=1")) and alone.ok:
            ignored = "yes" if len(_items(alone)) > 1 else "no"
            yield self._answer(OpenFact.LIMIT_ALONE, ignored)
        part = next((name[:-1] for name in names if len(name) > 1 and name[:-1] not in names), None)
        if part and (partial := self._ask(f"{path}?tag={quote(part)}&limit=10&offset=0")):
            matches = "yes" if partial.ok and _items(partial) else "no"
            yield self._answer(OpenFact.TAG_FILTER, matches)

    def _error(self, what: str, path: str) -> Iterator[FactAnswer]:
        response = self._ask(path)
        if response is not None:
            yield self._answer(OpenFact.ERRORS, f"{what}: {_describe(response)}")

    def _ask(self, path: str) -> SwrResponse | None:
        try:
            return self.swr.ask(self.region, path)
        except SwrError:
            return None

    def _answer(self, fact: OpenFact, answer: str) -> FactAnswer:
        return FactAnswer(fact, self.region, answer)


def _items(response: SwrResponse | None) -> Sequence[Json]:
    content = response.json_or_none() if response is not None and response.ok else None
    return content if isinstance(content, list) else []


def _describe(response: SwrResponse) -> str:
    """Return status and code of a response."""
    if response.ok:
        return str(response.status)
    code = read_error(response).code
    suffix = "" if code == f"HTTP.{response.status}" else f" {code}"
    phrase = http.client.responses.get(response.status, "")
    return f"{response.status} {phrase}{suffix}"
