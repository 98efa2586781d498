"""The questions to IAM and SWR, none of which changes anything there."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from swrhook.errors import Kind, SwrError
from swrhook.model import Target
from swrhook.swr import error_codes
from swrhook.swr.protocol import Organization, RegionInfo, SyncJob
from swrhook.usecases.rule_scope import RuleScope


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    UNKNOWN = "unknown"  # SWR does not say, or was not asked
    WARNING = "warning"  # syncs go on, but not as well as they could
    PROBLEM = "problem"  # syncs will fail


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the diagnosis: about what, what was found, and what to do about it."""

    level: Level
    about: str
    message: str
    remedy: str = ""


def failed_check(about: str, error: SwrError, level: Level = Level.PROBLEM) -> CheckResult:
    """Return the finding for a question that was not answered."""
    return CheckResult(level, about, str(error), error.remedy)


# A sync's own job is told from an earlier one by the time, give or take 5 seconds; SWR's Date is
# told in whole ones.
MAX_CLOCK_SKEW = timedelta(seconds=6)
_MOST_AT_ONCE = 16
_EDITS = 3
_ANY_TAG = "latest"
# The code of an error for which IAM was not asked: it has refused the credential already.
_REFUSED_BEFORE = "refused"
# By whether it is a target.
_READ = {True: "tags can be read", False: "tags and sync jobs can be read"}
_UNREAD = {
    True: "its tags cannot be read, so that syncs to it end as «accepted», without proof",
    False: "its tags or sync jobs cannot be read, so that calls are made without a look",
}


class OnlineClient(Protocol):
    """What is asked of SWR."""

    def region_info(self, region: str) -> RegionInfo:
        """Return where a region synchronizes to, and what its clock says. Raises SwrError."""

    def organization(self, region: str, namespace: str) -> Organization | None:
        """Return what we are in an organization; None when there is none. Raises SwrError."""

    def first_repository(self, region: str, namespace: str) -> str | None:
        """Return some repository of an organization, or None. Raises SwrError."""

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        """Return a tag's digest, or None. Raises SwrError."""

    def sync_jobs(self, region: str, namespace: str, repository: str) -> list[SyncJob]:
        """Return the latest sync jobs of a repository. Raises SwrError."""


def count_checks(places: RuleScope) -> int:
    """Return how often `diagnose` calls `asked`."""
    return len(places.regions) + len(places.sources) + len(places.targets)


def run_checks(
    swr: OnlineClient, places: RuleScope, asked: Callable[[], None]
) -> list[CheckResult]:
    """Ask about every place, regions side by side; `asked` is called once for each of them.

    The first region is asked alone: its login tells whether the credentials are any good.
    """

    def about(region: str) -> list[CheckResult]:
        return list(_about_region(swr, region, places, asked))

    found = [about(region) for region in places.regions[:1]]
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        found += pool.map(about, places.regions[1:])
    return [*itertools.chain(*found), *_about_untold(places)]


def _about_region(
    swr: OnlineClient, region: str, places: RuleScope, asked: Callable[[], None]
) -> Iterator[CheckResult]:
    about = f"region {region}"
    here = [
        *[(target, True) for target in places.targets if target.region == region],
        *[(sender, False) for sender in places.sources if sender.region == region],
    ]
    try:
        survey = swr.region_info(region)
    except SwrError as error:
        for _ in range(len(here) + 1):
            asked()
        yield _unasked(about, error, is_first=region == places.regions[0])
        for place in dict.fromkeys(place for place, _ in here):
            yield CheckResult(Level.UNKNOWN, f"organization {place}", "not asked: see its region")
        return
    asked()
    yield CheckResult(Level.OK, about, "answers, and accepts the credentials")
    yield from _about_clock(about, survey)
    yield from _about_reach(region, survey, places)
    for place, is_target in here:
        yield from _about_organization(swr, place, is_target=is_target)
        asked()


