"""Backfills: compare, plan, wait for consent, record syncs behind fresh pushes, survive crashes."""

from swrhook.model import State
from swrhook.worker.repairs import MAX_OPEN
from tests.factories import all_syncs, put
from tests.worker.repairs import RepairSetup, digest, fill


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

    repairs.operator.start_repair(repair)
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


def test_a_backfill_can_be_limited_to_a_rule_or_a_sender(repairs: RepairSetup) -> None:
    fill(repairs, "v1")

    of_rule = repairs.begin(rule="all", sender="ci")
    of_none = repairs.begin(rule="another")
    repairs.work()

    assert (repairs.show(of_rule).plan.missing, repairs.show(of_none).plan.missing) == (1, 0)


def test_few_syncs_of_a_backfill_are_open_at_a_time(repairs: RepairSetup) -> None:
    fill(repairs, *(f"v{n}" for n in range(MAX_OPEN + 1)))
    repair = repairs.begin()
    repairs.work()
    assert (repairs.show(repair).state, repairs.show(repair).ordered) == ("ordering", MAX_OPEN)

    repairs.sync()
    repairs.harness.clock.advance(1)
    repairs.work()

    assert (repairs.show(repair).state, repairs.show(repair).ordered) == ("done", MAX_OPEN + 1)
