"""Notifications from the ledger to a real receiver: retried, never lost, in each channel's time."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from datetime import time as time_of_day
from typing import Any

import pytest

from swrhook import logs
from swrhook.auth.standard_webhooks import signing_key
from swrhook.config.model import Channel, Config, Notify, WebhookChannel
from swrhook.ledger.database import Database
from swrhook.ledger.notices import record_notices
from swrhook.ledger.notifications import (
    LEASE,
    ListedNotification,
    NotificationFilter,
    claim_due,
    list_notifications,
)
from swrhook.metrics import Metrics
from swrhook.notifications.model import Notice, Topic
from swrhook.notifications.rules import NotifyRule, QuietHours, told_states, topics_of
from swrhook.service.notifier import DEADLINE, PORTION, Notifier
from tests.channels.receiver import Receiver, receive
from tests.factories import MINUTE, NOW, SECOND, FakeClock, FixedConfig
from tests.web.harness import configuration

pytestmark = pytest.mark.on("sqlite", "postgresql")

KEY = signing_key(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
DEAD = WebhookChannel("dead", "http://127.0.0.1:9/", KEY)
PATIENCE = 20.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as receiver:
        yield receiver


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


Make = Callable[..., Notifier]


@pytest.fixture
def make(database: Database, clock: FakeClock, receiver: Receiver) -> Iterator[Make]:
    """Return a function that makes a notifier with these rules, as a new process would."""
    notifiers = []

    def notifier(*rules: NotifyRule, **channels: Channel) -> Notifier:
        logs.configure("json", "CRITICAL")
        ops = WebhookChannel("ops", f"{receiver.url}/ops", KEY)
        config = with_rules(rules, {"ops": ops, "dead": DEAD, **channels})
        notifiers.append(Notifier(database, FixedConfig(config), clock, Metrics()))
        return notifiers[-1]

    yield notifier
    for one in notifiers:
        one.stop()


def with_rules(rules: Any, channels: dict[str, Channel]) -> Config:
    topics = topics_of(rules)
    notify = Notify(None, channels, rules, topics, told_states(topics))
    return replace(configuration(), notify=notify)


def rule(*to: str, group: timedelta = timedelta(), **more: Any) -> NotifyRule:
    return NotifyRule(frozenset({Topic.LATE, Topic.FAILED}), to or ("ops",), group=group, **more)


def tell(database: Database, *causes: str) -> None:
    with database.write() as connection:
        record_notices(
            connection,
            [
                Notice(Topic.LATE, cause, NOW, {"source_region": "a", "target_region": cause})
                for cause in causes
            ],
        )


def messages(database: Database) -> list[ListedNotification]:
    with database.read() as connection:
        return list(list_notifications(connection, NotificationFilter()).items)


def settle(database: Database, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, messages(database)
        time.sleep(0.02)


def test_what_is_told_arrives(database: Database, make: Make, receiver: Receiver) -> None:
    tell(database, "b")
    notifier = make(rule())
    notifier.poll()  # gathers
    notifier.poll()  # delivers
    settle(database, lambda: [item.state for item in messages(database)] == ["sent"])

    [request] = receiver.requests
    assert request.path == "/ops"
    assert b"1 sync from a to b is late" in request.body


def test_a_thousand_notices_of_one_cause_are_one_message(
    database: Database, make: Make, clock: FakeClock
) -> None:
    tell(database, *["b"] * (2 * PORTION + 1), "c")
    make(rule(group=5 * MINUTE)).poll()

    counts = sorted(item.parts[0]["count"] for item in messages(database))
    assert counts == [1, 2 * PORTION + 1]
    assert {item.due_at for item in messages(database)} == {clock.time + 10 * SECOND}


def test_the_next_message_on_a_cause_waits_for_the_group_s_time(
    database: Database, make: Make, clock: FakeClock, receiver: Receiver
) -> None:
    notifier = make(rule(group=5 * MINUTE))
    tell(database, "b")
    notifier.poll()
    clock.advance(10)
    first_due = clock.time
    notifier.poll()
    settle(database, lambda: len(receiver.requests) == 1)
    tell(database, "b")
    notifier.poll()

    assert messages(database)[0].due_at == first_due + 5 * MINUTE


def test_a_refused_message_is_delivered_later(
    database: Database, make: Make, clock: FakeClock, receiver: Receiver
) -> None:
    receiver.answers = [(503, {"Retry-After": "60"}), (200, {})]
    tell(database, "b")
    notifier = make(rule())
    notifier.poll()
    notifier.poll()
    settle(database, lambda: messages(database)[0].attempts == 1)
    [refused] = messages(database)
    assert (refused.state, refused.error) == ("sending", "answered with status 503")
    assert refused.due_at == clock.time + MINUTE

    clock.advance(60)
    notifier.poll()
    settle(database, lambda: messages(database)[0].state == "sent")
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_a_message_fails_after_the_deadline(
    database: Database, make: Make, clock: FakeClock
) -> None:
    tell(database, "b")
    notifier = make(rule("dead"))
    notifier.poll()
    clock.time += DEADLINE + SECOND
    notifier.poll()
    settle(database, lambda: messages(database)[0].state == "failed")


def test_a_dead_channel_delays_no_other(database: Database, make: Make, receiver: Receiver) -> None:
    tell(database, *(str(number) for number in range(20)))
    notifier = make(rule("dead", "ops"))
    notifier.poll()
    notifier.poll()
    settle(database, lambda: len(receiver.requests) == 20)


def test_another_process_delivers_what_a_killed_one_had_claimed(
    database: Database, make: Make, clock: FakeClock, receiver: Receiver
) -> None:
    tell(database, "b")
    make(rule()).poll()
    with database.write() as connection:
        assert claim_due(connection, "ops", clock.time) is not None  # and then it is killed
    other = make(rule())
    other.poll()
    assert receiver.requests == []

    clock.time += LEASE + SECOND
    other.poll()
    settle(database, lambda: messages(database)[0].state == "sent")


def test_quiet_hours_hold_messages_back(database: Database, make: Make, clock: FakeClock) -> None:
    quiet = QuietHours(time_of_day(5), time_of_day(7), UTC)  # it is 05:06
    tell(database, "b")
    make(rule("calm"), calm=replace(DEAD, name="calm", quiet=quiet)).poll()

    assert messages(database)[0].due_at == clock.time.replace(hour=7, minute=0, second=0)


def test_notices_that_no_rule_tells_are_dropped(database: Database, make: Make) -> None:
    tell(database, "b")
    notifier = make()
    notifier.poll()
    notifier.poll()

    assert messages(database) == []


def test_a_message_for_a_removed_channel_fails(
    database: Database, make: Make, clock: FakeClock
) -> None:
    tell(database, "b")
    make(rule("old"), old=replace(DEAD, name="old")).poll()
    clock.advance(2)
    make(rule()).poll()

    [message] = messages(database)
    assert (message.state, message.error) == (
        "failed",
        "the channel is not in the configuration any more",
    )
