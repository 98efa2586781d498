"""Backfills: compare, plan, wait for consent, record syncs behind fresh pushes, survive crashes."""

from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from swrhook.config.model import Pace
from swrhook.engine import CapacityLimit
from swrhook.errors import Kind, StateForbids
from swrhook.ledger.lane_queue import Occupancy
from swrhook.ledger.lanes import Flow
from swrhook.ledger.repairs import LEASE
from swrhook.model import State
from swrhook.syncs.reconciliation import RepositoryRef
from swrhook.worker.admission import Admission, Slot
from swrhook.worker.repairs import MAX_OPEN, RepairWorker
from tests.factories import all_syncs, put
from tests.worker.harness import WorkerHarness, error
from tests.worker.repairs import SHOP, RepairSetup, digest

CART = RepositoryRef("cn-north-4", "team", "web/cart")


def do_nothing() -> None:
    pass


def fail() -> None:
    raise ZeroDivisionError


def die() -> None:
    raise Killed


@pytest.fixture
def repairs(harness: WorkerHarness) -> RepairSetup:
    return RepairSetup(harness)


def fill(repairs: RepairSetup, *tags: str, at_targets: bool = False) -> None:
    for number, tag in enumerate(tags):
        repairs.harness.swr.put(tag, digest(number))
        if at_targets:
            repairs.harness.swr.put_at_target(tag, digest(number))


def test_a_plan_is_made_and_nothing_is_called_before_it_is_started(
    repairs: RepairSetup,
) -> None:
    fill(repairs, "v1", "v2", at_targets=True)
    fill(repairs, "v1", "v2", "v3", "v4")
    repairs.harness.swr.put_at_target("v4", digest(99))

    repair = repairs.begin(needs_confirmation=True)
    repairs.work()

    backfill = repairs.show(repair)
    plan = backfill.plan
    assert (backfill.state, plan.same, plan.missing, plan.diverged) == ("planned", 2, 1, 1)
    assert (plan.to_sync, plan.sync_images, backfill.calls) == (1, 1, 2)
    assert (all_syncs(repairs.database), repairs.harness.swr.calls) == ([], [])
    assert [(finding.tag, finding.drift, finding.reason) for finding in repairs.tags(repair)] == [
        ("v1", "same", None),
        ("v2", "same", None),
        ("v3", "missing", None),
        ("v4", "diverged", "the target has another image, and the rule does not override"),
    ]


def test_a_started_plan_is_synced_with_one_call_for_each_batch(repairs: RepairSetup) -> None:
    fill(repairs, *(f"v{n}" for n in range(150)))
    repair = repairs.begin(needs_confirmation=True)
    repairs.work()
    planned = repairs.show(repair).plan.sync_images

    repairs.operator.start_repair(repair, repairs.harness.clock.time)
    repairs.work()
    repairs.sync()

    backfill = repairs.show(repair)
    assert (backfill.state, backfill.results) == ("done", {"verified": 150})
    assert [len(tags) for tags in repairs.harness.swr.tags_called] == [100, 50]
    assert planned == 2
    assert {(sync.backfill, sync.delivery) for sync in all_syncs(repairs.database)} == {
        (True, None)
    }
    assert {sync.digest for sync in all_syncs(repairs.database)} == {digest(n) for n in range(150)}


def test_tags_that_the_targets_hold_already_take_no_call(repairs: RepairSetup) -> None:
    fill(repairs, *(f"v{n}" for n in range(250)), at_targets=True)

    repair = repairs.begin()
    repairs.work()

    backfill = repairs.show(repair)
    assert (backfill.state, backfill.plan.same, backfill.ordered, backfill.calls) == (
        "done",
        250,
        0,
        6,
    )
    assert repairs.harness.swr.calls == []


class Killed(BaseException):
    pass


def test_another_process_continues_where_one_was_killed(repairs: RepairSetup) -> None:
    fill(repairs, "v1")
    repairs.harness.swr.held["cn-north-4", "team", "web/cart", "v7"] = digest(7)
    repair = repairs.begin(repositories=[SHOP, CART])
    assert repairs.worker.step()
    repairs.harness.swr.before_page = die
    with pytest.raises(Killed):
        repairs.worker.step()
    repairs.harness.swr.before_page = do_nothing
    assert not repairs.worker.step()  # its lease has not expired yet

    repairs.harness.clock.time += 2 * LEASE
    repairs.work()

    assert [(finding.repository, finding.tag) for finding in repairs.tags(repair)] == [
        ("web/cart", "v7"),
        ("web/shop", "v1"),
    ]
    assert (repairs.show(repair).state, repairs.show(repair).ordered) == ("done", 2)


@pytest.mark.on("sqlite")
def test_on_sqlite_the_next_process_continues_at_once(repairs: RepairSetup) -> None:
    fill(repairs, "v1")
    repair = repairs.begin()
    repairs.harness.swr.before_page = die
    with pytest.raises(Killed):
        repairs.worker.step()
    repairs.harness.swr.before_page = do_nothing

    successor = repairs.worker
    successor.start()
    successor.stop()
    repairs.work()

    assert repairs.show(repair).state == "done"


def test_a_worker_killed_while_it_records_syncs_leaves_no_portion_half_done(
    repairs: RepairSetup,
) -> None:
    fill(repairs, *(f"v{n}" for n in range(250)))
    repair = repairs.begin()
    repairs.worker.step()
    repairs.worker.step()  # everything is compared
    repairs.worker.step()  # a first portion
    repairs.before_wake = die
    with pytest.raises(Killed):
        repairs.worker.step()
    repairs.before_wake = do_nothing
    assert repairs.show(repair).ordered == 200

    repairs.harness.clock.time += 2 * LEASE
    repairs.work()
    repairs.sync()

    assert repairs.show(repair).results == {"verified": 250}
    assert len(all_syncs(repairs.database)) == 250


