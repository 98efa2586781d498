"""A backfill goes on after a process was killed, an error, or a stop."""

import pytest

from swrhook.errors import StateForbids
from swrhook.ledger.repairs import LEASE
from swrhook.model import State
from tests.factories import all_syncs
from tests.worker.repairs import CART, SHOP, RepairSetup, digest, fill


def do_nothing() -> None:
    pass


def fail() -> None:
    raise ZeroDivisionError


def die() -> None:
    raise Killed


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


def test_a_cancelled_backfill_stops_and_cancels_its_waiting_syncs(repairs: RepairSetup) -> None:
    fill(repairs, *(f"v{n}" for n in range(300)))
    fresh = repairs.harness.push("v7")[0]
    repair = repairs.begin()
    for _ in range(3):
        repairs.worker.step()
    repairs.harness.run()  # one call for a hundred of them

    repairs.operator.cancel_repair(repair)
    repairs.work()
    repairs.harness.run_until_quiet()

    backfill = repairs.show(repair)
    assert (backfill.state, backfill.ordered) == ("cancelled", 200)
    assert set(backfill.results) == {"cancelled", "verified"}
    assert backfill.results["cancelled"] >= 100
    assert repairs.harness.state(fresh) is State.VERIFIED
    with pytest.raises(StateForbids):
        repairs.operator.cancel_repair(repair)


def test_a_backfill_cancelled_while_it_lists_writes_nothing(repairs: RepairSetup) -> None:
    fill(repairs, *(f"v{n}" for n in range(300)))
    repair = repairs.begin()

    def cancel() -> None:
        if len(repairs.harness.swr.pages) == 1:
            repairs.operator.cancel_repair(repair)

    repairs.harness.swr.before_page = cancel
    repairs.worker.step()

    assert (repairs.show(repair).state, repairs.tags(repair)) == ("cancelled", [])
    assert len(repairs.harness.swr.pages) <= 2


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
