"""A backfill: compares, plans, is agreed to, records behind fresh pushes; survives all of it."""

import pytest

from swrhook.errors import Kind, StateForbids
from swrhook.ledger.repairs import LEASE
from swrhook.model import State
from swrhook.syncs.reconciliation import RepositoryRef
from tests.ledger.parts import all_syncs, put
from tests.worker.mends import SHOP, Mends, digest
from tests.worker.parts import Works, error

CART = RepositoryRef("cn-north-4", "team", "web/cart")


def nothing() -> None:
    pass


def die() -> None:
    raise Killed


@pytest.fixture
def mends(works: Works) -> Mends:
    return Mends(works)


def fill(mends: Mends, *tags: str, held: bool = False) -> None:
    for number, tag in enumerate(tags):
        mends.works.swr.put(tag, digest(number))
        if held:
            mends.works.swr.put_at_target(tag, digest(number))


def test_what_is_at_the_source_is_planned_and_nothing_is_called_before_it_is_agreed_to(
    mends: Mends,
) -> None:
    fill(mends, "v1", "v2", held=True)
    fill(mends, "v1", "v2", "v3", "v4")
    mends.works.swr.put_at_target("v4", digest(99))

    repair = mends.begin(needs_confirmation=True)
    mends.work()

    found = mends.show(repair)
    plan = found.plan
    assert (found.state, plan.same, plan.missing, plan.diverged) == ("planned", 2, 1, 1)
    assert (plan.to_sync, plan.sync_images, found.calls) == (1, 1, 2)
    assert (all_syncs(mends.database), mends.works.swr.calls) == ([], [])
    assert [(each.tag, each.drift, each.reason) for each in mends.tags(repair)] == [
        ("v1", "same", None),
        ("v2", "same", None),
        ("v3", "missing", None),
        ("v4", "diverged", "the target holds another image, and the rule does not override"),
    ]


def test_an_agreed_plan_is_synced_with_one_call_for_a_batch(mends: Mends) -> None:
    fill(mends, *(f"v{n}" for n in range(150)))
    repair = mends.begin(needs_confirmation=True)
    mends.work()
    planned = mends.show(repair).plan.sync_images

    mends.operator.start_repair(repair, mends.works.clock.time)
    mends.work()
    mends.sync()

    found = mends.show(repair)
    assert (found.state, found.results) == ("done", {"verified": 150})
    assert [len(tags) for tags in mends.works.swr.tags_called] == [100, 50]
    assert planned == 2
    assert {(True, None)} == {(sync.backfill, sync.delivery) for sync in all_syncs(mends.database)}
    assert {digest(n) for n in range(150)} == {sync.digest for sync in all_syncs(mends.database)}


def test_what_targets_hold_already_costs_no_call(mends: Mends) -> None:
    fill(mends, *(f"v{n}" for n in range(250)), held=True)

    repair = mends.begin()
    mends.work()

    found = mends.show(repair)
    assert (found.state, found.plan.same, found.ordered, found.calls) == ("done", 250, 0, 6)
    assert mends.works.swr.calls == []


class Killed(BaseException):
    pass


def test_another_process_goes_on_where_one_was_killed(mends: Mends) -> None:
    fill(mends, "v1")
    mends.works.swr.held["cn-north-4", "team", "web/cart", "v7"] = digest(7)
    repair = mends.begin(repositories=[SHOP, CART])
    assert mends.repairer.step()
    mends.works.swr.before_page = die
    with pytest.raises(Killed):
        mends.repairer.step()
    mends.works.swr.before_page = nothing
    assert not mends.repairer.step()  # somebody may still be at it

    mends.works.clock.time += 2 * LEASE
    mends.work()

    assert [(each.repository, each.tag) for each in mends.tags(repair)] == [
        ("web/cart", "v7"),
        ("web/shop", "v1"),
    ]
    assert (mends.show(repair).state, mends.show(repair).ordered) == ("done", 2)


@pytest.mark.on("sqlite")
def test_where_there_is_one_process_its_heir_need_not_wait(mends: Mends) -> None:
    fill(mends, "v1")
    repair = mends.begin()
    mends.works.swr.before_page = die
    with pytest.raises(Killed):
        mends.repairer.step()
    mends.works.swr.before_page = nothing

    heir = mends.repairer
    heir.start()
    heir.stop()
    mends.work()

    assert mends.show(repair).state == "done"


