"""Checks whether SWR's own automatic synchronization overlaps with the rules."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from swrhook.config.model import Config
from swrhook.errors import Kind, SwrError
from swrhook.model import Target
from swrhook.swr.client import SwrClient
from swrhook.syncs.auto_sync import REMEDY, find_overlaps
from swrhook.syncs.reconciliation import RepositoryRef
from swrhook.usecases.manual_syncs import plan_repository
from swrhook.usecases.online_check import CheckResult, Level

# An organization may have thousands of repositories; each takes a request. A reconcile reads all.
MOST_REPOSITORIES = 20


def check_auto_syncs(
    swr: SwrClient, config: Config, sources: Sequence[Target], on_check: Callable[[], None]
) -> list[CheckResult]:
    """Compare SWR's rules for some repositories of each source organization with ours."""
    results: list[CheckResult] = []
    for source in sources:
        try:
            results += _check_organization(swr, config, source)
        except SwrError as error:
            message = f"SWR's own automatic synchronization cannot be read: {error}"
            level = Level.UNKNOWN if error.kind is Kind.CONFIGURATION else Level.WARNING
            results.append(CheckResult(level, f"organization {source}", message, error.remedy))
        on_check()
    return results


def _check_organization(swr: SwrClient, config: Config, source: Target) -> Iterator[CheckResult]:
    page = swr.repository_page(source.region, source.namespace, 0)
    overlaps = False
    for name in islice(page.names, MOST_REPOSITORIES):
        repository = RepositoryRef(source.region, source.namespace, name)
        for result in _check_repository(swr, config, repository):
            overlaps = True
            yield result
    if page.names and not overlaps:
        scope = "" if page.count <= MOST_REPOSITORIES else f" of {MOST_REPOSITORIES} repositories"
        message = f"no automatic synchronization of SWR{scope} overlaps with the rules"
        yield CheckResult(Level.OK, f"organization {source}", message)


def _check_repository(
    swr: SwrClient, config: Config, repository: RepositoryRef
) -> Iterator[CheckResult]:
    place = (repository.region, repository.namespace, repository.repository)
    auto_syncs = swr.auto_syncs(*place)
    if not auto_syncs:
        return
    # The rules select tags, so which of them apply depends on the tags that are there.
    page = swr.tag_page(*place, 0)
    planned = plan_repository(repository, page.digests if page else {}, None, None, config)
    for overlap in find_overlaps(auto_syncs, planned):
        level = Level.WARNING if overlap.is_contradiction else Level.UNKNOWN
        yield CheckResult(level, f"repository {repository.key}", str(overlap), REMEDY)
