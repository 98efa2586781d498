"""The questions to IAM and SWR, none of which changes anything there."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from swrhook.config.model import Config
from swrhook.errors import Kind, SwrError
from swrhook.model import Push, Target
from swrhook.rules import VARIABLES, Glob, Rule, RuleTarget
from swrhook.senders.sender import Sender
from swrhook.swr import error_codes
from swrhook.swr.protocol import Organization, Survey, SyncJob


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    UNKNOWN = "unknown"  # SWR does not say, or was not asked
    WARNING = "warning"  # syncs go on, but not as well as they could
    PROBLEM = "problem"  # syncs will fail


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the diagnosis: about what, what was found, and what to do about it."""

    level: Level
    about: str
    message: str
    remedy: str = ""


def failed(about: str, error: SwrError, level: Level = Level.PROBLEM) -> Finding:
    """Return the finding for a question that was not answered."""
    return Finding(level, about, str(error), error.remedy)


_Value = TypeVar("_Value")
# In a push of which only the organization is of interest.
_ANY = "any"
_WILD = frozenset("*?")


@dataclass(frozen=True, slots=True)
class Places:
    """The regions, the organizations to read in and to write to, and the ways between regions.

    `untold` are targets whose organization depends on the image that is pushed.
    """

    regions: Sequence[str]
    senders: Sequence[Target]
    targets: Sequence[Target]
    routes: Sequence[tuple[str, str]]
    untold: Sequence[Target]


def places(config: Config) -> Places:
    """Return where the rules read and write."""
    senders: list[Target] = []
    targets: list[Target] = []
    routes: list[tuple[str, str]] = []
    untold: list[Target] = []
    for rule in config.rules:
        for sender in _senders(rule, config.senders.values()):
            namespaces, are_all = _namespaces(rule, sender)
            senders += [Target(sender.region, namespace) for namespace in namespaces]
            routes += [(sender.region, target.region) for target in rule.sync]
            for target in rule.sync:
                known = _known(target, sender, namespaces)
                targets += known
                if not known or (_varies(target) and not are_all):
                    untold.append(Target(target.region, target.namespace))
    once = (_once(senders), _once(targets), _once(routes), _once(untold))
    return Places(list(config.swr.regions), *once)


def _once(values: Iterable[_Value]) -> list[_Value]:
    return list(dict.fromkeys(values))


def _varies(target: RuleTarget) -> bool:
    return any(f"{{{name}}}" in target.namespace for name in VARIABLES)


def _known(target: RuleTarget, sender: Sender, namespaces: Iterable[str]) -> list[Target]:
    """Return the targets that are known without a push."""
    if not _varies(target):
        return [Target(target.region, target.namespace)]
    if "{repository}" in target.namespace:
        return []
    pushes = [Push(sender.name, sender.region, each, _ANY, _ANY) for each in namespaces]
    return [Target(target.region, target.namespace_for(push)) for push in pushes]


def _senders(rule: Rule, senders: Iterable[Sender]) -> list[Sender]:
    """Return the senders that a rule can match."""
    wanted, unwanted = rule.when.get("sender"), rule.unless.get("sender", ())
    return [
        sender
        for sender in senders
        if (wanted is None or any(pattern.matches(sender.name) for pattern in wanted))
        and not any(pattern.matches(sender.name) for pattern in unwanted)
    ]


def _namespaces(rule: Rule, sender: Sender) -> tuple[list[str], bool]:
    """Return the organizations that images can come from, and whether there are no others."""
    patterns = rule.when.get("namespace")
    image = sender.image
    own = [name for name in (image.namespace or image.default_namespace,) if name]
    if patterns is None:
        return own, bool(image.namespace)
    fitting = [name for name in own if any(pattern.matches(name) for pattern in patterns)]
    if image.namespace:
        return fitting, True
    plain = [each.text for each in patterns if isinstance(each, Glob) and not _WILD & {*each.text}]
    return _once([*plain, *fitting]), len(plain) == len(patterns)


# A sync's own job is told from an earlier one by the time, give or take 5 seconds; SWR's Date is
# told in whole ones.
MOST_SKEW = timedelta(seconds=6)
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


class Ask(Protocol):
    """What is asked of SWR."""

    def survey(self, region: str) -> Survey:
        """Return where a region synchronizes to, and what its clock says. Raises SwrError."""

    def organization(self, region: str, namespace: str) -> Organization | None:
        """Return what we are in an organization; None when there is none. Raises SwrError."""

    def a_repository(self, region: str, namespace: str) -> str | None:
        """Return some repository of an organization, or None. Raises SwrError."""

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        """Return a tag's digest, or None. Raises SwrError."""

    def sync_jobs(self, region: str, namespace: str, repository: str) -> list[SyncJob]:
        """Return the latest sync jobs of a repository. Raises SwrError."""


def number_of_questions(places: Places) -> int:
    """Return how often `diagnose` calls `asked`."""
    return len(places.regions) + len(places.senders) + len(places.targets)


