"""Reconciles: find drift and repair it as far as allowed, within a budget."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.errors import Kind
from swrhook.ledger.auto_sync_overlaps import list_overlaps
from swrhook.ledger.lanes import schedule_lanes
from swrhook.ledger.observations import find_observations
from swrhook.ledger.queries.repairs import ListedRepair
from swrhook.ledger.queries.stats import DriftCount, read_drift
from swrhook.ledger.queries.syncs import list_syncs
from swrhook.ledger.queries.views import SyncFilter
from swrhook.ledger.tables import lanes
from swrhook.model import State, Target, Urgency
from swrhook.rules.rulebook import Rulebook
from swrhook.swr.protocol import PAGE_SIZE
from swrhook.syncs.auto_sync import AutoSync, Overlap, OverlapKind
from swrhook.syncs.observations import DriftKind, Place
from swrhook.usecases.manual_syncs import MANUAL
from tests.factories import LANE, put
from tests.worker.harness import error
from tests.worker.repairs import BACKFILL, RECONCILE, SHOP, RepairSetup, digest

HOUR = timedelta(hours=1)


def seed_copies(repairs: RepairSetup, *tags: str, repository: str = "web/shop") -> None:
    """Put the tags into source and target, with the syncs that copied them."""
    lane = replace(LANE, repository=repository)
    with repairs.database.write() as connection:
        schedule_lanes(connection, {lane: "harbor"}, Urgency.FRESH, repairs.harness.clock.time)
        connection.execute(lanes.update().values(ready=False, due_at=None))
    for tag in tags:
        put(
            repairs.database,
            State.VERIFIED,
            lane,
            tag=tag,
            called_digest=digest(1),
            verified_at=repairs.harness.clock.time,
        )
        repairs.harness.swr.put(tag, digest(1), lane)
        repairs.harness.swr.put_at_target(tag, digest(1), lane)


def reconciles(repairs: RepairSetup) -> list[ListedRepair]:
    """Return all reconciles, oldest first."""
    return list(reversed(repairs.reconciles()))


def findings(repairs: RepairSetup, repair: str) -> list[tuple[str, str, bool]]:
    return [
        (finding.tag, finding.drift, finding.sync is not None) for finding in repairs.tags(repair)
    ]


def drift(repairs: RepairSetup) -> dict[str, int]:
    with repairs.database.read() as connection:
        return {row.drift: row.count for row in read_drift(connection)}


def test_a_reconcile_updates_what_is_known_of_every_compared_tag(repairs: RepairSetup) -> None:
    seed_copies(repairs, "same", "lost", "moved")
    swr = repairs.harness.swr
    repairs.harness.clock.advance(hours=1)
    del swr.held["cn-east-3", "team", "web/shop", "lost"]
    swr.put_at_target("moved", digest(2))

    repairs.begin(RECONCILE, None, report_only=True)
    repairs.work()

    places = {
        (region, tag): Place(region, "team", "web/shop", tag)
        for region in ("cn-north-4", "cn-east-3")
        for tag in ("same", "lost", "moved")
    }
    with repairs.database.read() as connection:
        kept = find_observations(connection, places.values())
        syncs = list_syncs(connection, SyncFilter()).items
    assert {key: kept[place].digest for key, place in places.items()} == {
        ("cn-north-4", "same"): digest(1),
        ("cn-north-4", "lost"): digest(1),
        ("cn-north-4", "moved"): digest(1),
        ("cn-east-3", "same"): digest(1),
        ("cn-east-3", "lost"): None,
        ("cn-east-3", "moved"): digest(2),
    }
    assert {sync.tag: sync.drift and sync.drift.kind for sync in syncs} == {
        "same": None,
        "lost": DriftKind.MISSING,
        "moved": DriftKind.CHANGED,
    }


@pytest.mark.parametrize(
    ("at_target", "expected"),
    [
        ({"linux/amd64 A", "linux/arm64 B"}, []),
        ({"linux/amd64 A"}, ["diverged"]),
        ((), ["diverged"]),
    ],
)
def test_an_index_that_swr_wrote_anew_has_not_diverged_if_its_images_are_the_same(
    repairs: RepairSetup, at_target: Collection[str], expected: list[str]
) -> None:
    seed_copies(repairs, "v1")
    swr = repairs.harness.swr
    swr.put_at_target("v1", digest(2))
    swr.images[LANE.source_region, "team", "web/shop", "v1"] = frozenset(
        {"linux/amd64 A", "linux/arm64 B"}
    )
    if at_target:
        swr.images[LANE.target.region, "team", "web/shop", "v1"] = frozenset(at_target)

    repair = repairs.begin(RECONCILE)
    repairs.work()

    assert [drift for _, drift, _ in findings(repairs, repair)] == expected


def test_a_tag_that_is_listed_without_a_digest_is_unreadable(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")
    repairs.harness.swr.put_at_target("v1", "")

    repair = repairs.begin(RECONCILE)
    repairs.work()

    assert findings(repairs, repair) == [("v1", "unreadable", False)]


def test_a_tag_deleted_while_a_repository_is_listed_makes_no_other_one_missing(
    repairs: RepairSetup,
) -> None:
    """The second page begins one tag later than the first has ended: one is on neither."""
    tags = [f"v{number:03}" for number in range(PAGE_SIZE + 20)]
    seed_copies(repairs, *tags)
    swr = repairs.harness.swr

    def delete_the_first() -> None:
        if swr.pages[-1] == ("cn-east-3", PAGE_SIZE):
            del swr.held["cn-east-3", "team", "web/shop", "v000"]

    swr.before_page = delete_the_first
    repairs.begin(RECONCILE, None, report_only=True)
    repairs.work()

    skipped = Place("cn-east-3", "team", "web/shop", tags[PAGE_SIZE])
    with repairs.database.read() as connection:
        assert find_observations(connection, [skipped]) == {}


def test_drift_is_found_and_repaired_where_the_rules_allow_it(repairs: RepairSetup) -> None:
    seed_copies(repairs, "same", "lost", "moved", "gone")
    swr = repairs.harness.swr
    del swr.held["cn-east-3", "team", "web/shop", "lost"]
    swr.put_at_target("moved", digest(2))
    del swr.held["cn-north-4", "team", "web/shop", "gone"]

    repair = repairs.begin(RECONCILE, None)
    repairs.work()
    before = drift(repairs)
    repairs.sync()

    assert (sorted(findings(repairs, repair))) == [
        ("gone", "unwanted", False),
        ("lost", "missing", True),
        ("moved", "diverged", False),
    ]
    assert before == {"missing": 1, "diverged": 1, "unwanted": 1}
    assert drift(repairs) == {"diverged": 1, "unwanted": 1}
    assert swr.tags_called == [["lost"]]
    assert repairs.show(repair, RECONCILE).results == {"verified": 1}


def test_tags_that_no_rule_wants_any_more_are_reported_and_kept(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")
    repairs.harness.config = replace(repairs.harness.config, rules=Rulebook())

    repair = repairs.begin(RECONCILE, None)
    repairs.work()

    assert [(finding.drift, finding.reason) for finding in repairs.tags(repair)] == [
        ("unwanted", "no rule wants it any more")
    ]
    with repairs.database.read() as connection:
        assert read_drift(connection) == [DriftCount("cn-east-3", "team", "unwanted", 1)]


def test_tags_synced_by_hand_are_no_drift(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")
    elsewhere = replace(LANE, target=Target("ap-southeast-1", "team"))
    put(repairs.database, State.VERIFIED, elsewhere, tag="v1", rule=MANUAL)
    repairs.harness.swr.put_at_target("v1", digest(1), elsewhere)

    repair = repairs.begin(RECONCILE, [SHOP])
    repairs.work()

    assert findings(repairs, repair) == []


def test_a_report_repairs_nothing(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")
    repairs.harness.swr.held.pop(("cn-east-3", "team", "web/shop", "v1"))

    repair = repairs.begin(RECONCILE, None, report_only=True)
    repairs.work()

    shown = repairs.show(repair, RECONCILE)
    assert (
        shown.state,
        shown.plan.missing,
        shown.plan.to_sync,
        shown.results,
    ) == ("done", 1, 0, {})


def test_a_later_reconcile_replaces_the_drift_of_an_earlier_one(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")
    repairs.harness.swr.held.pop(("cn-east-3", "team", "web/shop", "v1"))
    repairs.begin(RECONCILE, None, report_only=True)
    repairs.work()
    assert drift(repairs) == {"missing": 1}

    repairs.harness.swr.put_at_target("v1", digest(1))
    repairs.begin(RECONCILE, [SHOP], report_only=True)
    repairs.work()

    assert drift(repairs) == {}


def test_a_target_that_cannot_be_read_is_reported_and_not_synced(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")
    repairs.harness.swr.hidden["cn-east-3"] = error(Kind.CONFIGURATION)

    repair = repairs.begin(RECONCILE, None)
    repairs.work()

    assert findings(repairs, repair) == [("v1", "unreadable", False)]


def test_a_reconcile_keeps_to_max_calls_and_the_next_one_continues(repairs: RepairSetup) -> None:
    for number in range(5):
        seed_copies(repairs, "v1", repository=f"app{number}")

    listed = []
    for _ in range(3):
        repairs.begin(RECONCILE, None, max_calls=7)
        repairs.work()
        listed.append(set(repairs.harness.swr.rule_lists))
        repairs.harness.swr.rule_lists.clear()

    # Two calls list what there is, five are enough for two repositories.
    assert [len(places) for places in listed] == [2, 2, 1]
    assert [reconcile.state for reconcile in reconciles(repairs)] == ["done"] * 3


def test_syncs_over_the_budget_are_left_to_the_next_reconcile(repairs: RepairSetup) -> None:
    repairs.set_options(batch=1)
    seed_copies(repairs, "v1", "v2", "v3")
    for tag in ("v1", "v2", "v3"):
        del repairs.harness.swr.held["cn-east-3", "team", "web/shop", tag]

    first = repairs.begin(RECONCILE, None, max_calls=14)  # 2 to list, 5 for finding sync
    repairs.work()
    repairs.sync()
    second = repairs.begin(RECONCILE, None, max_calls=14)
    repairs.work()
    repairs.sync()

    assert (findings(repairs, first)) == [
        ("v1", "missing", True),
        ("v2", "missing", True),
        ("v3", "missing", False),
    ]
    assert findings(repairs, second) == [("v3", "missing", True)]
    assert drift(repairs) == {}


def test_a_repository_too_large_for_the_budget_is_skipped_with_a_note(repairs: RepairSetup) -> None:
    seed_copies(repairs, *(f"v{n}" for n in range(250)))
    seed_copies(repairs, "v1", repository="zoo")

    repair = repairs.begin(RECONCILE, None, max_calls=2)
    repairs.work()

    assert [*repairs.show(repair, RECONCILE).notes] == [
        "cn-north-4/team/web/shop: max_calls is too small to list it"
    ]


def test_one_of_two_processes_begins_a_scheduled_reconcile(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")
    repairs.schedule_reconcile(6 * HOUR)
    one, other = repairs.worker, repairs.worker

    for _ in range(5):
        one.step()
        other.step()
    repairs.harness.clock.time += 5 * HOUR
    one.step()
    assert len(reconciles(repairs)) == 1

    repairs.harness.clock.time += HOUR
    one.step()
    other.step()

    assert [reconcile.scheduled for reconcile in reconciles(repairs)] == [True, True]


def test_no_reconcile_is_scheduled_by_default(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")

    assert not repairs.worker.step()
    assert reconciles(repairs) == []


def overlaps(repairs: RepairSetup) -> list[Overlap]:
    with repairs.database.read() as connection:
        return [seen.overlap for seen in list_overlaps(connection)]


def test_rules_of_swr_that_contradict_ours_are_kept_and_noted(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")
    swr = repairs.harness.swr
    swr.rules = [
        AutoSync(LANE.target, override=True),
        AutoSync(Target("elsewhere", "x"), override=False),
    ]

    repair = repairs.begin(RECONCILE, None, report_only=True)
    repairs.work()

    [overlap] = overlaps(repairs)
    assert overlap.kind is OverlapKind.OVERRIDE
    assert repairs.show(repair, RECONCILE).notes == [f"cn-north-4/team/web/shop: {overlap}"]
    swr.rules = []
    repairs.begin(RECONCILE, [SHOP])
    repairs.work()
    assert overlaps(repairs) == []


def test_rules_of_swr_that_duplicate_ours_are_kept_without_a_note(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")
    repairs.harness.swr.rules = [AutoSync(LANE.target, override=False)]

    repair = repairs.begin(RECONCILE, [SHOP])
    repairs.work()

    assert [overlap.kind for overlap in overlaps(repairs)] == [OverlapKind.DUPLICATE]
    assert repairs.show(repair, RECONCILE).notes == []


def test_rules_of_swr_that_cannot_be_read_do_not_stop_a_reconcile(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")
    swr = repairs.harness.swr
    swr.rules = [AutoSync(LANE.target, override=False)]
    repairs.begin(RECONCILE, [SHOP])
    repairs.work()

    swr.rules = error(Kind.CONFIGURATION)
    repair = repairs.begin(RECONCILE, [SHOP])
    repairs.work()

    assert repairs.show(repair, RECONCILE).state == "done"
    assert len(overlaps(repairs)) == 1


def test_a_backfill_does_not_read_rules_of_swr(repairs: RepairSetup) -> None:
    seed_copies(repairs, "v1")
    repairs.begin(BACKFILL, [SHOP])
    repairs.work()

    assert repairs.harness.swr.rule_lists == []
