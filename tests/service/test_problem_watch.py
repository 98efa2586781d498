"""What no transaction records is found by a search, and told if a rule says so."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from swrhook import logs
from swrhook.config.model import Config, Notify
from swrhook.ledger.database import Database
from swrhook.ledger.notices import take_notices
from swrhook.ledger.queries.pagination import lowest_id
from swrhook.ledger.tables import syncs
from swrhook.model import Outcome, State
from swrhook.notifications.model import Topic
from swrhook.notifications.rules import NotifyRule, topics_of
from swrhook.service.problem_watch import ProblemWatch
from swrhook.service.sender_monitor import SenderActivity
from tests.factories import MINUTE, FakeClock, FixedConfig, entry, put, write
from tests.web.harness import configuration

ALL = frozenset(Topic) - {Topic.TEST}


@dataclass
class Watched:
    """A watch, and what it looks at."""

    database: Database
    clock: FakeClock
    config: FixedConfig
    problem: str | None = None

    def __post_init__(self) -> None:
        senders = SenderActivity(self.database, self.config, self.clock)
        self.watch = ProblemWatch(
            self.database, self.config, senders, lambda: self.problem, self.clock
        )

    def poll(self, after: timedelta = timedelta()) -> list[tuple[Topic, bool]]:
        """Search once after a time; return the topics that are told, and whether it is over."""
        self.clock.time += max(after, timedelta(seconds=5))
        self.watch.poll()
        with self.database.write() as connection:
            notices = take_notices(connection, 100).notices
        return [(notice.topic, bool(notice.facts.get("is_over"))) for notice in notices]


def told_of(*topics: Topic) -> Config:
    rules = [NotifyRule(frozenset(topics), ("ops",))]
    return replace(configuration(), notify=Notify(None, {}, rules, topics_of(rules)))


@pytest.fixture
def watched(database: Database) -> Watched:
    logs.configure("json", "CRITICAL")
    return Watched(database, FakeClock(datetime.now(UTC)), FixedConfig(told_of(*ALL)))


def put_open(watched: Watched, **columns: object) -> str:
    created = watched.clock.time
    sync_id = lowest_id(created)[:-2] + "01"
    return put(watched.database, State.PENDING, id=sync_id, created_at=created, **columns).id  # type: ignore[arg-type]


def test_a_late_sync_is_told_and_that_it_has_recovered(watched: Watched) -> None:
    watched.poll()
    sync_id = put_open(watched)
    assert watched.poll() == []
    assert watched.poll(11 * MINUTE) == [(Topic.LATE, False)]

    with watched.database.write() as connection:
        values = {"state": State.VERIFIED.value, "verified_at": watched.clock.time}
        connection.execute(update(syncs).where(syncs.c.id == sync_id).values(values))
    assert watched.poll() == [(Topic.RECOVERED, False)]
    assert watched.poll() == []


def test_a_region_that_holds_syncs_up_is_told_and_its_end(watched: Watched) -> None:
    watched.poll()
    sync_id = put_open(
        watched, failing_since=watched.clock.time, error_code="not_asked", error_message="dead"
    )
    assert watched.poll(2 * MINUTE) == [(Topic.REGION, False)]
    assert watched.poll() == []

    with watched.database.write() as connection:
        values = {"failing_since": None, "error_code": None}
        connection.execute(update(syncs).where(syncs.c.id == sync_id).values(values))
    assert watched.poll(2 * MINUTE) == [(Topic.REGION, True)]


def test_a_silent_sender_is_told_and_that_it_delivers_again(watched: Watched) -> None:
    config = watched.config.config
    ci = replace(config.senders["ci"], expect_every=MINUTE)
    watched.config.config = replace(config, senders={"ci": ci})
    assert watched.poll(2 * MINUTE) == [(Topic.SENDER, False)]

    heard = entry(outcome=Outcome.IGNORED, reason="x", sender="ci", at=watched.clock.time)
    write(watched.database, heard)
    assert watched.poll() == [(Topic.SENDER, True)]


def test_a_quarantined_delivery_is_told(watched: Watched) -> None:
    watched.poll()
    write(watched.database, entry(outcome=Outcome.QUARANTINED, reason="which?", planned=[]))

    assert watched.poll(MINUTE) == [(Topic.QUARANTINED, False)]


def test_a_refused_file_is_told_and_that_it_is_valid_again(watched: Watched) -> None:
    watched.problem = "the file is invalid"
    assert watched.poll() == [(Topic.CONFIGURATION, False)]

    watched.problem = None
    assert watched.poll() == []  # another process of this machine may see it yet
    assert watched.poll(2 * MINUTE) == [(Topic.CONFIGURATION, True)]


def test_what_no_rule_tells_is_not_searched_for(watched: Watched) -> None:
    watched.config.config = told_of(Topic.AVAILABLE)
    watched.problem = "the file is invalid"
    put_open(watched)

    assert watched.poll(20 * MINUTE) == []
