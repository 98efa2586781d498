"""GET /api/v1/rules and /api/v1/stats."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from swrhook.ledger.queries.stats import percentile
from swrhook.ledger.tables import syncs
from swrhook.model import Outcome
from swrhook.syncs.states import Event
from tests.web.parts import EAST, HONG_KONG, NOW, Parts

HOUR = timedelta(hours=1)


def show(parts: Parts, path: str) -> dict[str, Any]:
    answer = parts.client().get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.get_json()
    return shown


def test_the_rules_are_shown_as_the_file_has_them(parts: Parts) -> None:
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


def test_an_empty_ledger_has_empty_statistics(parts: Parts) -> None:
    shown = show(parts, "stats")
    del shown["since"]

    assert shown == {"syncs": [], "oldest_pending": None, "deliveries": [], "latency": []}


def test_syncs_are_counted_by_target_and_state_old_ones_only_while_open(parts: Parts) -> None:
    for tag in ("v1", "v2", "v3"):
        parts.push(f"team/web:{tag}", EAST, HONG_KONG, ago=48 * HOUR)
    ended = parts.push("team/web:v4", EAST).syncs[0].id
    parts.happen(ended, Event.REJECT_BEFORE_CALL)
    old = parts.push("team/web:v5", EAST, ago=48 * HOUR).syncs[0].id
    parts.happen(old, Event.REJECT_BEFORE_CALL)
    make_old(parts, old)

    shown = show(parts, "stats?window=1h")

    counted = [(c["target_region"], c["state"], c["count"]) for c in shown["syncs"]]
    assert counted == [
        ("ap-southeast-1", "pending", 3),
        ("cn-east-3", "pending", 3),
        ("cn-east-3", "rejected", 1),
    ]
    assert (NOW - 48 * HOUR).isoformat()[:19] == shown["oldest_pending"][:19]


def make_old(parts: Parts, sync: str) -> None:
    """Give a sync an old id: real ids begin with the time of the row."""
    with parts.database.write() as connection:
        connection.execute(update(syncs).where(syncs.c.id == sync).values(id="0" + sync[1:]))


def test_deliveries_are_counted_by_sender_and_outcome(parts: Parts) -> None:
    parts.push("team/web:v1")
    parts.push("team/web:v1")
    parts.push("team/web:v2", outcome=Outcome.IGNORED, sender="harbor")

    counted = [tuple(row.values()) for row in show(parts, "stats")["deliveries"]]

    assert counted == [("ci", "accepted", 1), ("ci", "duplicate", 1), ("harbor", "ignored", 1)]


def test_latencies_are_percentiles_for_each_target(parts: Parts) -> None:
    for seconds in range(1, 101):
        sync = parts.push(f"team/web:v{seconds}").syncs[0].id
        with parts.database.write() as connection:
            values = {"state": "verified", "verified_at": NOW + seconds * HOUR / 3600}
            connection.execute(update(syncs).where(syncs.c.id == sync).values(**values))

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
def test_a_percentile_is_the_nearest_rank(
    values: list[float], percent: int, expected: float
) -> None:
    assert expected == percentile(values, percent)


@pytest.mark.parametrize("window", ["0s", "32d", "yesterday", "-1h"])
def test_an_invalid_window_is_refused(parts: Parts, window: str) -> None:
    answer = parts.client().get(f"/api/v1/stats?window={window}")

    assert answer.status_code == 422
    assert answer.get_json()["reasons"] == [
        "window: must be a duration like 30m or 24h, at most 31d"
    ]
