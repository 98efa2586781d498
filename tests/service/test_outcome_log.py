"""The outcome of a delivery or a sync: one log line and a count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from swrhook import logs
from swrhook.errors import Kind, SwrError
from swrhook.ledger.deliveries import Recording
from swrhook.metrics import Metrics
from swrhook.model import (
    END_STATES,
    OPEN_STATES,
    Lane,
    Outcome,
    Receipt,
    State,
    Sync,
    SyncRef,
    Target,
)
from swrhook.service.outcome_log import OutcomeLog
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from tests.json_lines import json_lines

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
A = "sha256:" + "aa" * 32
B = "sha256:" + "bb" * 32
LANE = Lane("cn-north-4", "team", "web/shop", Target("cn-east-3", "prod"), override=False)
SYNC = Sync(
    id="S" * 26,
    delivery="D" * 26,
    sender="harbor",
    lane=LANE,
    tag="v1",
    digest=A,
    rule="all",
    state=State.TRIGGERED,
    attempts=2,
    created_at=NOW - timedelta(seconds=1.5),
    updated_at=NOW,
    due_at=None,
    called_digest=B,
)
ERROR = SwrError(Kind.CONFIGURATION, "SVC.1", "what SWR said")


@pytest.fixture
def metrics() -> Metrics:
    logs.configure("json", "INFO")
    return Metrics()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return json_lines(capsys.readouterr().out)


def counted(metrics: Metrics) -> dict[str, float]:
    samples = [
        sample
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "swrhook_syncs_total"
    ]
    return {f"{s.labels['target_region']} {s.labels['state']}": s.value for s in samples}


def test_an_outcome_is_one_log_line_with_all_details(
    metrics: Metrics, capsys: pytest.CaptureFixture[str]
) -> None:
    OutcomeLog(metrics).sync(SYNC, State.VERIFIED, Decision(Event.VERIFY), NOW)

    [line] = lines(capsys)
    assert line.pop("time")
    assert line == {
        "event": "sync.verified",
        "level": "info",
        "sync": "S" * 26,
        "delivery": "D" * 26,
        "sender": "harbor",
        "image": "team/web/shop:v1",
        "digest": B,
        "source_region": "cn-north-4",
        "target_region": "cn-east-3",
        "target_namespace": "prod",
        "attempts": 2,
        "code": None,
        "reason": None,
        "took_ms": 1500,
    }
    assert counted(metrics) == {"cn-east-3 verified": 1}


@pytest.mark.parametrize("state", sorted(END_STATES))
def test_every_end_state_is_logged_and_counted(
    metrics: Metrics, capsys: pytest.CaptureFixture[str], state: State
) -> None:
    OutcomeLog(metrics).sync(SYNC, state, Decision(Event.REJECT, error=ERROR), NOW)

    [line] = lines(capsys)
    assert (line["event"], line["code"]) == (f"sync.{state}", "SVC.1")
    needs_attention = state in {State.DIVERGED, State.MISSING, State.REJECTED, State.EXHAUSTED}
    assert line["level"] == ("warning" if needs_attention else "info")
    assert counted(metrics) == {f"cn-east-3 {state}": 1}
    verified = metrics.registry.get_sample_value(
        "swrhook_push_to_verified_seconds_sum", {"target_region": "cn-east-3"}
    )
    assert verified == (1.5 if state is State.VERIFIED else None)


@pytest.mark.parametrize("event", [Event.REQUEUE, Event.POSTPONE, Event.CALL_AGAIN])
def test_a_failed_attempt_is_logged_and_counted_as_a_retry(
    metrics: Metrics, capsys: pytest.CaptureFixture[str], event: Event
) -> None:
    OutcomeLog(metrics).sync(SYNC, State.PENDING, Decision(event, reason="why"), NOW)

    [line] = lines(capsys)
    assert (line["event"], line["reason"]) == ("sync.retry", "why")
    assert counted(metrics) == {"cn-east-3 retry": 1}


@pytest.mark.parametrize("event", [Event.WAIT_FOR_SOURCE, Event.POLL, Event.TRIGGER])
def test_a_sync_that_only_waits_is_not_logged(
    metrics: Metrics, capsys: pytest.CaptureFixture[str], event: Event
) -> None:
    for state in OPEN_STATES:
        OutcomeLog(metrics).sync(SYNC, state, Decision(event), NOW)

    assert lines(capsys) == []
    assert counted(metrics) == {}


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(None, {"_count": 1.0, "_sum": 1.5}, id="first-call"),
        pytest.param(NOW, {}, id="called-again"),
    ],
)
def test_the_time_to_the_first_accepted_call_is_observed(
    metrics: Metrics, before: datetime | None, expected: dict[str, float]
) -> None:
    sync = replace(SYNC, state=State.CALLING, verifying_since=before)
    OutcomeLog(metrics).sync(sync, State.TRIGGERED, Decision(Event.TRIGGER), NOW)

    samples = [
        sample
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name.startswith("swrhook_push_to_triggered_seconds")
    ]
    ends = {sample.name.removeprefix("swrhook_push_to_triggered_seconds") for sample in samples}
    assert bool(expected) == ("_bucket" in ends)
    values = {
        end: sample.value
        for sample in samples
        if (end := sample.name.removeprefix("swrhook_push_to_triggered_seconds"))
        in ("_count", "_sum")
    }
    assert values == expected


def test_every_delivery_of_a_batch_is_logged(
    metrics: Metrics, capsys: pytest.CaptureFixture[str]
) -> None:
    ref = SyncRef("S", "team/web/shop:v1", "cn-east-3/prod")
    receipts = [
        Receipt("1", "harbor", Outcome.ACCEPTED, None, [ref]),
        Receipt("2", "ci", Outcome.IGNORED, "no rule", []),
    ]

    OutcomeLog(metrics).deliveries(Recording(receipts, [], ()), NOW)

    fields = ("event", "delivery", "sender", "reason", "syncs")
    assert [tuple(line[name] for name in fields) for line in lines(capsys)] == [
        ("delivery.accepted", "1", "harbor", None, 1),
        ("delivery.ignored", "2", "ci", "no rule", 0),
    ]


def test_superseded_syncs_are_logged_and_counted(
    metrics: Metrics, capsys: pytest.CaptureFixture[str]
) -> None:
    OutcomeLog(metrics).deliveries(Recording((), [SYNC, SYNC], ()), NOW)

    assert [line["event"] for line in lines(capsys)] == ["sync.superseded"] * 2
    assert counted(metrics) == {"cn-east-3 superseded": 2}
