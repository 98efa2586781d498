"""Which notices a channel is told, and when."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo

from swrhook.model import State
from swrhook.notifications.model import Notice, Topic
from swrhook.rules.match import Pattern, Patterns

# How long what follows the first notice of a cause at once is awaited, so that it is told with it.
FIRST_WAIT = timedelta(seconds=10)
DEFAULT_GROUP = timedelta(minutes=5)
FAILED_STATES = frozenset({State.REJECTED, State.MISSING, State.DIVERGED, State.EXHAUSTED})


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A time of each day in which nothing is sent; what is due then is sent when it ends."""

    begin: time
    end: time
    zone: tzinfo

    def postpone(self, moment: datetime) -> datetime:
        """Return the moment or, if it is within the quiet hours, their end."""
        local = moment.astimezone(self.zone)
        now, is_overnight = local.time(), self.begin > self.end
        is_quiet = (
            now >= self.begin or now < self.end if is_overnight else self.begin <= now < self.end
        )
        if not is_quiet:
            return moment
        day = local.date() + timedelta(days=is_overnight and now >= self.begin)
        return datetime.combine(day, self.end, self.zone).astimezone(moment.tzinfo)


@dataclass(frozen=True, slots=True)
class NotifyRule:
    """Tells channels what happens.

    `when` and `unless` select by the notice's subject, as a rule selects a push. `group` is the
    shortest time between two messages on one cause, None the topic's default. With `digest`,
    everything of that time is one message.
    """

    on: AbstractSet[Topic]
    to: Sequence[str]
    when: Patterns = field(default_factory=dict)
    unless: Patterns = field(default_factory=dict)
    group: timedelta | None = None
    digest: timedelta | None = None

    def matches(self, notice: Notice) -> bool:
        """Tell whether the rule selects a notice. One without a field of `when` is not selected."""
        return (
            notice.topic in self.on
            and all(_matches(patterns, notice, name) for name, patterns in self.when.items())
            and not any(_matches(patterns, notice, name) for name, patterns in self.unless.items())
        )

    def group_of(self, notice: Notice) -> "Group":
        """Return what the notice is told together with."""
        if self.digest is not None:
            return Group("digest", pause=timedelta(), wait=self.digest)
        default = timedelta() if notice.topic is Topic.AVAILABLE else DEFAULT_GROUP
        pause = default if self.group is None else self.group
        key = f"{notice.topic}:{notice.cause}"
        return Group(key, pause, wait=min(FIRST_WAIT, pause))


def _matches(patterns: Sequence[Pattern], notice: Notice, name: str) -> bool:
    value = notice.subject.get(name)
    return value is not None and any(pattern.matches(value) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Group:
    """Notices that become one message: it is due `wait` after the first of them.

    It is due at least `pause` after the last message with this key. Without a wait, each notice is
    a message of its own.
    """

    key: str
    pause: timedelta
    wait: timedelta

    @property
    def is_single(self) -> bool:
        """Tell whether each notice is a message of its own."""
        return not self.wait

    def due_at(self, now: datetime, last_at: datetime | None) -> datetime:
        """Return when a message is due that begins now; `last_at`: when the last one was due."""
        soonest = now + self.wait
        # A last one further ahead than a pause was set by a clock that was wrong.
        if last_at is None or not self.pause or last_at > now + self.pause:
            return soonest
        return max(soonest, last_at + self.pause)


def select_channels(rules: Sequence[NotifyRule], notice: Notice) -> dict[str, Group]:
    """Return the channels for a notice. The first rule that selects a channel decides the group."""
    groups: dict[str, Group] = {}
    for rule in rules:
        if rule.matches(notice):
            for channel in rule.to:
                groups.setdefault(channel, rule.group_of(notice))
    return groups


def topics_of(rules: Sequence[NotifyRule]) -> frozenset[Topic]:
    """Return the topics that any rule tells."""
    return frozenset(topic for rule in rules for topic in rule.on)


def told_states(topics: AbstractSet[Topic]) -> frozenset[State]:
    """Return the end states of syncs that have to be recorded for these topics."""
    by_topic: Mapping[Topic, frozenset[State]] = {
        Topic.FAILED: FAILED_STATES,
        Topic.AVAILABLE: frozenset({State.VERIFIED}),
    }
    return frozenset().union(*(by_topic.get(topic, frozenset()) for topic in topics))
