"""Reads SWR's own rules of automatic synchronization, and writes them as rules of swrhook."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from swrhook.config.model import Config
from swrhook.errors import SwrError
from swrhook.swr.client import SwrClient
from swrhook.syncs.auto_sync import AutoSync
from swrhook.syncs.reconciliation import RepositoryRef

# Few threads, and patience: nothing else paces this command's requests.
_THREADS = 4
_MOST_TRIES = 6
_LONGEST_WAIT = 60.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class AutoSyncs:
    """SWR's rules by repository, and what could not be read."""

    rules: Mapping[RepositoryRef, Sequence[AutoSync]]
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class AutoSyncReader:
    """Reads SWR's rules. Asks again what SWR throttles; `sleep` waits for a number of seconds."""

    swr: SwrClient
    sleep: Callable[[float], None]

    def read(
        self, regions: Sequence[str], namespaces: Sequence[str], on_repository: Callable[[], None]
    ) -> AutoSyncs:
        """Read the rules of all repositories in these organizations, without any in all of them."""
        rules: dict[RepositoryRef, Sequence[AutoSync]] = {}
        problems: list[str] = []

        def read(ref: RepositoryRef) -> Sequence[AutoSync] | SwrError:
            place = (ref.region, ref.namespace, ref.repository)
            try:
                return self._ask(partial(self.swr.auto_syncs, *place))
            except SwrError as error:
                return error
            finally:
                on_repository()

        refs = list(self._repositories(regions, namespaces, problems))
        with ThreadPoolExecutor(_THREADS) as pool:
            for ref, answer in zip(refs, pool.map(read, refs), strict=True):
                if isinstance(answer, SwrError):
                    problems.append(f"{ref.key}: {answer}")
                elif answer:
                    rules[ref] = answer
        return AutoSyncs(rules, problems)

    def _repositories(
        self, regions: Sequence[str], namespaces: Sequence[str], problems: list[str]
    ) -> Iterator[RepositoryRef]:
        for region in regions:
            try:
                names = namespaces or self._ask(partial(self.swr.organizations, region))
            except SwrError as error:
                problems.append(f"{region}: {error}")
                continue
            for namespace in names:
                try:
                    yield from self._repositories_of(region, namespace)
                except SwrError as error:
                    problems.append(f"{region}/{namespace}: {error}")

    def _repositories_of(self, region: str, namespace: str) -> Iterator[RepositoryRef]:
        names: set[str] = set()
        offset, is_last = 0, False
        while not is_last:
            page = self._ask(partial(self.swr.repository_page, region, namespace, offset))
            new = [name for name in page.names if name not in names]
            yield from (RepositoryRef(region, namespace, name) for name in new)
            names.update(new)
            offset += page.count
            # A server that does not page repeats its only page.
            is_last = page.is_last or (bool(page.names) and not new)

    def _ask(self, request: Callable[[], Answer]) -> Answer:
        """Return the answer to a request, repeated while its error may pass. Raises SwrError."""
        for tries in itertools.count(1):
            try:
                return request()
            except SwrError as error:
                if not error.kind.is_retryable or tries == _MOST_TRIES:
                    raise
                self.sleep(min(error.retry_after or 2.0**tries, _LONGEST_WAIT))
        raise AssertionError  # the loop has no end


def to_rules(auto_syncs: AutoSyncs, config: Config) -> list[dict[str, Any]]:
    """Return rules that copy what SWR's rules copy, as they are written in swrhook.yaml.

    Repositories of one organization with the same targets share a rule. Pushes of every sender of
    the region are copied.
    """
    groups: dict[tuple[str, str, Sequence[AutoSync]], list[str]] = {}
    for ref, rules in sorted(auto_syncs.rules.items(), key=lambda item: item[0].key):
        targets = tuple(sorted(rules, key=lambda rule: str(rule.target)))
        groups.setdefault((ref.region, ref.namespace, targets), []).append(ref.repository)
    return [
        {
            "name": f"autosync-{number}",
            "when": {
                "sender": _senders(region, config),
                "namespace": namespace,
                "repository": repositories,
            },
            "sync": [_target(rule) for rule in targets],
        }
        for number, ((region, namespace, targets), repositories) in enumerate(groups.items(), 1)
    ]


def regions_without_sender(refs: Iterable[RepositoryRef], config: Config) -> list[str]:
    """Return the regions of these repositories in which no sender reports pushes."""
    regions = dict.fromkeys(ref.region for ref in refs)
    return [region for region in regions if not _senders(region, config)]


def _senders(region: str, config: Config) -> list[str]:
    return [sender.name for sender in config.senders.values() if sender.region == region]


def _target(rule: AutoSync) -> dict[str, Any]:
    target: dict[str, Any] = {"region": rule.target.region, "namespace": rule.target.namespace}
    return {**target, "override": True} if rule.override else target
