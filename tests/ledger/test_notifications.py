"""Messages: gathered, claimed by one process at a time, retried and ended."""

from datetime import datetime

import pytest

from swrhook.ledger import notifications
from swrhook.ledger.database import Database
from swrhook.ledger.notifications import LEASE, ListedNotification, NotificationFilter
from swrhook.notifications.model import Draft, Notice, Topic
from swrhook.notifications.parts import to_part
from tests.factories import MINUTE, NOW, SECOND


def draft(key: str = "failed:a", channel: str = "ops", cause: str = "a") -> Draft:
    return Draft(channel, key, [to_part(Notice(Topic.FAILED, cause, NOW, {}, {"sync": "1"}))])


def gather(database: Database, *drafts: Draft, due_at: datetime = NOW) -> None:
    with database.write() as connection:
        for one in drafts or (draft(),):
            notifications.gather(connection, one, NOW, due_at)


def claim(
    database: Database, now: datetime = NOW, channel: str = "ops"
) -> notifications.Claim | None:
    with database.write() as connection:
        return notifications.claim_due(connection, channel, now)


def claimed(database: Database, now: datetime = NOW) -> notifications.Claim:
    found = claim(database, now)
    assert found is not None
    return found


def listed(database: Database, **filters: object) -> list[ListedNotification]:
    with database.read() as connection:
        page = notifications.list_notifications(connection, NotificationFilter(**filters))  # type: ignore[arg-type]
    return list(page.items)


def test_what_has_the_same_key_becomes_one_message(database: Database) -> None:
    gather(database, draft(), draft(), draft("failed:b"), draft(channel="boss"))

    counts = [(item.channel, [part["count"] for part in item.parts]) for item in listed(database)]
    assert sorted(counts) == [("boss", [1]), ("ops", [1]), ("ops", [2])]


def test_a_claimed_message_gathers_no_more(database: Database) -> None:
    gather(database)
    first = claimed(database)
    gather(database)
    second = claimed(database)

    assert [len(c.message.parts[0].items) for c in (first, second)] == [1, 1]
    assert first.message.id != second.message.id


def test_a_message_is_claimed_when_it_is_due_and_by_one_process(database: Database) -> None:
    gather(database, due_at=NOW + MINUTE)

    assert claim(database) is None
    assert claim(database, NOW + MINUTE, channel="boss") is None
    assert claim(database, NOW + MINUTE) is not None
    assert claim(database, NOW + MINUTE) is None


def test_the_message_of_a_process_that_died_is_delivered_by_another(database: Database) -> None:
    gather(database)
    died = claimed(database)
    later = NOW + LEASE + SECOND
    again = claimed(database, later)

    assert again.message == died.message
    with database.write() as connection:
        assert not notifications.end(connection, died, later, None)
        assert notifications.end(connection, again, later, None)
    assert [(item.state, item.attempts) for item in listed(database)] == [("sent", 1)]


def test_a_failed_attempt_is_repeated_later(database: Database) -> None:
    gather(database)
    first = claimed(database)
    with database.write() as connection:
        notifications.postpone(connection, first, NOW + MINUTE, "status 503")

    assert claim(database) is None
    second = claimed(database, NOW + MINUTE)
    assert second.attempts == 1
    [item] = listed(database)
    assert (item.state, item.error, item.attempts) == ("sending", "status 503", 1)


def test_an_ended_message_can_be_sent_again_and_one_in_progress_cannot(database: Database) -> None:
    gather(database)
    first = claimed(database)
    with database.write() as connection:
        assert not notifications.send_again(connection, first.message.id, NOW)
        notifications.end(connection, first, NOW, "status 404")
        assert notifications.send_again(connection, first.message.id, NOW)
        assert not notifications.send_again(connection, "nothing", NOW)

    again = claimed(database)
    assert (again.message.id, again.attempts) == (first.message.id, 0)


def test_messages_to_removed_channels_fail(database: Database) -> None:
    gather(database, draft(), draft(channel="gone"))
    with database.write() as connection:
        assert notifications.due_channels(connection, NOW) == ["gone", "ops"]
        assert notifications.fail_unknown(connection, ["ops"], NOW) == 1
        assert notifications.due_channels(connection, NOW) == ["ops"]

    assert [item.state for item in listed(database, channel="gone")] == ["failed"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["boss", "ops", "ops"]),
        ({"channel": "ops"}, ["ops", "ops"]),
        ({"states": frozenset({"sent"})}, ["ops"]),
        ({"channel": "ops", "states": frozenset({"gathering"})}, ["ops"]),
        ({"since": NOW + MINUTE}, []),
    ],
)
def test_the_list_is_filtered(
    database: Database, filters: dict[str, object], expected: list[str]
) -> None:
    gather(database, draft(), draft(channel="boss"))
    sent = claimed(database)
    with database.write() as connection:
        notifications.end(connection, sent, NOW, None)
    gather(database)

    assert sorted(item.channel for item in listed(database, **filters)) == expected
