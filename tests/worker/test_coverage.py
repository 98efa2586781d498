"""Coverage: after a round, and after the repairs, every number is what is true at the targets."""

from dataclasses import replace

from swrhook.errors import Kind
from swrhook.ledger.database import Database
from swrhook.ledger.queries.coverage import ListedCoverage
from swrhook.rules.rulebook import Rulebook
from swrhook.service.coverage_watch import CoverageWatch
from swrhook.syncs.coverage import CoverageKey
from tests.coverage_story import Scene, story, tell
from tests.factories import LANE
from tests.worker.coverage import shown
from tests.worker.harness import error
from tests.worker.repairs import RECONCILE, RepairSetup, digest

EAST = CoverageKey("all", "cn-east-3")


def numbers(repairs: RepairSetup, key: CoverageKey = EAST) -> dict[str, int]:
    """Return the numbers that are not zero."""
    row = shown(repairs.database, repairs.config)[key]
    names = ("wanted", "present", "on_the_way", "missing", "changed", "unknown")
    return {name: count for name in names if (count := getattr(row, name))}


def gaps(repairs: RepairSetup) -> list[tuple[str, str]]:
    row = shown(repairs.database, repairs.config)[EAST]
    return sorted((gap.image, gap.kind) for gap in row.gaps)


def seed(repairs: RepairSetup, *tags: str, repository: str = "web/shop") -> None:
    lane = replace(LANE, repository=repository)
    for tag in tags:
        repairs.harness.swr.put(tag, digest(1), lane)


def test_coverage_counts_what_a_round_finds_and_follows_its_repairs(repairs: RepairSetup) -> None:
    swr = repairs.harness.swr
    seed(repairs, "same", "lost", "moved")
    seed(repairs, "new", repository="never/announced")
    swr.put_at_target("same", digest(1))
    swr.put_at_target("moved", digest(2))

    repairs.begin(RECONCILE, None)
    repairs.work()
    on_the_way = numbers(repairs)
    repairs.sync()
    repaired = numbers(repairs)

    assert on_the_way == {"wanted": 4, "present": 1, "on_the_way": 2, "changed": 1}
    assert repaired == {"wanted": 4, "present": 3, "changed": 1}
    assert gaps(repairs) == [("team/web/shop:moved", "changed")]


def round_later(repairs: RepairSetup) -> ListedCoverage:
    """Compare everything an hour later; return the coverage."""
    repairs.harness.clock.advance(hours=1)
    repairs.begin(RECONCILE, None, report_only=True)
    repairs.work()
    return shown(repairs.database, repairs.config)[EAST]


def test_what_is_deleted_or_unreadable_is_told_by_the_next_round(repairs: RepairSetup) -> None:
    swr = repairs.harness.swr
    seed(repairs, "v1", "v2")
    repairs.begin(RECONCILE, None)
    repairs.work()
    repairs.sync()
    complete = numbers(repairs)

    del swr.held["cn-east-3", "team", "web/shop", "v1"]
    first, second = round_later(repairs), round_later(repairs)
    swr.hidden["cn-east-3"] = error(Kind.CONFIGURATION)
    third = round_later(repairs)

    assert complete == {"wanted": 2, "present": 2}
    assert (first.present, first.missing, third.unknown) == (1, 1, 2)
    assert second.oldest_gap == first.oldest_gap
    observed = [row.oldest_observation for row in (first, second, third)]
    assert observed == sorted({*filter(None, observed)})


def test_a_listed_repository_is_unknown_until_it_is_compared(repairs: RepairSetup) -> None:
    seed(repairs, "v1", "v2")
    seed(repairs, "v1", repository="other")

    repairs.begin(RECONCILE, None)
    while not numbers(repairs):
        repairs.worker.step()

    assert numbers(repairs) == {"wanted": 3, "unknown": 3}


def test_a_removed_rule_leaves_the_coverage_and_a_gone_repository_too(
    repairs: RepairSetup,
) -> None:
    seed(repairs, "v1")
    seed(repairs, "v1", repository="other")
    repairs.begin(RECONCILE, None, report_only=True)
    repairs.work()
    del repairs.harness.swr.held["cn-north-4", "team", "other", "v1"]
    repairs.harness.clock.advance(hours=1)
    repairs.begin(RECONCILE, None, report_only=True)
    repairs.work()
    without_repository = numbers(repairs)

    repairs.harness.config = replace(repairs.harness.config, rules=Rulebook())
    repairs.harness.clock.advance(hours=1)
    repairs.begin(RECONCILE, None, report_only=True)
    repairs.work()

    assert without_repository == {"wanted": 1, "missing": 1}
    assert shown(repairs.database, repairs.config) == {}


def watch(repairs: RepairSetup) -> CoverageWatch:
    class Current:
        def current(self) -> object:
            return repairs.config

    return CoverageWatch(repairs.database, Current(), repairs.harness.clock)  # type: ignore[arg-type]


def test_a_new_region_proposes_its_backfill_with_its_numbers(repairs: RepairSetup) -> None:
    seed(repairs, "v1", "v2")
    watch(repairs).poll()  # the first configuration proposes nothing
    repairs.use_rules(
        "namespace: team",
        "{region: cn-east-3, namespace: team}, {region: ap-southeast-1, namespace: team}",
    )
    repairs.harness.config = replace(repairs.harness.config, version="new")

    watch(repairs).poll()
    watch(repairs).poll()
    repairs.work()

    (proposal,) = repairs.backfills()
    assert (proposal.state, proposal.proposed) == ("planned", True)
    assert proposal.scope is not None
    assert (proposal.scope.target_region, proposal.scope.rules) == ("ap-southeast-1", ["all"])
    assert (proposal.plan.to_sync, proposal.plan.sync_images) == (2, 1)
    hong_kong = CoverageKey("all", "ap-southeast-1")
    assert numbers(repairs, hong_kong) == {"wanted": 2, "missing": 2}

    repairs.operator.start_repair(proposal.id)
    repairs.work()
    repairs.sync()

    assert numbers(repairs, hong_kong) == {"wanted": 2, "present": 2}


def test_a_rule_with_backfill_auto_needs_no_confirmation(repairs: RepairSetup) -> None:
    seed(repairs, "v1")
    repairs.use_rules("namespace: team", more=", backfill: auto")

    watch(repairs).poll()
    repairs.work()
    repairs.sync()

    (backfill,) = repairs.backfills()
    assert (backfill.state, backfill.results) == ("done", {"verified": 1})
    assert numbers(repairs) == {"wanted": 1, "present": 1}


def test_the_story_of_a_registry_equals_the_truth_of_the_simulator(database: Database) -> None:
    with story(database, Scene(repositories=20, unannounced=3, tags=3)) as made:
        tell(made)
