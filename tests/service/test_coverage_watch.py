"""The walk along the gaps: slow while nothing changes, and a share of the time while they do."""

from itertools import count

import pytest

from swrhook.ledger.coverage_tables import gaps
from swrhook.ledger.database import Database
from swrhook.service import coverage_watch
from swrhook.service.coverage_watch import CoverageWatch
from tests.factories import FixedConfig, everything
from tests.worker.harness import WorkerHarness
from tests.worker.repairs import RECONCILE, RepairSetup, digest

TAGS = 10


def test_gaps_are_followed_faster_while_their_syncs_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage_watch, "_PORTION", 2)
    repairs = RepairSetup(WorkerHarness(database))
    for number in range(TAGS):
        repairs.harness.swr.put(f"v{number}", digest(number))
    repairs.begin(RECONCILE, None)
    repairs.work()
    seconds = count(step=0.05)
    watch = CoverageWatch(
        database,
        FixedConfig(repairs.config),
        repairs.harness.clock,
        timer=lambda: float(next(seconds)),
    )

    def left_after_a_poll() -> int:
        repairs.harness.clock.advance(2)
        watch.poll()
        return len(everything(database, gaps))

    repairs.sync()
    # A portion at first; then a tenth of the interval of 2 s, in which this timer is read 4 times.
    assert [left_after_a_poll() for _ in range(2)] == [TAGS - 2, TAGS - 2 - 4 * 2]
