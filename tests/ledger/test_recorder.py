"""The recorder: many requests share a commit."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from swrhook.errors import CannotRecord
from swrhook.ledger import recorder as recorder_module
from swrhook.ledger.database import Database
from swrhook.ledger.recorder import Recorder
from swrhook.ledger.tables import deliveries
from swrhook.model import Outcome, Receipt
from tests.factories import (
    LANE,
    A,
    B,
    FakeOutcomes,
    FakeScheduler,
    all_syncs,
    entry,
    everything,
    push,
    ready_lanes,
)
from tests.ledger.recording import CLOCK, record_at_once
from tests.waiting import eventually

PATIENCE = 20.0
MANY = 40


def test_a_recorded_delivery_is_on_disk(
    database: Database, recorder: Recorder, scheduler: FakeScheduler, outcomes: FakeOutcomes
) -> None:
    receipt = recorder.record(entry(push(digest=A)))

    assert [receipt.delivery] == [row["id"] for row in everything(database, deliveries)]
    assert ready_lanes(database) == [LANE]
    assert scheduler.woken == 1
    assert eventually(lambda: [[receipt]] == [r.receipts for r in outcomes.recordings])


def test_each_request_gets_its_own_receipt(database: Database, recorder: Recorder) -> None:
    entries = [entry(push(f"v{n}", A)) for n in range(MANY)]

    receipts = record_at_once(recorder, entries)

    assert [receipt.syncs[0].image for receipt in receipts if isinstance(receipt, Receipt)] == [
        f"team/web/shop:v{n}" for n in range(MANY)
    ]
    assert len(all_syncs(database)) == MANY


def test_requests_that_wait_share_a_commit(database: Database, outcomes: FakeOutcomes) -> None:
    proceed = threading.Event()

    def slow() -> None:
        proceed.wait(PATIENCE)

    recorder = Recorder(database, FakeScheduler(before_wake=slow), outcomes, CLOCK)
    threading.Timer(0.5, proceed.set).start()
    receipts = record_at_once(recorder, [entry(push(f"v{n}", A)) for n in range(MANY)])
    recorder.close()

    assert all(isinstance(receipt, Receipt) for receipt in receipts)
    assert len(outcomes.recordings) < MANY
    assert sum(len(recording.receipts) for recording in outcomes.recordings) == MANY


def test_the_same_push_many_times_at_once_is_one_push(
    database: Database, recorder: Recorder
) -> None:
    receipts = record_at_once(recorder, [entry(push(digest=A, event_id="e1"))] * MANY)

    outcomes = [receipt.outcome for receipt in receipts if isinstance(receipt, Receipt)]
    assert sorted(outcomes) == [Outcome.ACCEPTED] + [Outcome.DUPLICATE] * (MANY - 1)
    assert len(all_syncs(database)) == 1


def test_an_entry_that_cannot_be_written_does_not_fail_the_others(
    database: Database, outcomes: FakeOutcomes
) -> None:
    proceed = threading.Event()

    def slow() -> None:
        proceed.wait(PATIENCE)

    recorder = Recorder(database, FakeScheduler(before_wake=slow), outcomes, CLOCK)
    unwritable = entry(push("bad", A), headers={"x-odd": object()})
    entries = [entry(push(f"v{n}", A)) for n in range(MANY)]
    threading.Timer(0.5, proceed.set).start()
    answers = record_at_once(recorder, [*entries[:30], unwritable, *entries[30:]])
    recorder.close()

    refused = [answer for answer in answers if isinstance(answer, CannotRecord)]
    assert [answers[30]] == refused
    assert {sync.tag for sync in all_syncs(database)} == {f"v{n}" for n in range(MANY)}


def test_the_size_of_waiting_bodies_is_limited(
    database: Database, outcomes: FakeOutcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = replace(recorder_module.LIMITS, waiting_bytes=1000)
    monkeypatch.setattr(recorder_module, "LIMITS", limits)
    begun, proceed = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        proceed.wait(PATIENCE)

    recorder = Recorder(database, FakeScheduler(before_wake=slow), outcomes, CLOCK)
    with ThreadPoolExecutor(3) as threads:
        answers = []
        for number, size in enumerate([600, 600, 300]):
            one = entry(push(f"v{number}", A), body=bytes(size))
            answers.append(threads.submit(recorder.record, one))
            assert begun.wait(PATIENCE)  # the first one is being written: it waits no longer
            assert eventually(lambda: number == recorder.waiting)  # noqa: B023
        with pytest.raises(CannotRecord, match="too many deliveries wait for the disk"):
            recorder.record(entry(push("v3", A), body=bytes(101)))
        proceed.set()
    assert isinstance(recorder.record(entry(push("v3", A), body=bytes(5000))), Receipt)
    recorder.close()

    assert all(isinstance(answer.result(), Receipt) for answer in answers)
    assert len(all_syncs(database)) == 4


def test_a_healthy_recorder_is_ready(recorder: Recorder) -> None:
    assert recorder.check() is None
    recorder.record(entry(push(digest=A)))
    assert recorder.check() is None


def test_the_retry_of_a_delivery_that_was_committed_late_is_a_duplicate(
    database: Database, scheduler: FakeScheduler, outcomes: FakeOutcomes
) -> None:
    writing, begun, lined_up, given_up = (threading.Event() for _ in range(4))

    def slow() -> None:
        writing.set()
        # The first batch ends when two more wait; the second, theirs, when one has given up.
        (given_up if begun.is_set() else lined_up).wait(PATIENCE)
        begun.set()

    def give_up(answer: "Future[Receipt]") -> None:
        if answer.exception() is not None:
            given_up.set()

    late = Recorder(database, FakeScheduler(before_wake=slow), outcomes, CLOCK, patience=2)
    # Each has a lane of its own, so each batch wakes the scheduler.
    entries = [entry(replace(push(digest=A), repository=f"r{n}")) for n in range(3)]
    with ThreadPoolExecutor(3) as threads:
        answers = [threads.submit(late.record, entries[0])]
        assert writing.wait(PATIENCE)
        answers += [threads.submit(late.record, each) for each in entries[1:]]
        for answer in answers:
            answer.add_done_callback(give_up)
        assert eventually(lambda: late.waiting == 2)
        lined_up.set()
    late.close()

    recorder = Recorder(database, scheduler, outcomes, CLOCK)
    again = [recorder.record(each) for each in entries]
    recorder.close()

    # The other one of the second batch gives up at the same time, or just gets its receipt.
    assert {type(exc) for each in answers if (exc := each.exception())} == {CannotRecord}
    assert [receipt.outcome for receipt in again] == [Outcome.DUPLICATE] * 3
    assert len(all_syncs(database)) == 3


def test_an_error_of_the_outcome_listener_loses_no_delivery(
    database: Database, scheduler: FakeScheduler
) -> None:
    outcomes = FakeOutcomes(error=OSError("no space left for a log line"))
    recorder = Recorder(database, scheduler, outcomes, CLOCK)
    recorder.record(entry(push(digest=A)))
    recorder.record(entry(push(digest=B)))

    assert recorder.check() is None
    recorder.close()
    assert len(all_syncs(database)) == 2


@pytest.mark.on("sqlite")
def test_close_commits_what_waits(database: Database, outcomes: FakeOutcomes) -> None:
    writing, released = threading.Event(), threading.Event()

    def hang() -> None:
        writing.set()
        released.wait(PATIENCE)

    recorder = Recorder(database, FakeScheduler(before_wake=hang), outcomes, CLOCK)
    first, *others = [entry(push(f"v{n}", A)) for n in range(MANY)]
    with ThreadPoolExecutor(MANY + 1) as threads:
        answers = [threads.submit(recorder.record, first)]
        assert writing.wait(PATIENCE)
        answers += [threads.submit(recorder.record, each) for each in others]
        assert eventually(lambda: recorder.waiting == len(others))
        closing = threads.submit(recorder.close)
        assert eventually(lambda: recorder.check() == "the service is stopping")
        released.set()
        closing.result(PATIENCE)
        recorded = [answer for answer in answers if answer.exception(PATIENCE) is None]

    assert MANY == len(recorded) == len(all_syncs(database))


def test_a_closed_recorder_is_not_ready_and_refuses_deliveries(
    database: Database, scheduler: FakeScheduler, outcomes: FakeOutcomes
) -> None:
    recorder = Recorder(database, scheduler, outcomes, CLOCK, patience=0.1)
    recorder.close()

    assert recorder.check() == "the service is stopping"
    with pytest.raises(CannotRecord):
        recorder.record(entry(push(digest=A)))


def test_the_engine_is_woken_only_for_lanes_that_did_not_wait_before(
    database: Database, recorder: Recorder, scheduler: FakeScheduler
) -> None:
    ignored = entry(push("v0", A), outcome=Outcome.IGNORED, planned=())
    for one in (entry(push("v1", A)), entry(push("v2", A)), ignored):
        recorder.record(one)

    assert ready_lanes(database) == [LANE]
    assert scheduler.woken == 1