def test_one_killed_while_it_records_leaves_nothing_half_done(mends: Mends) -> None:
    fill(mends, *(f"v{n}" for n in range(250)))
    repair = mends.begin()
    mends.repairer.step()
    mends.repairer.step()  # all is compared
    mends.repairer.step()  # a first portion
    mends.before_wake = die
    with pytest.raises(Killed):
        mends.repairer.step()
    mends.before_wake = nothing
    assert mends.show(repair).ordered == 200

    mends.works.clock.time += 2 * LEASE
    mends.work()
    mends.sync()

    assert mends.show(repair).results == {"verified": 250}
    assert len(all_syncs(mends.database)) == 250


def test_a_fresh_push_overtakes_a_large_backfill(mends: Mends) -> None:
    fill(mends, *(f"v{n}" for n in range(400)), "fresh")
    mends.begin()
    mends.repairer.step()
    mends.works.swr.held.pop(("cn-north-4", "team", "web/shop", "fresh"))
    mends.work()
    mends.works.run()  # a first call of the backfill

    mends.works.swr.put("fresh", digest(1000))
    mends.works.push("fresh")
    mends.sync()

    calls = mends.works.swr.tags_called
    assert "fresh" not in calls[0]
    assert "fresh" in calls[1]
    assert len(calls) > 3


def test_an_open_sync_keeps_its_turn_and_stands_for_the_new_one(mends: Mends) -> None:
    fill(mends, "v1", "v2")
    fresh = mends.works.push("v1")[0]

    repair = mends.begin()
    mends.work()

    ours = {each.tag: each.sync for each in mends.tags(repair)}
    assert fresh.id == ours["v1"]
    assert [(sync.tag, sync.backfill) for sync in all_syncs(mends.database)] == [
        ("v1", False),
        ("v2", True),
    ]


def test_a_sync_that_ended_badly_is_tried_again_in_its_own_row(mends: Mends) -> None:
    fill(mends, "v1")
    ended = put(mends.database, State.EXHAUSTED, attempts=7)

    repair = mends.begin()
    mends.work()
    mends.sync()

    assert [(ended.id, "verified")] == [(each.sync, each.state) for each in mends.tags(repair)]
    assert [sync.state for sync in all_syncs(mends.database)] == [State.VERIFIED]


def test_cancelled_it_compares_no_more_and_takes_its_waiting_syncs_along(mends: Mends) -> None:
    fill(mends, *(f"v{n}" for n in range(300)))
    fresh = mends.works.push("v7")[0]
    repair = mends.begin()
    for _ in range(3):
        mends.repairer.step()
    mends.works.run()  # a call for a hundred of them

    mends.operator.cancel_repair(repair, mends.works.clock.time)
    mends.work()
    mends.works.run_until_quiet()

    found = mends.show(repair)
    assert (found.state, found.ordered) == ("cancelled", 200)
    assert {"cancelled", "verified"} == set(found.results)
    assert found.results["cancelled"] >= 100
    assert State.VERIFIED is mends.works.state(fresh)
    with pytest.raises(StateForbids):
        mends.operator.cancel_repair(repair, mends.works.clock.time)


def test_cancelled_in_the_middle_of_a_listing_it_writes_nothing(mends: Mends) -> None:
    fill(mends, *(f"v{n}" for n in range(300)))
    repair = mends.begin()

    def cancel() -> None:
        if len(mends.works.swr.pages) == 1:
            mends.operator.cancel_repair(repair, mends.works.clock.time)

    mends.works.swr.before_page = cancel
    mends.repairer.step()

    assert (mends.show(repair).state, mends.tags(repair)) == ("cancelled", [])
    assert len(mends.works.swr.pages) <= 2


def test_a_target_that_cannot_be_read_is_called_for(mends: Mends) -> None:
    fill(mends, "v1")
    mends.works.swr.hidden["cn-east-3"] = error(Kind.CONFIGURATION)

    repair = mends.begin()
    mends.work()

    assert [(each.drift, each.state) for each in mends.tags(repair)] == [("unreadable", "pending")]


def test_a_region_without_an_answer_is_asked_later_and_at_last_left_out(mends: Mends) -> None:
    fill(mends, "v1")
    mends.works.swr.hidden["cn-north-4"] = error()
    repair = mends.begin()
    mends.repairer.step()
    assert not mends.repairer.step()
    for _ in range(8):
        mends.works.clock.advance(61)
        mends.work()

    found = mends.show(repair)
    assert found.state == "done"
    assert [*found.notes] == [
        "cn-north-4/team/web/shop: cannot be listed: A.transient: what SWR said"
    ]


def test_one_rule_or_one_sender_can_be_asked_for(mends: Mends) -> None:
    fill(mends, "v1")

    of_rule = mends.begin(rule="all", sender="ci")
    of_none = mends.begin(rule="another")
    mends.work()

    assert (mends.show(of_rule).plan.missing, mends.show(of_none).plan.missing) == (1, 0)