def _unasked(about: str, error: SwrError, *, is_first: bool) -> CheckResult:
    """Tell why a region gave no answer; that the credentials are refused is told once."""
    if error.code == _REFUSED_BEFORE and not is_first:
        return CheckResult(Level.UNKNOWN, about, "not asked: IAM refuses the credentials")
    return failed_check(about, error)


def _about_clock(about: str, survey: RegionInfo) -> Iterator[CheckResult]:
    ahead = survey.clock_ahead
    if ahead is not None and abs(ahead) > MAX_CLOCK_SKEW:
        where = "behind" if ahead > timedelta() else "ahead of"
        seconds = round(abs(ahead).total_seconds())
        yield CheckResult(
            Level.WARNING,
            about,
            f"this machine's clock is {seconds} s {where} SWR's",
            "set this machine's clock (NTP): SWR refuses signatures that are 15 minutes off, and"
            " its jobs are told apart by their time",
        )


def _about_reach(region: str, survey: RegionInfo, places: RuleScope) -> Iterator[CheckResult]:
    about = f"region {region}"
    wanted = [target for sender, target in places.routes if sender == region]
    if not wanted:
        return
    if survey.sync_targets is None:
        message = "SWR does not say where this region synchronizes to"
        yield CheckResult(Level.UNKNOWN, about, message)
        return
    missing = [target for target in wanted if target not in survey.sync_targets]
    for target in missing:
        message = f"SWR does not list {target} among those that it synchronizes to"
        yield CheckResult(
            Level.WARNING, about, message, "choose another target region in the rules"
        )
    if not missing:
        yield CheckResult(Level.OK, about, f"synchronizes to {', '.join(wanted)}")


def _about_organization(
    swr: OnlineClient, place: Target, *, is_target: bool
) -> Iterator[CheckResult]:
    about = f"organization {place}"
    try:
        found = swr.organization(place.region, place.namespace)
    except SwrError as error:
        # A user may be allowed to push to an organization without being allowed to ask about it.
        is_forbidden = error.kind is Kind.CONFIGURATION
        yield failed_check(about, error, Level.WARNING if is_forbidden else Level.PROBLEM)
        return
    yield _standing(about, found, is_target=is_target)
    if found is not None and found.ours:
        yield _about_reading(swr, place, is_target=is_target)


def _standing(about: str, found: Organization | None, *, is_target: bool) -> CheckResult:
    """Judge whether we may do in an organization what a sync does there."""
    if found is None:
        return CheckResult(Level.PROBLEM, about, "does not exist", error_codes.ORGANIZATION)
    if not found.ours:
        return CheckResult(Level.PROBLEM, about, "belongs to another account", error_codes.FOREIGN)
    if is_target and found.auth is not None and found.auth < _EDITS:
        return CheckResult(
            Level.PROBLEM, about, "the IAM user may only read in it", error_codes.RIGHTS
        )
    verb = "written to" if is_target else "read"
    return CheckResult(Level.OK, about, f"exists, and may be {verb}")


def _about_reading(swr: OnlineClient, place: Target, *, is_target: bool) -> CheckResult:
    """Try to read tags and sync jobs of some repository, where there is one."""
    about = f"organization {place}"
    try:
        repository = swr.first_repository(place.region, place.namespace)
        if repository is None:
            return CheckResult(Level.UNKNOWN, about, "holds no repository: reading was not tried")
        swr.show_tag(place.region, place.namespace, repository, _ANY_TAG)
        if not is_target:  # jobs are listed where they start
            swr.sync_jobs(place.region, place.namespace, repository)
    except SwrError as error:
        message = f"{_UNREAD[is_target]}: {error}"
        return CheckResult(Level.WARNING, about, message, error.remedy)
    return CheckResult(Level.OK, about, _READ[is_target])


def _about_untold(places: RuleScope) -> Iterator[CheckResult]:
    for target in places.unresolved_targets:
        message = "depends on the image that is pushed: not asked"
        yield CheckResult(Level.UNKNOWN, f"organization {target}", message)
