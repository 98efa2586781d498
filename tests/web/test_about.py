"""The rules in use, numbers for dashboards, and a process that drains."""

from typing import Any

import pytest
from sqlalchemy import update

from swrhook.ledger.queries.stats import percentile
from swrhook.ledger.tables import syncs
from swrhook.model import Outcome
from swrhook.syncs.states import Event
from tests.web.parts import ADMIN, EAST, HONG_KONG, NOW, OPERATE, SECRET, Parts
from tests.web.test_syncs import HOUR


def show(parts: Parts, path: str) -> dict[str, Any]:
    answer = parts.client().get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def test_the_rules_are_shown_as_the_file_says_them(parts: Parts) -> None:
    assert {
        "version": parts.config.version,
        "defaults": {},
        "rules": [
            {
                "name": "all",
                "when": {"namespace": "team"},
                "sync": [{"region": "cn-east-3", "namespace": "team"}],
            }
        ],
    } == show(parts, "rules")


def test_an_empty_ledger_has_nothing_to_count(parts: Parts) -> None:
    found = show(parts, "stats")
    del found["since"]

    assert found == {"syncs": [], "oldest_pending": None, "deliveries": [], "latency": []}


def test_syncs_are_counted_by_target_and_state_and_old_ones_only_while_open(parts: Parts) -> None:
    for tag in ("v1", "v2", "v3"):
        parts.push(f"team/web:{tag}", EAST, HONG_KONG, ago=48 * HOUR)
    ended = parts.push("team/web:v4", EAST).syncs[0].id
    parts.happen(ended, Event.REJECT_BEFORE_CALL)
    old = parts.push("team/web:v5", EAST, ago=48 * HOUR).syncs[0].id
    parts.happen(old, Event.REJECT_BEFORE_CALL)
    made_old(parts, old)

    found = show(parts, "stats?window=1h")

    counted = [(c["target_region"], c["state"], c["count"]) for c in found["syncs"]]
    assert (counted) == [
        ("ap-southeast-1", "pending", 3),
        ("cn-east-3", "pending", 3),
        ("cn-east-3", "rejected", 1),
    ]
    assert (NOW - 48 * HOUR).isoformat()[:19] == found["oldest_pending"][:19]


def made_old(parts: Parts, sync: str) -> None:
    """Let a sync's id be of the time that stands in its row, as a real one's is."""
    with parts.database.write() as connection:
        connection.execute(update(syncs).where(syncs.c.id == sync).values(id="0" + sync[1:]))


def test_deliveries_are_counted_by_sender_and_outcome(parts: Parts) -> None:
    parts.push("team/web:v1")
    parts.push("team/web:v1")
    parts.push("team/web:v2", outcome=Outcome.IGNORED, sender="harbor")

    counted = [tuple(each.values()) for each in show(parts, "stats")["deliveries"]]

    assert counted == [("ci", "accepted", 1), ("ci", "duplicate", 1), ("harbor", "ignored", 1)]


def test_latencies_are_percentiles_for_each_target(parts: Parts) -> None:
    for seconds in range(1, 101):
        sync = parts.push(f"team/web:v{seconds}").syncs[0].id
        with parts.database.write() as connection:
            took = {"state": "verified", "verified_at": NOW + seconds * HOUR / 3600}
            connection.execute(update(syncs).where(syncs.c.id == sync).values(**took))

    assert show(parts, "stats")["latency"] == [
        {
            "target_region": "cn-east-3",
            "target_namespace": "team",
            "count": 100,
            "p50": 50.0,
            "p90": 90.0,
            "p99": 99.0,
        }
    ]


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([7.0], 50, 7.0), ([7.0], 99, 7.0), ([1.0, 2.0], 50, 1.0), ([1.0, 2.0, 3.0], 90, 3.0)],
)
def test_percentiles(values: list[float], percent: int, expected: float) -> None:
    assert expected == percentile(values, percent)


@pytest.mark.parametrize("window", ["0s", "32d", "yesterday", "-1h"])
def test_a_window_is_a_duration_within_bounds(parts: Parts, window: str) -> None:
    answer = parts.client().get(f"/api/v1/stats?window={window}")

    assert answer.status_code == 422
    assert answer.get_json()["reasons"] == [
        "window: must be a duration like 30m or 24h, at most 31d"
    ]


def test_a_process_that_drains_is_not_ready_and_takes_deliveries_all_the_same(parts: Parts) -> None:
    before = show(parts, "drain")
    ready = parts.client().get("/readyz").status_code
    started = parts.client(ADMIN).post("/api/v1/drain")
    again = parts.client(ADMIN).post("/api/v1/drain")
    unready = parts.client().get("/readyz")

    assert (before, ready) == ({"draining": False, "since": None}, 200)
    assert (started.status_code, started.get_json()["draining"]) == (202, True)
    assert started.get_json() == again.get_json() == show(parts, "drain")
    assert (unready.status_code, unready.get_json()["failing"]) == (503, {"drain": "draining"})
    sent = parts.client(SECRET).post("/hooks/ci", json={"image": "team/web:v1"})
    assert (sent.status_code, parts.client().get("/healthz").status_code) == (202, 200)


def test_only_an_admin_lets_a_process_drain(parts: Parts) -> None:
    assert parts.client(OPERATE).post("/api/v1/drain").status_code == 403
    assert parts.client().get("/readyz").status_code == 200
