"""The groups of the overview: what is late, and what only waits for the end of a pause."""

from dataclasses import replace

import pytest

from swrhook.ledger.database import Database
from swrhook.ledger.pauses import begin_pause, end_pause
from swrhook.ledger.queries import overview
from swrhook.ledger.queries.overview import late_groups
from swrhook.ledger.queries.pagination import lowest_id
from swrhook.ledger.types import new_id
from swrhook.syncs.pauses import Pause, PauseKind
from tests.factories import LANE, MINUTE, NOW, OTHER_TARGET, put

FAR = replace(LANE, target=OTHER_TARGET)


def late(database: Database) -> dict[str, int]:
    with database.read() as connection:
        groups = late_groups(connection, NOW.replace(year=2100))
    assert not any(group.is_more for group in groups)
    return {group.target_region: group.count for group in groups}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (PauseKind.REGION, OTHER_TARGET.region),
        (PauseKind.RULE, "idle"),
        (PauseKind.SENDER, "quiet"),
    ],
)
def test_what_a_pause_holds_back_is_not_late(
    database: Database, kind: PauseKind, name: str
) -> None:
    for tag in ("v1", "v2"):
        put(database, lane=FAR, tag=tag, rule="idle", sender="quiet", id=new_id())
    put(database, tag="v3", id=new_id())
    before = late(database)
    with database.write() as connection:
        begin_pause(connection, Pause(kind, name, NOW, NOW + MINUTE, "ops", None))

    assert before == {"ap-southeast-1": 2, "cn-east-3": 1}
    assert late(database) == {"cn-east-3": 1}


def test_lateness_begins_anew_after_a_pause(database: Database) -> None:
    put(database, lane=FAR, id=lowest_id(NOW - 60 * MINUTE))
    paused = Pause(PauseKind.REGION, FAR.target.region, NOW - 50 * MINUTE, None, "ops", None)
    with database.write() as connection:
        begin_pause(connection, paused)
        end_pause(connection, paused.paused, NOW)

    with database.read() as connection:
        assert late_groups(connection, NOW - MINUTE) == []
        [group] = late_groups(connection, NOW + MINUTE)
    assert group.count == 1


def test_what_is_late_is_found_behind_many_that_are_paused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_COUNTED", 3)
    monkeypatch.setattr(overview, "MOST_PASSED", 6)
    for number in range(5):
        put(database, lane=FAR, tag=f"v{number}", id=new_id())
    put(database, tag="v1", id=new_id())
    with database.write() as connection:
        begin_pause(connection, Pause(PauseKind.REGION, FAR.target.region, NOW, None, "ops", None))

    assert late(database) == {"cn-east-3": 1}
