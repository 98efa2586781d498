"""What is to be told: syncs that ended, in the transaction that ends them, and all else."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from swrhook.ledger.database import Database
from swrhook.ledger.notices import has_notices, record_endings, record_notices, take_notices
from swrhook.ledger.tables import syncs
from swrhook.model import State
from swrhook.notifications.model import Notice, Topic
from tests.factories import NOW, OTHER_TARGET, SECOND, TARGET, entry, push, write


def end(database: Database, sync_id: str, state: State, at: int = 0, **values: Any) -> None:
    """End a sync, and record that, as the worker does."""
    now = NOW + at * SECOND
    values |= {"state": state.value, "updated_at": now}
    if state is State.VERIFIED:
        values |= {"verified_at": now, "called_digest": "sha256:1"}
    with database.write() as connection:
        connection.execute(update(syncs).where(syncs.c.id == sync_id).values(values))
        record_endings(connection, [sync_id], now)


def take(database: Database, limit: int = 100) -> list[Notice]:
    with database.write() as connection:
        return list(take_notices(connection, limit).notices)


def record(database: Database, tag: str = "v1") -> list[str]:
    """Record a push to two targets; return the ids of its syncs."""
    recording = write(database, entry(push(tag), targets=(TARGET, OTHER_TARGET)))
    return [sync.id for sync in recording.receipts[0].syncs]


def test_a_notice_is_taken_once(database: Database) -> None:
    notice = Notice(Topic.QUARANTINED, "ci", NOW, {"sender": "ci"}, {"delivery": "1"}, {"a": "b"})
    with database.write() as connection:
        record_notices(connection, [notice])

    assert take(database) == [notice]
    assert take(database) == []
    with database.read() as connection:
        assert not has_notices(connection)


def test_a_rollback_puts_notices_back(database: Database) -> None:
    first, _ = record(database)
    end(database, first, State.REJECTED)

    with database.write() as connection:
        take_notices(connection, 10)
        connection.rollback()

    assert len(take(database)) == 1


def test_notices_are_taken_in_portions_the_oldest_first(database: Database) -> None:
    with database.write() as connection:
        for number in range(5):
            record_notices(connection, [Notice(Topic.LATE, str(number), NOW)])

    assert [notice.cause for notice in take(database, 2)] == ["0", "1"]
    assert [notice.cause for notice in take(database, 9)] == ["2", "3", "4"]


def test_a_failure_names_its_cause_and_the_sync(database: Database) -> None:
    first, _ = record(database)
    error: dict[str, Any] = {
        "error_code": "A.1",
        "error_message": "no access",
        "error_remedy": "ask",
    }
    end(database, first, State.REJECTED, **error)

    [notice] = take(database)

    assert (notice.topic, notice.cause) == (Topic.FAILED, "rejected:A.1:cn-north-4>cn-east-3")
    assert notice.facts["remedy"] == "ask"
    assert notice.item == {
        "sync": first,
        "image": "team/web/shop:v1",
        "target": "cn-east-3/team",
        "reason": "no access",
    }
    assert notice.subject["repository"] == "web/shop"


def test_a_sync_that_was_retried_meanwhile_is_not_told(database: Database) -> None:
    first, _ = record(database)
    end(database, first, State.REJECTED)
    with database.write() as connection:
        connection.execute(update(syncs).values(state=State.PENDING.value))

    assert take(database) == []


def test_an_image_is_available_once_all_its_targets_are_verified(database: Database) -> None:
    first, second = record(database)
    end(database, first, State.VERIFIED, at=1)
    assert take(database) == []

    end(database, second, State.VERIFIED, at=2)
    [notice] = take(database)
    assert (notice.topic, notice.facts["image"]) == (Topic.AVAILABLE, "team/web/shop:v1")
    assert notice.facts["targets"] == ["ap-southeast-1/team", "cn-east-3/team"]


def test_an_image_is_told_as_available_once_if_both_ends_are_read_together(
    database: Database,
) -> None:
    first, second = record(database)
    end(database, second, State.VERIFIED, at=1)
    end(database, first, State.VERIFIED, at=2)

    assert [notice.topic for notice in take(database)] == [Topic.AVAILABLE]


def test_an_image_that_failed_at_one_target_is_not_available(database: Database) -> None:
    first, second = record(database)
    end(database, first, State.REJECTED, at=1)
    end(database, second, State.VERIFIED, at=2)

    assert [notice.topic for notice in take(database)] == [Topic.FAILED]


def test_a_sync_without_a_push_counts_with_the_newest_of_each_target(database: Database) -> None:
    first, second = record(database)
    with database.write() as connection:
        connection.execute(update(syncs).values(push=None))
    end(database, first, State.VERIFIED, at=1)
    assert take(database) == []
    end(database, second, State.VERIFIED, at=2)

    assert [notice.topic for notice in take(database)] == [Topic.AVAILABLE]


def test_a_deleted_sync_is_passed_over(database: Database) -> None:
    with database.write() as connection:
        record_endings(connection, ["01AAAAAAAAAAAAAAAAAAAAAAAA"], NOW - timedelta(days=1))

    assert take(database) == []