def diagnose(swr: Ask, places: Places, asked: Callable[[], None]) -> list[Finding]:
    """Ask about every place, regions side by side; `asked` is called once for each of them.

    The first region is asked alone: its login tells whether the credentials are any good.
    """

    def about(region: str) -> list[Finding]:
        return list(_about_region(swr, region, places, asked))

    found = [about(region) for region in places.regions[:1]]
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        found += pool.map(about, places.regions[1:])
    return [*itertools.chain(*found), *_about_untold(places)]


def _about_region(
    swr: Ask, region: str, places: Places, asked: Callable[[], None]
) -> Iterator[Finding]:
    about = f"region {region}"
    here = [
        *[(target, True) for target in places.targets if target.region == region],
        *[(sender, False) for sender in places.senders if sender.region == region],
    ]
    try:
        survey = swr.survey(region)
    except SwrError as error:
        for _ in range(len(here) + 1):
            asked()
        yield _unasked(about, error, is_first=region == places.regions[0])
        for place in dict.fromkeys(place for place, _ in here):
            yield Finding(Level.UNKNOWN, f"organization {place}", "not asked: see its region")
        return
    asked()
    yield Finding(Level.OK, about, "answers, and accepts the credentials")
    yield from _about_clock(about, survey)
    yield from _about_reach(region, survey, places)
    for place, is_target in here:
        yield from _about_organization(swr, place, is_target=is_target)
        asked()


def _unasked(about: str, error: SwrError, *, is_first: bool) -> Finding:
    """Tell why a region gave no answer; that the credentials are refused is told once."""
    if error.code == _REFUSED_BEFORE and not is_first:
        return Finding(Level.UNKNOWN, about, "not asked: IAM refuses the credentials")
    return failed(about, error)


def _about_clock(about: str, survey: Survey) -> Iterator[Finding]:
    ahead = survey.clock_ahead
    if ahead is not None and abs(ahead) > MOST_SKEW:
        where = "behind" if ahead > timedelta() else "ahead of"
        seconds = round(abs(ahead).total_seconds())
        yield Finding(
            Level.WARNING,
            about,
            f"this machine's clock is {seconds} s {where} SWR's",
            "set this machine's clock (NTP): SWR refuses signatures that are 15 minutes off, and"
            " its jobs are told apart by their time",
        )


def _about_reach(region: str, survey: Survey, places: Places) -> Iterator[Finding]:
    about = f"region {region}"
    wanted = [target for sender, target in places.routes if sender == region]
    if not wanted:
        return
    if survey.reaches is None:
        message = "SWR does not say where this region synchronizes to"
        yield Finding(Level.UNKNOWN, about, message)
        return
    missing = [target for target in wanted if target not in survey.reaches]
    for target in missing:
        message = f"SWR does not list {target} among those that it synchronizes to"
        yield Finding(Level.WARNING, about, message, "choose another target region in the rules")
    if not missing:
        yield Finding(Level.OK, about, f"synchronizes to {', '.join(wanted)}")


def _about_organization(swr: Ask, place: Target, *, is_target: bool) -> Iterator[Finding]:
    about = f"organization {place}"
    try:
        found = swr.organization(place.region, place.namespace)
    except SwrError as error:
        # A user may be allowed to push to an organization without being allowed to ask about it.
        is_forbidden = error.kind is Kind.CONFIGURATION
        yield failed(about, error, Level.WARNING if is_forbidden else Level.PROBLEM)
        return
    yield _standing(about, found, is_target=is_target)
    if found is not None and found.ours:
        yield _about_reading(swr, place, is_target=is_target)


def _standing(about: str, found: Organization | None, *, is_target: bool) -> Finding:
    """Judge whether we may do in an organization what a sync does there."""
    if found is None:
        return Finding(Level.PROBLEM, about, "does not exist", error_codes.ORGANIZATION)
    if not found.ours:
        return Finding(Level.PROBLEM, about, "belongs to another account", error_codes.FOREIGN)
    if is_target and found.auth is not None and found.auth < _EDITS:
        return Finding(Level.PROBLEM, about, "the IAM user may only read in it", error_codes.RIGHTS)
    verb = "written to" if is_target else "read"
    return Finding(Level.OK, about, f"exists, and may be {verb}")


def _about_reading(swr: Ask, place: Target, *, is_target: bool) -> Finding:
    """Try to read tags and sync jobs of some repository, where there is one."""
    about = f"organization {place}"
    try:
        repository = swr.a_repository(place.region, place.namespace)
        if repository is None:
            return Finding(Level.UNKNOWN, about, "holds no repository: reading was not tried")
        swr.show_tag(place.region, place.namespace, repository, _ANY_TAG)
        if not is_target:  # jobs are listed where they start
            swr.sync_jobs(place.region, place.namespace, repository)
    except SwrError as error:
        message = f"{_UNREAD[is_target]}: {error}"
        return Finding(Level.WARNING, about, message, error.remedy)
    return Finding(Level.OK, about, _READ[is_target])


def _about_untold(places: Places) -> Iterator[Finding]:
    for target in places.untold:
        message = "depends on the image that is pushed: not asked"
        yield Finding(Level.UNKNOWN, f"organization {target}", message)


__all__ = ["Ask", "Finding", "Level", "Places", "diagnose", "number_of_questions", "places"]
