"""Read models: filters, items and pages of the API's lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from swrhook.rules.namespaces import Namespaces
from swrhook.syncs.observations import DriftKind
from swrhook.syncs.pauses import PauseKind

USUAL_LIMIT = 100


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class PageFilter:
    """Which page of a list: `cursor` is the last id of the previous page, None for the first."""

    limit: int = USUAL_LIMIT
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """A repository, or one tag of it, by its names in the source region.

    `tag_prefix`: of the repository, only the tags that begin so.
    """

    namespace: str
    repository: str
    tag: str | None = None
    tag_prefix: str = ""


@dataclass(frozen=True, slots=True)
class SyncFilter(PageFilter):
    """Which syncs to list; None and empty `states` match all.

    `images`: those of any of these, instead of `image`. `standing`: only those without a newer sync
    of the same tag to the same target. `scope`: the source organizations that the reader may see.
    """

    states: frozenset[str] = frozenset()
    region: str | None = None
    namespace: str | None = None
    image: ImageFilter | None = None
    images: Sequence[ImageFilter] | None = None
    delivery: str | None = None
    rule: str | None = None
    since: datetime | None = None
    standing: bool = False
    scope: Namespaces | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFilter(PageFilter):
    """Which deliveries to list; None matches all. `scope`: as in SyncFilter."""

    sender: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    scope: Namespaces | None = None


@dataclass(frozen=True, slots=True)
class ListedError:
    """The last error of a sync."""

    code: str
    message: str
    remedy: str | None


@dataclass(frozen=True, slots=True)
class ListedDrift:
    """How the target of a verified sync differs now from what was verified.

    `since` is when the difference was first seen, `why` what has caused it, as far as is known.
    """

    kind: DriftKind
    since: datetime
    why: str | None


@dataclass(frozen=True, slots=True)
class ListedPause:
    """What holds an open sync back: the pause of a region, of its rule, or of its sender."""

    kind: PauseKind
    name: str
    since: datetime
    until: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ListedSync:
    """A sync as the API shows it.

    `digest` is the source's at the last call or, before a call, the one that was announced.
    `observed_at` is when the target was last observed, None for never, and `observed_digest` what
    it held then, None for no such tag. While a pause holds it back, `reason` says so.
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
    observed_at: datetime | None
    observed_digest: str | None
    drift: ListedDrift | None
    paused: ListedPause | None


@dataclass(frozen=True, slots=True)
class ListedPush:
    """One image tag of a delivery."""

    image: str
    digest: str | None


class DuplicateBy(StrEnum):
    """By what a delivery was recognized as a duplicate."""

    EXTERNAL_ID = "external_id"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class ListedDelivery:
    """A delivery as the API shows it.

    `syncs` are the ids of the syncs of its pushes; of a duplicate, those of the original's pushes.
    Both lists are empty for a large delivery; `syncs_url` lists its syncs in pages. `expanding`
    says that not all of its pushes are recorded yet. `original` is the delivery that a duplicate
    repeats. `answered` is the outcome that the sender was told, and `took_ms` how long it took to
    write the delivery; both are None for a replay.
    """

    id: str
    sender: str
    dialect: str
    outcome: str
    reason: str | None
    received_at: datetime
    external_id: str | None
    pushes: Sequence[ListedPush]
    pushes_total: int
    syncs: Sequence[str]
    syncs_total: int
    syncs_url: str
    expanding: bool
    replayed_from: str | None
    original: str | None
    duplicate_by: DuplicateBy | None
    answered: str | None
    client_address: str | None
    took_ms: int | None


def syncs_url(delivery_id: str) -> str:
    """Return the address, without the host, of the list of a delivery's syncs."""
    return f"/api/v1/syncs?delivery={delivery_id}"


@dataclass(frozen=True, slots=True)
class ListedSender:
    """A configured sender as the API shows it, and its recent deliveries.

    `last_outcome` is that of its newest delivery, or of a replay since; `outcomes` counts the
    deliveries of the last 24 hours.
    """

    name: str
    dialect: str
    region: str
    last_delivery_at: datetime | None
    last_outcome: str | None
    outcomes: Mapping[str, int]
    expect_every: str | None
    silent: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items, newest first, and the cursor of the next page, None on the last page."""

    items: Sequence[Item]
    next: str | None
