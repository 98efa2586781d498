"""The engine and pauses, on both databases: what is paused waits, and then goes on in order."""

from typing import Any

import pytest

from swrhook.ledger import pauses
from swrhook.ledger.database import Database
from swrhook.ledger.pauses import HELD_UNTIL, begin_pause, end_pause, list_pauses
from swrhook.ledger.tables import syncs
from swrhook.syncs.pauses import Pause, PauseKind
from tests.engine.lane_work import Engine, Work, assert_quiet, deliver, deliver_sync, running, soon
from tests.factories import everything, put
from tests.ledger.queue import lane, row_of

FAR = "ap-southeast-1"


def pause(database: Database, kind: PauseKind, name: str, lasts: float | None = None) -> Pause:
    until = None if lasts is None else soon(lasts)
    with database.write() as connection:
        return begin_pause(connection, Pause(kind, name, soon(), until, "ops", None))


def resume(database: Database, engine: Engine, paused: Pause) -> None:
    with database.write() as connection:
        assert end_pause(connection, paused.paused, soon()) is not None
        engine.wake(connection)


def test_lanes_of_a_paused_region_wait_untouched(database: Database) -> None:
    work = Work()
    paused = pause(database, PauseKind.REGION, FAR)
    with running(database, work) as engine:
        deliver_sync(database, engine, lane("to", target=FAR))
        deliver_sync(database, engine, lane("from", source=FAR))
        deliver_sync(database, engine, lane("past"))
        assert work.has_run(lane("past"))
        before = [row_of(database, lane("to", target=FAR)), everything(database, syncs)[0]]
        assert_quiet(work)
        assert work.runs == [lane("past")]
        assert [row_of(database, lane("to", target=FAR)), everything(database, syncs)[0]] == before

        resume(database, engine, paused)
        assert work.has_run(lane("to", target=FAR), lane("from", source=FAR))


@pytest.mark.parametrize(
    ("kind", "column"), [(PauseKind.RULE, "rule"), (PauseKind.SENDER, "sender")]
)
def test_syncs_of_a_rule_or_sender_are_held_once_and_go_on_in_order(
    database: Database, kind: PauseKind, column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pauses, "MOST_RELEASED", 4)
    work, count = Work(), 10
    names: dict[str, Any] = {column: "idle"}
    lanes = [lane(f"r{count - number}") for number in range(count)]  # not in the order of names
    ids = [put(database, lane=one, due_at=soon(), **names).id for one in lanes]
    other = put(database, lane=lanes[0], tag="other", due_at=soon())
    paused = pause(database, kind, "idle")
    with running(database, work, threads=1) as engine:
        deliver(database, engine, *lanes)
        assert work.has_run(*lanes)  # to hold the syncs
        assert work.is_idle()
        assert_quiet(work)
        rows = [row for row in everything(database, syncs) if row["paused_by"]]
        assert {row["id"]: row["due_at"] for row in rows} == dict.fromkeys(ids, HELD_UNTIL)
        assert [sync.id for session in work.sessions for sync in session.syncs] == [other.id]

        work.sessions.clear()
        resume(database, engine, paused)
        assert work.has_run(*lanes, times=2)
        assert work.is_idle()
    assert [sync.id for session in work.sessions for sync in session.syncs] == ids
    assert not any(row["paused_by"] for row in everything(database, syncs))
    with database.read() as connection:
        assert list_pauses(connection) == []


def test_a_pause_ends_by_itself_at_its_time(database: Database) -> None:
    work = Work()
    pause(database, PauseKind.RULE, "all", lasts=0.5)
    paused = pause(database, PauseKind.REGION, FAR, lasts=0.5)
    with running(database, work) as engine:
        deliver_sync(database, engine, lane("held"))
        deliver_sync(database, engine, lane("waiting", target=FAR))

        def have_run() -> bool:
            return {session.lane for session in work.sessions if session.syncs} >= {
                lane("held"),
                lane("waiting", target=FAR),
            }

        assert work.wait_for(have_run)
    assert paused.until is not None
    assert soon() >= paused.until
