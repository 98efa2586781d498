from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy

from swrhook.model import Outcome
from tests.web.parts import NOW, OPERATE, Parts

NONE = {"accepted": 0, "ignored": 0, "duplicate": 0, "quarantined": 0}


def expect(parts: Parts, every: timedelta) -> None:
    sender = replace(parts.config.senders["ci"], expect_every=every)
    parts.config = replace(parts.config, senders={"ci": sender})


def listed(parts: Parts) -> list[dict[str, Any]]:
    answer = parts.client().get("/api/v1/senders").get_json()
    assert answer["next"] is None
    items: list[dict[str, Any]] = answer["items"]
    return items


def metric(parts: Parts, name: str) -> list[str]:
    text = parts.client().get("/metrics").text
    return [line for line in text.splitlines() if line.startswith(name)]


def test_a_sender_that_never_delivered(parts: Parts) -> None:
    expected = {
        "name": "ci",
        "dialect": "generic",
        "region": "cn-north-4",
        "last_delivery_at": None,
        "outcomes": NONE,
        "expect_every": None,
        "silent": False,
    }

    assert [expected] == listed(parts)
    assert list(expected) == list(listed(parts)[0])


def test_deliveries_of_the_last_24_hours_are_counted_by_outcome(parts: Parts) -> None:
    parts.push("team/web:v0", ago=timedelta(hours=25))
    parts.push("team/web:v1", ago=timedelta(hours=23))
    parts.push("team/web:v1", ago=timedelta(hours=23))
    parts.push("team/web:v2", outcome=Outcome.IGNORED)
    parts.push("team/web:v3", sender="another")

    [sender] = listed(parts)

    assert sender["outcomes"] == NONE | {"accepted": 1, "duplicate": 1, "ignored": 1}
    at = NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert at == sender["last_delivery_at"]


def test_a_replay_does_not_count_as_a_delivery_of_the_sender(parts: Parts) -> None:
    delivery = parts.push("team/web:v1", ago=timedelta(hours=2), outcome=Outcome.IGNORED).delivery
    expect(parts, timedelta(hours=1))

    path = f"/api/v1/deliveries/{delivery}/replay"
    assert parts.client(OPERATE).post(path).status_code == 202

    [sender] = listed(parts)
    assert (sender["outcomes"], sender["silent"]) == (NONE | {"ignored": 1}, True)


def test_a_sender_is_silent_after_expect_every_has_passed(parts: Parts) -> None:
    parts.push("team/web:v1", ago=timedelta(hours=25))

    expect(parts, timedelta(hours=24))
    assert [(sender["expect_every"], sender["silent"]) for sender in listed(parts)] == [
        ("1d", True)
    ]
    expect(parts, timedelta(hours=26))
    assert [(sender["expect_every"], sender["silent"]) for sender in listed(parts)] == [
        ("26h", False)
    ]


def test_metrics_show_silent_senders_and_their_last_delivery(parts: Parts) -> None:
    parts.push("team/web:v1", ago=timedelta(hours=25))
    expect(parts, timedelta(hours=24))

    [last] = metric(parts, "swrhook_sender_last_delivery")
    name, _, value = last.rpartition(" ")

    assert name == 'swrhook_sender_last_delivery_timestamp_seconds{sender="ci"}'
    assert abs((NOW - timedelta(hours=25)).timestamp() - float(value)) < 1
    assert metric(parts, "swrhook_sender_silent") == ['swrhook_sender_silent{sender="ci"} 1.0']


def test_a_sender_without_expect_every_is_never_silent(parts: Parts) -> None:
    parts.push("team/web:v1", ago=timedelta(days=25))

    assert metric(parts, "swrhook_sender_silent") == []
    assert [sender["silent"] for sender in listed(parts)] == [False]


def test_scrapes_share_one_query_of_the_ledger(parts: Parts) -> None:
    before = metric(parts, "swrhook_sender_last_delivery")
    parts.push("team/web:v1")

    assert [] == before == metric(parts, "swrhook_sender_last_delivery")


def test_an_unreadable_ledger_is_503_and_hides_the_metrics(parts: Parts) -> None:
    with parts.database.write() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE deliveries"))

    assert metric(parts, "swrhook_sender_last_delivery") == []
    assert parts.client().get("/api/v1/senders").status_code == 503


def test_ignored_deliveries_are_counted_by_kind_of_reason(parts: Parts) -> None:
    client = parts.client("the-secret-of-ci-that-is-long")
    client.post("/hooks/ci", json={"image": "other/web:v1"})
    client.post("/hooks/ci", json={"image": "team/web:v1"})
    client.post("/hooks/ci", json={"image": "team/web:v1", "status": "failed"})

    assert {
        'swrhook_deliveries_ignored_total{reason="no_push",sender="ci"} 1.0',
        'swrhook_deliveries_ignored_total{reason="no_target",sender="ci"} 1.0',
    } == set(metric(parts, "swrhook_deliveries_ignored_total"))
