"""What the API shows of the ledger: filters, items and pages, frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

USUAL_LIMIT = 100


class Listed(Protocol):
    """What can be listed."""

    @property
    def id(self) -> str:
        """Return the id, by which lists are sorted."""


Item = TypeVar("Item", bound=Listed)


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """A repository, or one tag of it, under SWR's names in the source's region."""

    namespace: str
    repository: str
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class SyncFilter:
    """Which syncs; None and an empty `states` leave that open. `cursor` is the last id seen.

    `standing` leaves out those that a newer sync of the same tag, to the same target, follows.
    """

    states: frozenset[str] = frozenset()
    region: str | None = None
    namespace: str | None = None
    image: ImageFilter | None = None
    since: datetime | None = None
    standing: bool = False
    limit: int = USUAL_LIMIT
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries; None leaves that open. `cursor` is the last id seen."""

    sender: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    limit: int = USUAL_LIMIT
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ListedError:
    """The last error of a sync."""

    code: str
    message: str
    remedy: str | None


@dataclass(frozen=True, slots=True)
class ListedSync:
    """A sync as the API shows it.

    `digest` is what the source held at the last call or, before one, what the sender announced.
    """

    id: str
    sender: str
    namespace: str
    repository: str
    tag: str
    digest: str | None
    source_region: str
    target_region: str
    target_namespace: str
    override: bool
    state: str
    reason: str | None
    attempts: int
    error: ListedError | None
    rule: str
    rules_version: str
    delivery: str | None
    superseded_by: str | None
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListedPush:
    """One image tag of a delivery."""

    image: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class ListedDelivery:
    """A delivery as the API shows it; `syncs` are the ids of those made for its pushes.

    Those of a duplicate are the ones made for the pushes that it repeats.
    """

    id: str
    sender: str
    dialect: str
    outcome: str
    reason: str | None
    received_at: datetime
    external_id: str | None
    pushes: Sequence[ListedPush]
    syncs: Sequence[str]
    replayed_from: str | None


@dataclass(frozen=True, slots=True)
class ListedSender:
    """A configured sender as the API shows it, and how it has been lately.

    `outcomes` counts the deliveries of the last 24 hours by what became of them.
    """

    name: str
    dialect: str
    region: str
    last_delivery_at: datetime | None
    outcomes: Mapping[str, int]
    expect_every: str | None
    silent: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items, newest first, and the cursor of the next page; None at the end."""

    items: Sequence[Item]
    next: str | None
