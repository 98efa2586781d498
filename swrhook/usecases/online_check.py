"""Checks a configuration against IAM and SWR, with read requests only."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from swrhook.errors import Kind, SwrError, TagNotShown
from swrhook.model import Target
from swrhook.swr import error_codes
from swrhook.swr.client import SwrClient
from swrhook.swr.protocol import Organization, RegionInfo
from swrhook.usecases.rule_scope import RuleScope

# The worker tells a sync's own job from an earlier one by its time, with a tolerance of 5 seconds,
# and SWR's Date header has whole seconds.
MAX_CLOCK_SKEW = timedelta(seconds=6)

_CLOCK_REMEDY = (
    "set this machine's clock (NTP): SWR refuses signatures that are 15 minutes off, and swrhook"
    " tells SWR's jobs apart by their time"
)

_MAX_THREADS = 16
_AUTH_EDIT = 3  # see protocol.Organization
_ANY_TAG = "latest"  # need not exist: only the permission to read is checked
# The code of the error when IAM is not called, because it refused the credentials before.
_REFUSED_BEFORE = ("refused", "refused_project")
_UNRESOLVED = "depends on the pushed image: not checked"
# By whether the organization is a target.
_READABLE = {True: "tags can be read", False: "tags and sync jobs can be read"}
# What is special about the tags of a region; swrhook finds it out by itself.
_ONLY_LISTED = "; a single tag is looked up in the list: the region has no operation to show it"
_ONLY_SHOWN = "; each tag is looked up by itself: the list shows no digests"
_UNREADABLE = {
    True: "its tags cannot be read, so syncs to it end as `unverified`",
    False: "its tags or sync jobs cannot be read, so calls are made without checking first",
}


class Level(StrEnum):
    """The severity of a result."""

    OK = "ok"
    UNKNOWN = "unknown"  # SWR does not report it, or it was not checked
    WARNING = "warning"  # syncs work, with limitations
    PROBLEM = "problem"  # syncs will fail


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check: its subject, a message, and what to do about it."""

    level: Level
    about: str
    message: str
    remedy: str = ""


def count_checks(scope: RuleScope) -> int:
    """Return how often `run_checks` calls `on_check`."""
    return len(scope.regions) + len(scope.sources) + len(scope.targets)


def run_checks(swr: SwrClient, scope: RuleScope, on_check: Callable[[], None]) -> list[CheckResult]:
    """Check every region and organization, regions in parallel; `on_check` follows each check."""

    def check(region: str) -> list[CheckResult]:
        return list(_check_region(swr, region, scope, on_check))

    # The first region alone: if IAM refuses its login, the others must not try the password too.
    results = [check(region) for region in scope.regions[:1]]
    with ThreadPoolExecutor(_MAX_THREADS) as pool:
        results += pool.map(check, scope.regions[1:])
    unresolved = [
        CheckResult(Level.UNKNOWN, f"organization {target}", _UNRESOLVED)
        for target in scope.unresolved_targets
    ]
    return [*itertools.chain(*results), *unresolved]


def _check_region(
    swr: SwrClient, region: str, scope: RuleScope, on_check: Callable[[], None]
) -> Iterator[CheckResult]:
    about = f"region {region}"
    organizations = [
        *[(target, True) for target in scope.targets if target.region == region],
        *[(source, False) for source in scope.sources if source.region == region],
    ]
    try:
        info = swr.region_info(region)
    except SwrError as error:
        for _ in range(len(organizations) + 1):
            on_check()
        # Credentials that IAM refuses count only once, as a problem of the first region.
        if error.code in _REFUSED_BEFORE and region != scope.regions[0]:
            message = "not checked: IAM refuses the credentials"
            yield CheckResult(Level.UNKNOWN, about, message)
        else:
            yield CheckResult(Level.PROBLEM, about, str(error), error.remedy)
        for organization in dict.fromkeys(organization for organization, _ in organizations):
            message = "not checked: see its region"
            yield CheckResult(Level.UNKNOWN, f"organization {organization}", message)
        return
    on_check()
    yield CheckResult(Level.OK, about, "answers, and accepts the credentials")
    yield from _check_clock(about, info)
    yield from _check_sync_targets(region, info, scope)
    for organization, is_target in organizations:
        yield from _check_organization(swr, organization, is_target=is_target)
        on_check()