def test_a_fresh_push_goes_before_a_large_backfill(repairs: RepairSetup) -> None:
    fill(repairs, *(f"v{n}" for n in range(400)), "fresh")
    repairs.begin()
    repairs.worker.step()
    repairs.harness.swr.held.pop(("cn-north-4", "team", "web/shop", "fresh"))
    repairs.work()
    repairs.harness.run()  # a first call of the backfill

    repairs.harness.swr.put("fresh", digest(1000))
    repairs.harness.push("fresh")
    repairs.sync()

    calls = repairs.harness.swr.tags_called
    assert "fresh" not in calls[0]
    assert "fresh" in calls[1]
    assert len(calls) > 3


def test_an_open_sync_is_used_instead_of_a_new_one(repairs: RepairSetup) -> None:
    fill(repairs, "v1", "v2")
    fresh = repairs.harness.push("v1")[0]

    repair = repairs.begin()
    repairs.work()

    backfilled = {finding.tag: finding.sync for finding in repairs.tags(repair)}
    assert backfilled["v1"] == fresh.id
    assert [(sync.tag, sync.backfill) for sync in all_syncs(repairs.database)] == [
        ("v1", False),
        ("v2", True),
    ]


def test_a_failed_sync_is_retried_in_its_own_row(repairs: RepairSetup) -> None:
    fill(repairs, "v1")
    ended = put(repairs.database, State.EXHAUSTED, attempts=7)

    repair = repairs.begin()
    repairs.work()
    repairs.sync()

    assert [(finding.sync, finding.state) for finding in repairs.tags(repair)] == [
        (ended.id, "verified")
    ]
    assert [sync.state for sync in all_syncs(repairs.database)] == [State.VERIFIED]


def test_a_cancelled_backfill_stops_and_cancels_its_waiting_syncs(repairs: RepairSetup) -> None:
    fill(repairs, *(f"v{n}" for n in range(300)))
    fresh = repairs.harness.push("v7")[0]
    repair = repairs.begin()
    for _ in range(3):
        repairs.worker.step()
    repairs.harness.run()  # one call for a hundred of them

    repairs.operator.cancel_repair(repair, repairs.harness.clock.time)
    repairs.work()
    repairs.harness.run_until_quiet()

    backfill = repairs.show(repair)
    assert (backfill.state, backfill.ordered) == ("cancelled", 200)
    assert set(backfill.results) == {"cancelled", "verified"}
    assert backfill.results["cancelled"] >= 100
    assert repairs.harness.state(fresh) is State.VERIFIED
    with pytest.raises(StateForbids):
        repairs.operator.cancel_repair(repair, repairs.harness.clock.time)


def test_a_backfill_cancelled_while_it_lists_writes_nothing(repairs: RepairSetup) -> None:
    fill(repairs, *(f"v{n}" for n in range(300)))
    repair = repairs.begin()

    def cancel() -> None:
        if len(repairs.harness.swr.pages) == 1:
            repairs.operator.cancel_repair(repair, repairs.harness.clock.time)

    repairs.harness.swr.before_page = cancel
    repairs.worker.step()

    assert (repairs.show(repair).state, repairs.tags(repair)) == ("cancelled", [])
    assert len(repairs.harness.swr.pages) <= 2


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
        "cn-north-4/team/web/shop: cannot be listed: A.transient: what SWR said"
    ]


def test_a_backfill_can_be_limited_to_a_rule_or_a_sender(repairs: RepairSetup) -> None:
    fill(repairs, "v1")

    of_rule = repairs.begin(rule="all", sender="ci")
    of_none = repairs.begin(rule="another")
    repairs.work()

    assert (repairs.show(of_rule).plan.missing, repairs.show(of_none).plan.missing) == (1, 0)


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
        "cn-south-9/team/web/shop: cn-south-9 is not under swr.regions"
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


def test_a_step_that_fails_unexpectedly_is_done_again(repairs: RepairSetup) -> None:
    fill(repairs, "v1")
    repairs.harness.swr.before_page = fail
    repair = repairs.begin()
    with pytest.raises(ZeroDivisionError):
        repairs.worker.step()
    repairs.harness.swr.before_page = do_nothing
    assert not repairs.worker.step()

    repairs.harness.clock.advance(5)
    repairs.work()

    assert repairs.show(repair).state == "done"


def test_few_syncs_of_a_backfill_are_open_at_a_time(repairs: RepairSetup) -> None:
    fill(repairs, *(f"v{n}" for n in range(MAX_OPEN + 1)))
    repair = repairs.begin()
    repairs.work()
    assert (repairs.show(repair).state, repairs.show(repair).ordered) == ("ordering", MAX_OPEN)

    repairs.sync()
    repairs.harness.clock.advance(1)
    repairs.work()

    assert (repairs.show(repair).state, repairs.show(repair).ordered) == ("done", MAX_OPEN + 1)


@pytest.mark.parametrize(
    ("name", "hint"), [("web/shpo", ": did you mean team/web/shop?"), ("backend", "")]
)
def test_a_repository_that_does_not_exist_is_noted_with_a_similar_name(
    repairs: RepairSetup, name: str, hint: str
) -> None:
    fill(repairs, "v1")

    repair = repairs.begin(repositories=[RepositoryRef("cn-north-4", "team", name)])
    repairs.work()

    assert repairs.show(repair).notes == [
        f"cn-north-4/team/{name}: there is no such repository in cn-north-4{hint}"
    ]
