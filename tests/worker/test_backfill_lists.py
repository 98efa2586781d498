"""A backfill lists what regions show, within their limits, and notes what they do not."""

from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from swrhook.config.model import Pace
from swrhook.engine import CapacityLimit
from swrhook.errors import Kind
from swrhook.ledger.lane_queue import Occupancy
from swrhook.ledger.lanes import Flow
from swrhook.syncs.reconciliation import RepositoryRef
from swrhook.worker.admission import Admission, Slot
from swrhook.worker.repairs import RepairWorker
from tests.worker.harness import error
from tests.worker.repairs import SHOP, RepairSetup, fill


def test_tags_are_synced_to_a_target_that_cannot_be_read(repairs: RepairSetup) -> None:
    fill(repairs, "v1")
    repairs.harness.swr.hidden["cn-east-3"] = error(Kind.CONFIGURATION)

    repair = repairs.begin()
    repairs.work()

    assert [(finding.drift, finding.state) for finding in repairs.tags(repair)] == [
        ("unreadable", "pending")
    ]


def test_a_region_that_does_not_answer_is_retried_and_finally_skipped(repairs: RepairSetup) -> None:
    fill(repairs, "v1")
    repairs.harness.swr.hidden["cn-north-4"] = error()
    repair = repairs.begin()
    repairs.worker.step()
    assert not repairs.worker.step()
    for _ in range(8):
        repairs.harness.clock.advance(61)
        repairs.work()

    backfill = repairs.show(repair)
    assert backfill.state == "done"
    assert [*backfill.notes] == [
        "cn-north-4/team/web/shop: it cannot be listed; what SWR said (A.transient)"
    ]


# Where a listing has no room, or a region is not configured


@dataclass(slots=True)
class BusyAdmission(Admission):
    """Each time a run has found room, others take the region's next turns, so many times."""

    times: int = 0

    def reserve(
        self, flow: Flow, pace: Pace, now: datetime, elsewhere: Occupancy | None = None
    ) -> Slot | CapacityLimit:
        slot = super(BusyAdmission, self).reserve(flow, pace, now, elsewhere)
        if self.times and isinstance(slot, Slot):
            self.times -= 1
            for _ in range(400):
                self.rate_limiter.reserve(flow.target, now, pace.per_second)
        return slot


def waits(repairs: RepairSetup, worker: RepairWorker) -> list[float]:
    """Let the worker's waits pass on the clock of the test; return them."""
    waited = []

    def wait(timeout: float | None = None) -> bool:
        assert timeout is not None
        waited.append(timeout)
        repairs.harness.clock.advance(timeout)
        return False

    worker.stopping.wait = wait  # type: ignore[method-assign]
    return waited


def test_a_listing_waits_while_its_region_is_paused(repairs: RepairSetup) -> None:
    fill(repairs, "v1")
    harness = repairs.harness
    harness.admission.rate_limiter.throttle("cn-north-4", harness.clock.time, None, 30.0)
    worker = repairs.worker
    waited = waits(repairs, worker)
    repair = repairs.begin()

    worker.step()

    assert waited == [30.0]
    assert [finding.tag for finding in repairs.tags(repair)] == ["v1"]


def test_a_request_that_found_no_turn_is_not_counted(repairs: RepairSetup) -> None:
    fill(repairs, "v1")
    harness = repairs.harness
    harness.admission = BusyAdmission(
        harness.admission.rate_limiter, harness.breakers, threads=20, times=1
    )
    worker = repairs.worker
    waited = waits(repairs, worker)
    repair = repairs.begin()

    worker.step()

    assert [wait > 5 for wait in waited] == [True]
    assert (repairs.show(repair).calls, len(harness.swr.pages)) == (2, 2)


def test_a_listing_that_waits_stops_when_the_process_does(repairs: RepairSetup) -> None:
    fill(repairs, "v1")
    harness = repairs.harness
    harness.admission.rate_limiter.throttle("cn-north-4", harness.clock.time, None, 30.0)
    worker = repairs.worker
    repair = repairs.begin()

    worker.stopping.set()
    worker.step()

    assert (repairs.show(repair).state, harness.swr.pages) == ("comparing", [])
    harness.clock.advance(30)
    repairs.work()  # another process, at once
    assert repairs.show(repair).state == "done"


def test_a_repository_of_a_region_that_is_not_configured_is_skipped(repairs: RepairSetup) -> None:
    gone = RepositoryRef("cn-south-9", "team", "web/shop")
    fill(repairs, "v1")

    repair = repairs.begin(repositories=[gone, SHOP])
    repairs.work()

    assert [*repairs.show(repair).notes] == [
        "cn-south-9/team/web/shop: its region is not under swr.regions"
    ]
    assert [finding.tag for finding in repairs.tags(repair)] == ["v1"]


def test_a_target_in_a_region_that_is_not_configured_cannot_be_read(repairs: RepairSetup) -> None:
    fill(repairs, "v1")
    regions = repairs.harness.config.swr.regions
    swr = replace(repairs.harness.config.swr, regions={"cn-north-4": regions["cn-north-4"]})
    repairs.harness.config = replace(repairs.harness.config, swr=swr)

    repair = repairs.begin()
    repairs.work()

    assert [finding.drift for finding in repairs.tags(repair)] == ["unreadable"]
    assert repairs.harness.swr.pages == [("cn-north-4", 0)]


def test_a_target_that_does_not_answer_is_listed_again(repairs: RepairSetup) -> None:
    fill(repairs, "v1", at_targets=True)
    repairs.harness.swr.hidden["cn-east-3"] = error()
    repair = repairs.begin()
    repairs.worker.step()
    assert repairs.tags(repair) == []

    repairs.harness.swr.hidden.clear()
    repairs.harness.clock.advance(61)
    repairs.work()

    assert [finding.drift for finding in repairs.tags(repair)] == ["same"]


@pytest.mark.parametrize(
    ("name", "hint"), [("web/shpo", "; did you mean team/web/shop?"), ("backend", "")]
)
def test_a_repository_that_does_not_exist_is_noted_with_a_similar_name(
    repairs: RepairSetup, name: str, hint: str
) -> None:
    fill(repairs, "v1")

    repair = repairs.begin(repositories=[RepositoryRef("cn-north-4", "team", name)])
    repairs.work()

    assert repairs.show(repair).notes == [
        f"cn-north-4/team/{name}: there is no such repository{hint}"
    ]
