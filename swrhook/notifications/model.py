"""What can be told, and the messages that it is gathered in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

# A message names so many things of a cause, and a digest so many causes; it counts the others.
MOST_ITEMS = 10
MOST_PARTS = 30


class Topic(StrEnum):
    """What a notification is about; the names are those of `on` in swrhook.yaml."""

    FAILED = "failed"
    LATE = "late"
    RECOVERED = "recovered"
    REGION = "region"
    SENDER = "sender"
    QUARANTINED = "quarantined"
    CONFIGURATION = "configuration"
    AVAILABLE = "available"
    DRIFT = "drift"
    TEST = "test"  # an operator asks for it; no rule selects it


class NotificationState(StrEnum):
    """How far a notification is."""

    GATHERING = "gathering"  # events are added to it until it is due
    SENDING = "sending"  # being delivered, or waiting for the next attempt
    SENT = "sent"
    FAILED = "failed"  # not delivered before the deadline


# The fact that says what the texts among the facts were made of; see wording/storage.py.
WORDING = "wording"

# JSON values.
Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell.

    Notices of a topic with the same `cause` are told together. `facts` describe the cause, `item`
    the one thing that it concerns, such as a sync. `subject` has the values that a rule's `when`
    is compared with: of sender, namespace, repository and tag, those that the notice has.
    """

    topic: Topic
    cause: str
    at: datetime
    facts: Facts = field(default_factory=dict)
    item: Facts | None = None
    subject: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """What a notification tells of one cause: the facts, the first items, and how many there are.

    The times are those of the first and the last notice.
    """

    topic: Topic
    cause: str
    facts: Facts
    items: Sequence[Facts]
    count: int
    first_at: datetime
    last_at: datetime

    @property
    def public_facts(self) -> dict[str, Any]:
        """Return the facts that machines are told: not what their texts were made of."""
        return {name: fact for name, fact in self.facts.items() if name != WORDING}

    @property
    def public_items(self) -> list[dict[str, Any]]:
        """Return the items that machines are told."""
        return [{name: item[name] for name in item if name != WORDING} for item in self.items]

    def to_json(self) -> dict[str, Any]:
        """Return the part as JSON, as the ledger stores it."""
        return {
            "topic": self.topic.value,
            "cause": self.cause,
            "facts": dict(self.facts),
            "items": [dict(item) for item in self.items],
            "count": self.count,
            "first_at": self.first_at.isoformat(),
            "last_at": self.last_at.isoformat(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Part":
        """Return the part of what `to_json` returned."""
        return cls(
            topic=Topic(value["topic"]),
            cause=value["cause"],
            facts=value["facts"],
            items=value["items"],
            count=value["count"],
            first_at=datetime.fromisoformat(value["first_at"]),
            last_at=datetime.fromisoformat(value["last_at"]),
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """What a channel is to be told, together with all that has the same key."""

    channel: str
    key: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Notification:
    """A message for one channel; `parts_left_out` counts the causes that have no part."""

    id: str
    channel: str
    created_at: datetime
    parts: Sequence[Part]
    parts_left_out: int = 0
