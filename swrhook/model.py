"""The domain values that every package uses, all immutable. Times are aware datetimes in UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum


def image_name(namespace: str, repository: str, tag: str) -> str:
    """Return `namespace/repository:tag`."""
    return f"{namespace}/{repository}:{tag}"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One image tag as a sender names it, before the sender's `image` settings are applied.

    `name` is the repository's path without the registry's host, as in `team/web/shop`. `digest` is
    None if the sender sent none or an invalid one. `event_id` is the sender's own id of the event;
    a redelivery has the same one.
    """

    name: str
    tag: str
    digest: str | None = None
    event_id: str | None = None
    pushed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a dialect read in a delivery: the announced tags, and the reasons for skipped parts."""

    announcements: Sequence[Announcement]
    skipped: Sequence[str] = ()
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """One image tag that a delivery announced, under its names in the source region's SWR."""

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
        return image_name(self.namespace, self.repository, self.tag)


@dataclass(frozen=True, slots=True)
class Target:
    """The organization and region that an image is copied to."""

    region: str
    namespace: str

    def __str__(self) -> str:
        """Return `region/namespace`."""
        return f"{self.region}/{self.namespace}"


@dataclass(frozen=True, slots=True)
class Lane:
    """The key that syncs share if one sync_images call can carry them all."""

    source_region: str
    namespace: str
    repository: str
    target: Target
    override: bool

    @property
    def key(self) -> str:
        """Return the lane as a unique, stable string."""
        override = "override" if self.override else "keep"
        return f"{self.source_region}/{self.namespace}/{self.repository}>{self.target}:{override}"


@dataclass(frozen=True, slots=True)
class PlannedSync:
    """One push to one target, as a rule requires it."""

    push: Push
    target: Target
    override: bool
    rule: str

    @property
    def lane(self) -> Lane:
        """Return the lane that will carry it."""
        push = self.push
        return Lane(push.region, push.namespace, push.repository, self.target, self.override)


class Outcome(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


class State(StrEnum):
    """The state of a sync; swrhook.syncs.states has the transitions."""

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


class Urgency(IntEnum):
    """The class of work that a sync waits for; swrhook.engine.fair_queue has the share of each."""

    FRESH = 0  # the first look and call for a push
    PROOF = 1  # the target of a call is read
    REPEAT = 2  # what was missing or failed is tried again
    BACKFILL = 3  # syncs of backfills and reconciles


OPEN_STATES = frozenset({State.PENDING, State.CALLING, State.TRIGGERED})
END_STATES = frozenset(State) - OPEN_STATES


@dataclass(frozen=True, slots=True)
class SyncRef:
    """A sync as the response to a delivery names it."""

    id: str
    image: str
    target: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of a delivery that is recorded on disk.

    The syncs of a large delivery are recorded afterwards; `syncs_total` says how many.
    """

    delivery: str
    sender: str
    outcome: Outcome
    reason: str | None
    syncs: Sequence[SyncRef]
    syncs_total: int | None = None


@dataclass(frozen=True, slots=True)
class Sync:
    """The copying of one image tag to one target, as the ledger stores it.

    `digest` is the one that the sender announced, `called_digest` the one that the source held when
    sync_images was called, or the verified one. `waiting_since` is when the tag was first missing
    at the source, `failing_since` when requests began to fail, `verifying_since` when polling the
    target began. `polls` counts the polls and `failures` the failed requests. `alone` excludes
    other tags from its next call. `backfill` is set for syncs of backfills and reconciles.
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
        return image_name(self.lane.namespace, self.lane.repository, self.tag)

    @property
    def route(self) -> str:
        """Return the key that a later push of the same tag to the same target shares with it."""
        return route(self.lane, self.tag)


def route(lane: Lane, tag: str) -> str:
    """Return the unique key of a tag's path from source to target, whatever its override."""
    return f"{lane.source_region}/{lane.namespace}/{lane.repository}:{tag}>{lane.target}"


@dataclass(frozen=True, slots=True)
class PackedPushes:
    """The pushes of a large delivery with their syncs, in the form in which they are stored.

    `has_own_id`: the external id is the one of the whole delivery, not of one of several events.
    """

    region: str
    pushes_total: int
    syncs_total: int
    portions: Sequence[bytes] = field(repr=False)
    has_own_id: bool


@dataclass(frozen=True, slots=True)
class DeliveryEntry:
    """A delivery that passed every check and is ready to be recorded.

    `outcome` is ACCEPTED, IGNORED or QUARANTINED; the ledger then detects duplicates among the
    accepted ones. `replayed_from` is the id of the delivery that this one replays. A large one has
    `packed` in place of `pushes` and `planned`. `over_max_images` says why one is quarantined.
    `arrived` is when the request came in, by the process's monotonic clock; None for a replay.
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
    packed: PackedPushes | None = None
    over_max_images: bool = False
    client_address: str | None = None
    arrived: float | None = None


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """What the ledger keeps of a delivery for a replay.

    `original` is the id of the delivery that a duplicate repeats. `body` is None if it was not
    kept or has been deleted; then `pushes` has what is recorded, not yet all if it is `expanding`.
    """

    id: str
    sender: str
    outcome: Outcome
    original: str | None
    external_id: str | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    pushes: Sequence[Push] = ()
    expanding: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a credential was refused, and when it may be used again (None: never)."""

    reason: str
    again_at: datetime | None