def _check_clock(about: str, info: RegionInfo) -> Iterator[CheckResult]:
    ahead = info.clock_ahead
    if ahead is not None and abs(ahead) > MAX_CLOCK_SKEW:
        direction = "behind" if ahead > timedelta() else "ahead of"
        seconds = round(abs(ahead).total_seconds())
        message = f"this machine's clock is {seconds} s {direction} SWR's"
        yield CheckResult(Level.WARNING, about, message, _CLOCK_REMEDY)


def _check_sync_targets(region: str, info: RegionInfo, scope: RuleScope) -> Iterator[CheckResult]:
    about, remedy = f"region {region}", "choose another target region in the rules"
    targets = [target for source, target in scope.routes if source == region]
    if not targets:
        return
    if info.sync_targets is None:
        message = "SWR does not say which regions this one can synchronize to"
        yield CheckResult(Level.UNKNOWN, about, message)
        return
    missing = [target for target in targets if target not in info.sync_targets]
    for target in missing:
        message = f"SWR does not list {target} among the regions that it synchronizes to"
        yield CheckResult(Level.WARNING, about, message, remedy)
    if not missing:
        yield CheckResult(Level.OK, about, f"synchronizes to {', '.join(targets)}")


def _check_organization(swr: SwrClient, place: Target, *, is_target: bool) -> Iterator[CheckResult]:
    about = f"organization {place}"
    try:
        organization = swr.organization(place.region, place.namespace)
    except SwrError as error:
        # A user may be allowed to push to an organization without being allowed to read about it.
        level = Level.WARNING if error.kind is Kind.CONFIGURATION else Level.PROBLEM
        yield CheckResult(level, about, str(error), error.remedy)
        return
    yield _access_result(about, organization, is_target=is_target)
    if organization is not None and organization.ours:
        yield _check_reading(swr, place, is_target=is_target)


def _access_result(
    about: str, organization: Organization | None, *, is_target: bool
) -> CheckResult:
    """Judge whether our access to an organization suffices for a sync."""
    if organization is None:
        return CheckResult(Level.PROBLEM, about, "does not exist", error_codes.ORGANIZATION)
    if not organization.ours:
        return CheckResult(Level.PROBLEM, about, "belongs to another account", error_codes.FOREIGN)
    if is_target and organization.auth is not None and organization.auth < _AUTH_EDIT:
        message = "the IAM user has read access only"
        return CheckResult(Level.PROBLEM, about, message, error_codes.RIGHTS)
    verb = "written to" if is_target else "read"
    return CheckResult(Level.OK, about, f"exists, and may be {verb}")


def _check_reading(swr: SwrClient, place: Target, *, is_target: bool) -> CheckResult:
    """Try to read tags and sync jobs of any one repository."""
    about = f"organization {place}"
    try:
        repository = swr.first_repository(place.region, place.namespace)
        if repository is None:
            message = "contains no repository: reading was not checked"
            return CheckResult(Level.UNKNOWN, about, message)
        note = _check_tags(swr, place, repository)
        if not is_target:  # SWR lists sync jobs in their source region only
            swr.sync_jobs(place.region, place.namespace, repository)
    except SwrError as error:
        message = f"{_UNREADABLE[is_target]}: {error}"
        return CheckResult(Level.WARNING, about, message, error.remedy)
    return CheckResult(Level.OK, about, f"{_READABLE[is_target]}{note}")


def _check_tags(swr: SwrClient, place: Target, repository: str) -> str:
    """List a repository's tags and show one that is listed; return what is special about them.

    Raises SwrError when neither tells a digest.
    """
    page = swr.tag_page(place.region, place.namespace, repository, 0)
    digests = page.digests if page is not None else {}
    tag, listed = next(iter(digests.items()), (_ANY_TAG, None))
    try:
        shown = swr.show_tag(place.region, place.namespace, repository, tag)
    except TagNotShown:
        if digests and listed is None:
            raise
        return _ONLY_LISTED if digests else ""
    if digests and shown is None:
        return _ONLY_LISTED
    return _ONLY_SHOWN if digests and listed is None else ""
