"""GET /api/v1/rules and /api/v1/stats."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from swrhook.ledger.queries.stats import percentile
from swrhook.ledger.tables import syncs
from swrhook.model import Outcome
from swrhook.syncs.states import Event
from tests.web.harness import EAST, HONG_KONG, NOW, WebHarness

HOUR = timedelta(hours=1)


def show(harness: WebHarness, path: str) -> dict[str, Any]:
    answer = harness.client().get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.get_json()
    return shown


def test_the_rules_are_shown_as_the_file_has_them(harness: WebHarness) -> None:
    assert show(harness, "rules") == {
        "version": harness.config.version,
        "defaults": {},
        "rules": [
            {
                "name": "all",
                "when": {"namespace": "team"},
                "sync": [{"region": "cn-east-3", "namespace": "team"}],
            }
        ],
    }


def test_an_empty_ledger_has_empty_statistics(harness: WebHarness) -> None:
    shown = show(harness, "stats")
    del shown["since"], shown["counted_at"]

    assert shown == {"syncs": [], "oldest_pending": None, "deliveries": [], "latency": []}


def test_syncs_are_counted_by_target_and_state_old_ones_only_while_open(
    harness: WebHarness,
) -> None:
    for tag in ("v1", "v2", "v3"):
        harness.push(f"team/web:{tag}", EAST, HONG_KONG, ago=48 * HOUR)
    ended = harness.push("team/web:v4", EAST).syncs[0].id
    harness.happen(ended, Event.REJECT_BEFORE_CALL)
    old = harness.push("team/web:v5", EAST, ago=48 * HOUR).syncs[0].id
    harness.happen(old, Event.REJECT_BEFORE_CALL)
    make_old(harness, old)

    shown = show(harness, "stats?window=1h")

    counted = [(c["target_region"], c["state"], c["count"]) for c in shown["syncs"]]
    assert counted == [
        ("ap-southeast-1", "pending", 3),
        ("cn-east-3", "pending", 3),
        ("cn-east-3", "rejected", 1),
    ]
    assert (NOW - 48 * HOUR).isoformat()[:19] == shown["oldest_pending"][:19]


def make_old(harness: WebHarness, sync: str) -> None:
    """Give a sync an old id: real ids begin with the time of the row."""
    with harness.database.write() as connection:
        connection.execute(update(syncs).where(syncs.c.id == sync).values(id="0" + sync[1:]))


def test_deliveries_are_counted_by_sender_and_outcome(harness: WebHarness) -> None:
    harness.push("team/web:v1")
    harness.push("team/web:v1")
    harness.push("team/web:v2", outcome=Outcome.IGNORED, sender="harbor")

    counted = [tuple(row.values()) for row in show(harness, "stats")["deliveries"]]

    assert counted == [("ci", "accepted", 1), ("ci", "duplicate", 1), ("harbor", "ignored", 1)]


def test_latencies_are_percentiles_for_each_target(harness: WebHarness) -> None:
    for seconds in range(1, 101):
        sync = harness.push(f"team/web:v{seconds}").syncs[0].id
        with harness.database.write() as connection:
            values = {"state": "verified", "verified_at": NOW + seconds * HOUR / 3600}
            connection.execute(update(syncs).where(syncs.c.id == sync).values(**values))

    assert show(harness, "stats")["latency"] == [
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
    assert percentile(values, percent) == expected


@pytest.mark.parametrize("window", ["0s", "32d", "yesterday", "-1h"])
def test_an_invalid_window_is_refused(harness: WebHarness, window: str) -> None:
    answer = harness.client().get(f"/api/v1/stats?window={window}")

    assert answer.status_code == 422
    assert answer.get_json()["reasons"] == [
        "window: must be a duration like 30m or 24h, at most 31d"
    ]
