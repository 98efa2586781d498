"""An explanation, frozen, in the API's order of members."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from swrhook.ledger.queries.tag_history import KnownCall, KnownDelivery
from swrhook.ledger.queries.views import ListedSync
from swrhook.rules.trace import RuleTrace


@dataclass(frozen=True, slots=True)
class ExplainedSender:
    """What becomes now of a push of the tag by one sender, in words and rule by rule.

    `wanted` tells that it would be synchronized. Where there are many rules, those furthest from
    wanting the push are only counted, in `rules_left_out`.
    """

    sender: str
    region: str
    wanted: bool
    summary: str
    rules: Sequence[RuleTrace]
    rules_left_out: int


@dataclass(frozen=True, slots=True)
class ExplainedDelivery:
    """A delivery that announced the tag.

    `about` is what its reason says of this tag alone. `rules_changed` tells that the configuration
    that decided is not the one in use.
    """

    delivery: KnownDelivery
    about: str | None
    rules_changed: bool


@dataclass(frozen=True, slots=True)
class ExplainedSync:
    """A sync of the tag, why an open one waits, and its calls, newest first."""

    sync: ListedSync
    waiting: str | None
    rules_changed: bool
    calls: Sequence[KnownCall]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is known of one tag, newest first; `summary` is the answer in one sentence.

    `rules_version` is that of the configuration in use, `oldest_record_at` how far back the ledger
    reaches.
    """

    image: str
    summary: str
    rules_version: str
    oldest_record_at: datetime | None
    senders: Sequence[ExplainedSender]
    deliveries: Sequence[ExplainedDelivery]
    syncs: Sequence[ExplainedSync]
