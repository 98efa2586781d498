"""Pauses of regions, rules and senders: whose syncs they hold back. Pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from swrhook.model import Sync
from swrhook.wording.message import Message, say


class PauseKind(StrEnum):
    """What can be paused."""

    REGION = "region"
    RULE = "rule"
    SENDER = "sender"


@dataclass(frozen=True, slots=True, order=True)
class Paused:
    """What is paused: syncs from and to a region, syncs of a rule, or syncs of a sender."""

    kind: PauseKind
    name: str

    def __str__(self) -> str:
        """Return it in words."""
        return str(self.name_in_words)

    @property
    def name_in_words(self) -> Message:
        """Return its kind and its name."""
        return say("%(kind)s %(name)s", kind=say(self.kind.value), name=self.name)


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that was begun `by` a token's holder; without `until`, it lasts until a resume."""

    kind: PauseKind
    name: str
    since: datetime
    until: datetime | None
    by: str
    reason: str | None

    @property
    def paused(self) -> Paused:
        """Return what is paused."""
        return Paused(self.kind, self.name)

    def __str__(self) -> str:
        """Return it in words, without who has begun it."""
        return str(self.description)

    @property
    def description(self) -> Message:
        """Return it in words, without who has begun it."""
        paused = self.paused.name_in_words
        if self.until is None:
            text = say("%(paused)s is paused until it is resumed", paused=paused)
        else:
            until = _format(self.until)
            text = say("%(paused)s is paused until %(until)s", paused=paused, until=until)
        return text if self.reason is None else say("%(text)s: %(why)s", text=text, why=self.reason)


@dataclass(frozen=True, slots=True)
class Pauses:
    """The pauses now, and when the last ones have ended."""

    now: Mapping[Paused, Pause] = field(default_factory=dict)
    ended_at: Mapping[Paused, datetime] = field(default_factory=dict)

    def of_regions(self, *regions: str) -> Pause | None:
        """Return the pause of one of the regions, if any."""
        names = (Paused(PauseKind.REGION, region) for region in regions) if self.now else ()
        return next((self.now[name] for name in names if name in self.now), None)

    def of_sync(self, source: str, target: str, rule: str, sender: str) -> Pause | None:
        """Return the pause that holds a sync between two regions back, if any."""
        return self.of_regions(source, target) or self.of_origin(rule, sender)

    def of_origin(self, rule: str, sender: str) -> Pause | None:
        """Return the pause of a sync's rule or sender, if any."""
        names = (Paused(PauseKind.RULE, rule), Paused(PauseKind.SENDER, sender))
        return next((self.now[name] for name in names if name in self.now), None)

    def restart_deadlines(self, sync: Sync) -> Sync:
        """Return the sync with deadlines that begin after its last pause."""
        ends = [self.ended_at[name] for name in _names(sync) if name in self.ended_at]
        if not ends:
            return sync
        end = max(ends)
        return replace(
            sync,
            waiting_since=_at_least(sync.waiting_since, end),
            failing_since=_at_least(sync.failing_since, end),
            verifying_since=_at_least(sync.verifying_since, end),
        )


NO_PAUSES = Pauses()


def _names(sync: Sync) -> list[Paused]:
    regions = (sync.lane.source_region, sync.lane.target.region)
    return [
        *(Paused(PauseKind.REGION, region) for region in regions),
        Paused(PauseKind.RULE, sync.rule),
        Paused(PauseKind.SENDER, sync.sender),
    ]


def _format(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _at_least(time: datetime | None, least: datetime) -> datetime | None:
    return None if time is None else max(time, least)
