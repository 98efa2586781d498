"""The nouns, frozen. Times are aware datetimes in UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Announcement:
    """One image tag as a sender names it, before the sender's settings are applied.

    `name` is the repository's path without the registry's host, `team/web/shop`. `digest` is None
    when the sender does not tell it or tells nonsense. `event_id` is the sender's own id of the
    event, the same when it is sent again.
    """

    name: str
    tag: str
    digest: str | None = None
    event_id: str | None = None
    pushed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a dialect read in a delivery: the tags announced, and why the rest was left out."""

    announcements: Sequence[Announcement]
    skipped: Sequence[str] = ()
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """One image tag that a delivery announced, under SWR's names in the source's region."""

    sender: str
    region: str
    namespace: str
    repository: str
    tag: str
    digest: str | None = None
    event_id: str | None = None
    pushed_at: datetime | None = None

    @property
    def image(self) -> str:
        """Return `namespace/repository:tag`."""
        return f"{self.namespace}/{self.repository}:{self.tag}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where an image goes: an organization in a region."""

    region: str
    namespace: str

    def __str__(self) -> str:
        """Write `region/namespace`."""
        return f"{self.region}/{self.namespace}"


@dataclass(frozen=True, slots=True)
class Lane:
    """The syncs that one sync_images call can carry."""

    source_region: str
    namespace: str
    repository: str
    target: Target
    override: bool

    @property
    def key(self) -> str:
        """Return the lane as one string, unique and stable."""
        override = "override" if self.override else "keep"
        return f"{self.source_region}/{self.namespace}/{self.repository}>{self.target}:{override}"


@dataclass(frozen=True, slots=True)
class PlannedSync:
    """One push to one target, as a rule wants it."""

    push: Push
    target: Target
    override: bool
    rule: str

    @property
    def lane(self) -> Lane:
        """Return the lane that the sync belongs to."""
        push = self.push
        return Lane(push.region, push.namespace, push.repository, self.target, self.override)


class Outcome(StrEnum):
    """The verdict on a delivery."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


class State(StrEnum):
    """Where a sync stands."""

    PENDING = "pending"
    CALLING = "calling"
    TRIGGERED = "triggered"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    DIVERGED = "diverged"
    MISSING = "missing"
    REJECTED = "rejected"
    EXHAUSTED = "exhausted"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


OPEN_STATES = frozenset({State.PENDING, State.CALLING, State.TRIGGERED})
END_STATES = frozenset(State) - OPEN_STATES


@dataclass(frozen=True, slots=True)
class SyncRef:
    """A sync as a hook's answer names it."""

    id: str
    image: str
    target: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery, after it is on disk."""

    delivery: str
    sender: str
    outcome: Outcome
    reason: str | None
    syncs: Sequence[SyncRef]


@dataclass(frozen=True, slots=True)
class Sync:
    """One image tag on its way to one target, as the ledger holds it.

    `digest` is what the sender announced, `called_digest` what the source held when sync_images
    was called. `waiting_since`, `failing_since` and `verifying_since` say since when the tag is
    not at the source, tries or looks fail, or the target is looked at; `looks` and `failures`
    count them. `backfill` gives way to fresh pushes.
    """

    id: str
    delivery: str | None
    sender: str
    lane: Lane
    tag: str
    digest: str | None
    rule: str
    state: State
    attempts: int
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None
    claim: str | None = None
    superseded_by: str | None = None
    called_digest: str | None = None
    waiting_since: datetime | None = None
    failing_since: datetime | None = None
    verifying_since: datetime | None = None
    polls: int = 0
    failures: int = 0
    retriggers: int = 0
    lost_claims: int = 0
    alone: bool = False
    backfill: bool = False

    @property
    def image(self) -> str:
        """Return `namespace/repository:tag`."""
        return f"{self.lane.namespace}/{self.lane.repository}:{self.tag}"

    @property
    def route(self) -> str:
        """Return what a later push of the same tag to the same target shares with this sync."""
        return route(self.lane, self.tag)


def route(lane: Lane, tag: str) -> str:
    """Return a tag's way from its sender to a target, override left out, as one string."""
    return f"{lane.source_region}/{lane.namespace}/{lane.repository}:{tag}>{lane.target}"


@dataclass(frozen=True, slots=True)
class DeliveryEntry:
    """A delivery ready to be recorded: everything that can refuse it has run.

    `outcome` is ACCEPTED (it wants syncs; the ledger finds out whether it is a duplicate),
    IGNORED or QUARANTINED. `replayed_from` is the delivery of which this one is a replay.
    """

    sender: str
    dialect: str
    outcome: Outcome
    reason: str | None
    received_at: datetime
    rules_version: str
    dedup_window: timedelta
    external_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    pushes: Sequence[Push] = ()
    planned: Sequence[PlannedSync] = ()
    replayed_from: str | None = None


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """What the ledger keeps of a delivery, for it to be read again.

    `original` is what a duplicate repeats. `body` is None where it is not kept, or no longer.
    """

    id: str
    sender: str
    outcome: Outcome
    original: str | None
    external_id: str | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    pushes: Sequence[Push] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a credential was refused, and when it may be tried again (None is never)."""

    reason: str
    again_at: datetime | None
