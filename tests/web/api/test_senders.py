from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy

from swrhook.clock import SystemClock
from swrhook.model import Outcome
from swrhook.service.snapshot import Pace
from swrhook.service.statistics import Statistics
from tests.web.harness import NOW, OPERATE, WebHarness

NONE = {"accepted": 0, "ignored": 0, "duplicate": 0, "quarantined": 0}


def expect(harness: WebHarness, every: timedelta) -> None:
    sender = replace(harness.config.senders["ci"], expect_every=every)
    harness.config = replace(harness.config, senders={"ci": sender})


def listed(harness: WebHarness) -> list[dict[str, Any]]:
    answer = harness.client().get("/api/v1/senders").get_json()
    assert answer["next"] is None
    items: list[dict[str, Any]] = answer["items"]
    return items


def metric(harness: WebHarness, name: str) -> list[str]:
    text = harness.client().get("/metrics").text
    return [line for line in text.splitlines() if line.startswith(name)]


def test_a_sender_that_never_delivered(harness: WebHarness) -> None:
    expected = {
        "name": "ci",
        "dialect": "generic",
        "region": "cn-north-4",
        "last_delivery_at": None,
        "last_outcome": None,
        "outcomes": NONE,
        "expect_every": None,
        "silent": False,
    }

    assert listed(harness) == [expected]
    assert list(expected) == list(listed(harness)[0])


def test_deliveries_of_the_last_24_hours_are_counted_by_outcome(harness: WebHarness) -> None:
    harness.push("team/web:v0", ago=timedelta(hours=25))
    harness.push("team/web:v1", ago=timedelta(hours=23))
    harness.push("team/web:v1", ago=timedelta(hours=23))
    harness.push("team/web:v2", outcome=Outcome.IGNORED)
    harness.push("team/web:v3", sender="another")

    [sender] = listed(harness)

    assert sender["outcomes"] == NONE | {"accepted": 1, "duplicate": 1, "ignored": 1}
    at = NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert at == sender["last_delivery_at"]


def test_a_replay_does_not_count_as_a_delivery_of_the_sender(harness: WebHarness) -> None:
    delivery = harness.push("team/web:v1", ago=timedelta(hours=2), outcome=Outcome.IGNORED).delivery
    expect(harness, timedelta(hours=1))

    path = f"/api/v1/deliveries/{delivery}/replay"
    assert harness.client(OPERATE).post(path).status_code == 202

    [sender] = listed(harness)
    assert (sender["outcomes"], sender["silent"]) == (NONE | {"ignored": 1}, True)


def test_the_last_outcome_is_that_of_the_newest_delivery_or_replay(harness: WebHarness) -> None:
    harness.push("team/web:v1", ago=timedelta(hours=2))
    delivery = harness.push("team/web:v2", outcome=Outcome.QUARANTINED).delivery
    assert [sender["last_outcome"] for sender in listed(harness)] == ["quarantined"]

    harness.client(OPERATE).post(f"/api/v1/deliveries/{delivery}/replay")

    assert [sender["last_outcome"] for sender in listed(harness)] == ["accepted"]


def test_a_sender_is_silent_after_expect_every_has_passed(harness: WebHarness) -> None:
    harness.push("team/web:v1", ago=timedelta(hours=25))

    expect(harness, timedelta(hours=24))
    assert [(sender["expect_every"], sender["silent"]) for sender in listed(harness)] == [
        ("1d", True)
    ]
    expect(harness, timedelta(hours=26))
    assert [(sender["expect_every"], sender["silent"]) for sender in listed(harness)] == [
        ("26h", False)
    ]


def test_metrics_show_silent_senders_and_their_last_delivery(harness: WebHarness) -> None:
    harness.push("team/web:v1", ago=timedelta(hours=25))
    expect(harness, timedelta(hours=24))

    [last] = metric(harness, "swrhook_sender_last_delivery")
    name, _, value = last.rpartition(" ")

    assert name == 'swrhook_sender_last_delivery_timestamp_seconds{sender="ci"}'
    assert abs((NOW - timedelta(hours=25)).timestamp() - float(value)) < 1
    assert metric(harness, "swrhook_sender_silent") == ['swrhook_sender_silent{sender="ci"} 1.0']


def test_a_sender_without_expect_every_is_never_silent(harness: WebHarness) -> None:
    harness.push("team/web:v1", ago=timedelta(days=25))

    assert metric(harness, "swrhook_sender_silent") == []
    assert [sender["silent"] for sender in listed(harness)] == [False]


def test_scrapes_share_one_query_of_the_ledger(harness: WebHarness) -> None:
    before = metric(harness, "swrhook_sender_last_delivery")
    harness.push("team/web:v1")

    assert [] == before == metric(harness, "swrhook_sender_last_delivery")


def test_an_unreadable_ledger_is_503_and_hides_the_metrics(harness: WebHarness) -> None:
    with harness.database.write() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE deliveries"))

    assert metric(harness, "swrhook_sender_last_delivery") == []
    assert harness.client().get("/api/v1/senders").status_code == 503


def test_ignored_deliveries_are_counted_by_kind_of_reason(harness: WebHarness) -> None:
    client = harness.client("the-secret-of-ci-that-is-long")
    client.post("/hooks/ci", json={"image": "other/web:v1"})
    client.post("/hooks/ci", json={"image": "team/web:v1"})
    client.post("/hooks/ci", json={"image": "team/web:v1", "status": "failed"})

    assert set(metric(harness, "swrhook_deliveries_ignored_total")) == {
        'swrhook_deliveries_ignored_total{reason="no_push",sender="ci"} 1.0',
        'swrhook_deliveries_ignored_total{reason="no_target",sender="ci"} 1.0',
    }


def test_no_request_counts_the_deliveries_of_a_day(harness: WebHarness) -> None:
    """That takes seconds for a few hundred thousand, and eight at once would hold their threads."""
    rarely = Statistics(harness.database, SystemClock(), Pace(interval=3600, grace=0))
    harness.own_web(replace(harness.context, statistics=rarely))
    before = [sender["outcomes"] for sender in listed(harness)]
    harness.push("team/web:v1")

    assert [sender["outcomes"] for sender in listed(harness)] == before == [NONE]


@pytest.mark.parametrize("path", ["senders", "stats"])
def test_numbers_that_are_not_there_in_time_are_503(
    harness: WebHarness, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(Statistics, "get", lambda *_args: None)

    answer = harness.client().get(f"/api/v1/{path}")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "could not be counted in time" in answer.get_json()["detail"]
