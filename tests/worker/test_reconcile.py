"""A reconcile: finds what differs, mends what it may, within its budget, in passes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.errors import Kind
from swrhook.ledger.lanes import clear_wake_times, schedule_lanes
from swrhook.ledger.queries.repairs import ListedRepair, RepairFilter, list_repairs
from swrhook.ledger.queries.stats import DriftCount, read_drift
from swrhook.model import State, Target
from swrhook.rules import Rulebook
from swrhook.usecases.manual_syncs import BY_HAND
from tests.ledger.parts import LANE, put
from tests.worker.mends import RECONCILE, SHOP, Mends, digest
from tests.worker.parts import Works, error

HOUR = timedelta(hours=1)


@pytest.fixture
def mends(works: Works) -> Mends:
    return Mends(works)


def copied(mends: Mends, *tags: str, repository: str = "web/shop") -> None:
    """Let the tags be at the source, and have been copied by us."""
    lane = replace(LANE, repository=repository)
    with mends.database.write() as connection:
        schedule_lanes(connection, [lane], mends.works.clock.time)
        clear_wake_times(connection)
    for tag in tags:
        put(mends.database, State.VERIFIED, lane, tag=tag, verified_at=mends.works.clock.time)
        mends.works.swr.put(tag, digest(1), lane)
        mends.works.swr.put_at_target(tag, digest(1), lane)


def reconciles(mends: Mends) -> list[ListedRepair]:
    """Return all, the oldest first."""
    with mends.database.read() as connection:
        return list(reversed(list_repairs(connection, RECONCILE, RepairFilter()).items))


def found(mends: Mends, repair: str) -> list[tuple[str, str, bool]]:
    return [(each.tag, each.drift, each.sync is not None) for each in mends.tags(repair)]


def drift(mends: Mends) -> dict[str, int]:
    known = read_drift(mends.database)
    assert known is not None
    return {each.drift: each.count for each in known}


def test_what_differs_is_found_and_what_may_be_mended_is(mends: Mends) -> None:
    copied(mends, "same", "lost", "moved", "gone")
    swr = mends.works.swr
    del swr.held["cn-east-3", "team", "web/shop", "lost"]
    swr.put_at_target("moved", digest(2))
    del swr.held["cn-north-4", "team", "web/shop", "gone"]

    repair = mends.begin(RECONCILE, None)
    mends.work()
    before = drift(mends)
    mends.sync()

    assert (sorted(found(mends, repair))) == [
        ("gone", "unwanted", False),
        ("lost", "missing", True),
        ("moved", "diverged", False),
    ]
    assert before == {"missing": 1, "diverged": 1, "unwanted": 1}
    assert drift(mends) == {"diverged": 1, "unwanted": 1}
    assert swr.tags_called == [["lost"]]
    assert mends.show(repair, RECONCILE).results == {"verified": 1}


def test_what_no_rule_wants_any_more_is_told_and_left(mends: Mends) -> None:
    copied(mends, "v1")
    mends.works.config = replace(mends.works.config, rules=Rulebook())

    repair = mends.begin(RECONCILE, None)
    mends.work()

    assert [(each.drift, each.reason) for each in mends.tags(repair)] == [
        ("unwanted", "no rule wants it any more")
    ]
    assert [DriftCount("cn-east-3", "team", "unwanted", 1)] == read_drift(mends.database)


def test_what_a_person_ordered_is_no_drift(mends: Mends) -> None:
    copied(mends, "v1")
    elsewhere = replace(LANE, target=Target("ap-southeast-1", "team"))
    put(mends.database, State.VERIFIED, elsewhere, tag="v1", rule=BY_HAND)
    mends.works.swr.put_at_target("v1", digest(1), elsewhere)

    repair = mends.begin(RECONCILE, [SHOP])
    mends.work()

    assert found(mends, repair) == []


def test_a_report_mends_nothing(mends: Mends) -> None:
    copied(mends, "v1")
    mends.works.swr.held.pop(("cn-east-3", "team", "web/shop", "v1"))

    repair = mends.begin(RECONCILE, None, report_only=True)
    mends.work()

    shown = mends.show(repair, RECONCILE)
    assert (
        shown.state,
        shown.plan.missing,
        shown.plan.to_sync,
        shown.results,
    ) == ("done", 1, 0, {})


def test_a_later_reconcile_replaces_what_is_known_of_drift(mends: Mends) -> None:
    copied(mends, "v1")
    mends.works.swr.held.pop(("cn-east-3", "team", "web/shop", "v1"))
    mends.begin(RECONCILE, None, report_only=True)
    mends.work()
    assert drift(mends) == {"missing": 1}

    mends.works.swr.put_at_target("v1", digest(1))
    mends.begin(RECONCILE, [SHOP], report_only=True)
    mends.work()

    assert drift(mends) == {}


def test_a_target_that_cannot_be_read_is_told_and_not_called_for(mends: Mends) -> None:
    copied(mends, "v1")
    mends.works.swr.hidden["cn-east-3"] = error(Kind.CONFIGURATION)

    repair = mends.begin(RECONCILE, None)
    mends.work()

    assert found(mends, repair) == [("v1", "unreadable", False)]


def test_a_pass_makes_no_more_calls_than_it_may_and_the_next_goes_on(mends: Mends) -> None:
    for number in range(5):
        copied(mends, "v1", repository=f"app{number}")

    listed = []
    for _ in range(3):
        mends.begin(RECONCILE, None, max_calls=5)
        mends.work()
        listed.append(len(mends.works.swr.pages))

    assert listed == [5, 10, 12]  # two repositories and one call in vain; again; the last one
    assert [each.state for each in reconciles(mends)] == ["done"] * 3


def test_syncs_that_do_not_fit_into_the_budget_are_left_to_the_next_pass(mends: Mends) -> None:
    mends.let_options_be(batch=1)
    copied(mends, "v1", "v2", "v3")
    for tag in ("v1", "v2", "v3"):
        del mends.works.swr.held["cn-east-3", "team", "web/shop", tag]

    first = mends.begin(RECONCILE, None, max_calls=14)  # 2 to list, 5 for each sync
    mends.work()
    mends.sync()
    second = mends.begin(RECONCILE, None, max_calls=14)
    mends.work()
    mends.sync()

    assert (found(mends, first)) == [
        ("v1", "missing", True),
        ("v2", "missing", True),
        ("v3", "missing", False),
    ]
    assert found(mends, second) == [("v3", "missing", True)]
    assert drift(mends) == {}


def test_a_repository_that_is_too_large_for_the_budget_is_noted(mends: Mends) -> None:
    copied(mends, *(f"v{n}" for n in range(250)))
    copied(mends, "v1", repository="zoo")

    repair = mends.begin(RECONCILE, None, max_calls=2)
    mends.work()

    assert [*mends.show(repair, RECONCILE).notes] == [
        "cn-north-4/team/web/shop: listing it takes more than max_calls (2)"
    ]


def test_by_itself_it_runs_once_in_its_time_whoever_asks(mends: Mends) -> None:
    copied(mends, "v1")
    mends.let_reconcile_be(6 * HOUR)
    one, other = mends.repairer, mends.repairer

    for _ in range(5):
        one.step()
        other.step()
    mends.works.clock.time += 5 * HOUR
    one.step()
    assert len(reconciles(mends)) == 1

    mends.works.clock.time += HOUR
    one.step()
    other.step()

    assert [each.scheduled for each in reconciles(mends)] == [True, True]


def test_nothing_runs_by_itself_unless_it_is_set(mends: Mends) -> None:
    copied(mends, "v1")

    assert not mends.repairer.step()
    assert reconciles(mends) == []
