"""The parts of an explanation. The API returns their fields in this order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from swrhook.ledger.queries.expansions import ListedExpansion
from swrhook.ledger.queries.tag_history import TagHistoryCall, TagHistoryDelivery
from swrhook.ledger.queries.views import ListedSync
from swrhook.rules.trace import RuleTrace


@dataclass(frozen=True, slots=True)
class ExplainedSender:
    """What the present rules do with a push of the tag by one sender.

    `matched` says that it would be synchronized. With many rules, `rules` has only those that match
    or nearly match, and `rules_left_out` counts the others.
    """

    sender: str
    region: str
    matched: bool
    summary: str
    rules: Sequence[RuleTrace]
    rules_left_out: int


@dataclass(frozen=True, slots=True)
class ExplainedDelivery:
    """A delivery that announced the tag.

    `about` is the part of its reason that is about this tag. `rules_changed` says that the
    configuration has changed since.
    """

    delivery: TagHistoryDelivery
    about: str | None
    rules_changed: bool


@dataclass(frozen=True, slots=True)
class ExplainedSync:
    """A sync of the tag, the reason why it waits (None if it has ended), and its calls."""

    sync: ListedSync
    waiting: str | None
    rules_changed: bool
    calls: Sequence[TagHistoryCall]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one tag, with everything newest first.

    `summary` is the answer in one sentence, `rules_version` the version of the configuration in
    use, `oldest_record_at` the time of the oldest delivery in the ledger. `expanding` are large
    deliveries that may have announced the tag, too: not all of their pushes are recorded yet.
    """

    image: str
    summary: str
    rules_version: str
    oldest_record_at: datetime | None
    senders: Sequence[ExplainedSender]
    deliveries: Sequence[ExplainedDelivery]
    syncs: Sequence[ExplainedSync]
    expanding: Sequence[ListedExpansion]
