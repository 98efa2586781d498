"""The thread that expands large deliveries: turns, limits, and what others get meanwhile."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from swrhook.config.loader import parse
from swrhook.config.model import Config
from swrhook.ledger.database import Database
from swrhook.ledger.portions import LARGE, PORTION
from swrhook.ledger.recorder import Recorder
from swrhook.ledger.tables import deliveries, expansions, syncs
from swrhook.model import Outcome
from swrhook.worker.expansion import ExpansionWorker
from tests.factories import (
    MINIMAL_CONFIG,
    A,
    B,
    FakeClock,
    FakeOutcomes,
    FakeScheduler,
    FixedConfig,
    all_syncs,
    entry,
    everything,
    push,
    ready_lanes,
)

MANY = LARGE + 3 * PORTION
UNLIMITED = parse(
    MINIMAL_CONFIG.encode(), file="f", environ={"TOKEN": "a" * 16}, read_file=lambda _: ""
)


def limited(max_open: int) -> Config:
    sender = replace(UNLIMITED.senders["harbor"], max_open=max_open)
    return replace(UNLIMITED, senders={"harbor": sender})


@dataclass
class Process:
    """A recorder and an expansion worker on a ledger."""

    database: Database
    config: FixedConfig = field(default_factory=lambda: FixedConfig(UNLIMITED))
    scheduler: FakeScheduler = field(default_factory=FakeScheduler)
    outcomes: FakeOutcomes = field(default_factory=FakeOutcomes)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.database, self.scheduler, self.outcomes, self.clock)
        self.worker = ExpansionWorker(
            self.database, self.config, self.scheduler, self.outcomes, self.clock
        )

    def expand(self) -> None:
        while self.worker.step():
            pass

    def tags_of(self, sender: str) -> int:
        return sum(sync.sender == sender for sync in all_syncs(self.database))


@pytest.fixture
def process(database: Database) -> Process:
    return Process(database)


def test_a_small_delivery_is_recorded_before_a_large_one_is_expanded(process: Process) -> None:
    receipt = process.recorder.record(entry(*(push(f"v{n}", A) for n in range(MANY))))
    assert (receipt.syncs, receipt.syncs_total) == ([], MANY)
    assert process.worker.step()

    small = process.recorder.record(entry(replace(push("v1", A), sender="ci")))

    assert small.outcome is Outcome.ACCEPTED
    assert [row["delivery"] for row in everything(process.database, expansions)] == [
        receipt.delivery
    ]
    assert process.tags_of("harbor") <= PORTION


def test_lanes_are_woken_portion_by_portion(process: Process) -> None:
    announced = [replace(push(digest=A), repository=f"r{n}") for n in range(MANY)]
    process.recorder.record(entry(*announced))
    ready = []
    while process.worker.step():
        ready.append(len(ready_lanes(process.database)))

    assert ready[-1] == MANY
    assert max(later - earlier for earlier, later in pairwise([0, *ready])) <= PORTION
    assert process.scheduler.woken == len(ready)
    assert not process.worker.step()


def test_a_restarted_process_goes_on(process: Process) -> None:
    process.recorder.record(entry(*(push(f"v{n}", A) for n in range(MANY))))
    for _ in range(3):
        process.worker.step()

    Process(process.database).expand()

    assert len(everything(process.database, syncs)) == MANY
    assert everything(process.database, expansions) == []


def test_max_open_holds_up_a_large_delivery_until_syncs_end(process: Process) -> None:
    process.config.config = limited(500)
    process.recorder.record(entry(*(push(f"v{n}", A) for n in range(MANY))))
    process.expand()

    recorded = len(all_syncs(process.database))
    [row] = everything(process.database, expansions)
    assert 500 - PORTION <= recorded <= 500
    assert row["over_max_open"] is True
    process.expand()
    assert len(all_syncs(process.database)) == recorded

    with process.database.write() as connection:
        connection.execute(syncs.update().values(state="verified", due_at=None))
    process.clock.advance(1)
    assert process.worker.step()
    assert everything(process.database, expansions)[0]["over_max_open"] is False
    assert len(all_syncs(process.database)) > recorded


def test_max_open_of_a_sender_holds_up_no_other(process: Process) -> None:
    process.config.config = limited(1)
    for sender in ("harbor", "ci"):
        announced = (replace(push(f"v{n}", A), sender=sender) for n in range(MANY))
        process.recorder.record(entry(*announced, sender=sender))

    process.expand()

    assert 0 < process.tags_of("harbor") <= PORTION
    assert process.tags_of("ci") == MANY


def test_small_deliveries_are_never_held_up(process: Process) -> None:
    process.config.config = limited(1)
    process.recorder.record(entry(*(push(f"v{n}", A) for n in range(MANY))))
    process.expand()

    assert len(process.recorder.record(entry(push("other", A))).syncs) == 1


def test_what_a_portion_supersedes_is_reported(process: Process) -> None:
    process.recorder.record(entry(push("v1", B)))
    process.recorder.record(entry(*(push(f"v{n}", A) for n in range(MANY))))

    process.expand()

    assert [sync.tag for one in process.outcomes.recordings for sync in one.superseded] == ["v1"]


def test_an_unwritable_portion_leaves_the_delivery_whole(process: Process) -> None:
    process.recorder.record(entry(*(push(f"v{n}", A) for n in range(MANY))))
    broken = FakeScheduler(before_wake=lambda: 1 / 0)
    failing = ExpansionWorker(
        process.database, process.config, broken, process.outcomes, process.clock
    )
    with pytest.raises(ZeroDivisionError):
        failing.step()
    assert everything(process.database, syncs) == []

    process.expand()

    assert len(everything(process.database, syncs)) == MANY
    assert [row["outcome"] for row in everything(process.database, deliveries)] == ["accepted"]
