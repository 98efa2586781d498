"""Discovery: what the rules can reach is listed, within a budget, and in spite of refusals."""

from dataclasses import replace
from datetime import timedelta

from swrhook.errors import Kind
from swrhook.ledger.discovery import count_repositories, list_organizations, sample_tags
from swrhook.swr.protocol import PAGE_SIZE
from swrhook.syncs.scope import Scope
from tests.factories import LANE
from tests.worker.harness import error
from tests.worker.repairs import BACKFILL, RECONCILE, RepairSetup, digest


def seed(repairs: RepairSetup, *repositories: str, namespace: str = "team") -> None:
    for repository in repositories:
        lane = replace(LANE, namespace=namespace, repository=repository)
        repairs.harness.swr.put("v1", digest(1), lane)


def compared(repairs: RepairSetup) -> list[str]:
    """Return the repositories whose rules of SWR were read: in the order of their comparison."""
    return [place.rpartition("/")[2] for place in repairs.harness.swr.rule_lists]


def known(repairs: RepairSetup) -> dict[str, str | None]:
    """Return the organizations, and why they could not be listed."""
    with repairs.database.read() as connection:
        return {row.namespace: row.problem for row in list_organizations(connection)}


def test_repositories_that_no_event_named_are_found_page_by_page_and_a_round_is_spread(
    repairs: RepairSetup,
) -> None:
    many = PAGE_SIZE + 2
    seed(repairs, *(f"app{number:03}" for number in range(many)))
    seed(repairs, "elsewhere", namespace="other")
    repairs.schedule_reconcile(timedelta(hours=1))
    swr = repairs.harness.swr

    while "cn-north-4/team/" not in swr.questions:
        repairs.worker.step()  # each time by a new process
    swr.refused["cn-north-4/team"] = error(Kind.TRANSIENT)
    repairs.worker.step()
    del swr.refused["cn-north-4/team"]
    repairs.harness.clock.advance(minutes=1)
    repairs.work(400)
    (first,) = repairs.reconciles()
    repairs.harness.clock.advance(hours=1)
    repairs.work(20)  # nothing has changed: after the first repository, the others wait
    second, _ = repairs.reconciles()

    assert swr.questions.count("cn-north-4/team/") == 2 + 1 + 2  # one of two pages again, and again
    assert (first.state, first.done, first.total, first.plan.missing) == ("done", many, many, many)
    # Two pages of repositories, two of tags for each, and few questions for rules of SWR's own.
    assert first.calls <= 1.2 * (2 + 2 * many)
    assert (second.done, second.total, second.eta is not None) == (1, many, True)
    with repairs.database.read() as connection:
        assert count_repositories(connection) == many
        assert len(sample_tags(connection, 10)) == 10


def test_what_changed_comes_first_and_then_what_waits_longest(repairs: RepairSetup) -> None:
    seed(repairs, "a", "b", "c")
    repairs.begin(RECONCILE, None)
    repairs.work()
    repairs.harness.swr.rule_lists.clear()
    repairs.harness.clock.advance(hours=1)
    repairs.harness.swr.updated["c"] = repairs.harness.clock.time

    repairs.begin(RECONCILE, None)
    repairs.work()

    assert compared(repairs) == ["c", "a", "b"]


def test_a_repository_that_is_gone_is_forgotten(repairs: RepairSetup) -> None:
    seed(repairs, "a", "b")
    repairs.begin(RECONCILE, None)
    repairs.work()
    repairs.harness.clock.advance(hours=1)
    del repairs.harness.swr.held["cn-north-4", "team", "b", "v1"]

    repairs.begin(RECONCILE, None, report_only=True)
    repairs.work()

    with repairs.database.read() as connection:
        # Its syncs still name it: what they copied is compared, too.
        assert count_repositories(connection) == 2
    assert len(repairs.harness.swr.rule_lists) == 4


def test_an_organization_that_is_refused_is_named_and_the_others_are_listed(
    repairs: RepairSetup,
) -> None:
    repairs.use_rules("namespace: [team, closed]")
    seed(repairs, "a")
    seed(repairs, "b", namespace="closed")
    repairs.harness.swr.refused["cn-north-4/closed"] = error(Kind.CONFIGURATION)

    repair = repairs.begin(RECONCILE, None)
    repairs.work()

    problem = "its repositories cannot be listed; what SWR said (A.configuration)"
    right = "give the IAM user the right swr:repo:listRepos for this organization"
    assert known(repairs) == {"closed": f"{problem}; {right}", "team": None}
    notes = repairs.show(repair, RECONCILE).notes
    assert notes == [f"cn-north-4/closed: {problem}; {right}"]
    assert compared(repairs) == ["a"]


def test_discovery_leaves_calls_for_comparing_and_goes_on_in_the_next_round(
    repairs: RepairSetup,
) -> None:
    names = [f"team-{letter}" for letter in "abcd"]
    repairs.use_rules("namespace: [team-a, team-b, team-c, team-d]")
    for name in names:
        seed(repairs, "a", namespace=name)

    listed = []
    for _ in range(2):
        repairs.begin(RECONCILE, None, max_calls=8)
        repairs.work()
        repairs.harness.clock.advance(hours=1)
        listed.append(sorted(repairs.harness.swr.questions))
        repairs.harness.swr.questions.clear()

    assert listed == [
        ["cn-north-4/team-a/", "cn-north-4/team-b/"],
        ["cn-north-4/team-c/", "cn-north-4/team-d/"],
    ]


def test_without_the_names_of_organizations_those_of_the_region_are_listed(
    repairs: RepairSetup,
) -> None:
    repairs.use_rules("namespace: 'team-*'")
    seed(repairs, "a", namespace="team-a")
    seed(repairs, "b", namespace="other")
    repairs.begin(RECONCILE, None)
    repairs.work()
    first = known(repairs)

    repairs.harness.swr.refused["cn-north-4/"] = error(Kind.CONFIGURATION)
    repairs.harness.clock.advance(hours=1)
    repair = repairs.begin(RECONCILE, None)
    repairs.work()

    assert first == {"": None, "team-a": None}
    (note,) = repairs.show(repair, RECONCILE).notes
    assert note.startswith("cn-north-4: the organizations cannot be listed; what SWR said")
    assert note.endswith("give the IAM user the right swr:namespace:listNamespaces in this region")
    assert known(repairs)["team-a"] is None  # it was known, and its repositories are listed
    assert compared(repairs) == ["a", "a"]


def test_a_backfill_of_organizations_compares_only_them(repairs: RepairSetup) -> None:
    repairs.use_rules("namespace: '**'")
    for name in ("team-a", "team-b", "other"):
        seed(repairs, "web/shop", namespace=name)

    repair = repairs.begin(
        BACKFILL, [], scope=Scope(namespaces=["team-*"]), needs_confirmation=True
    )
    repairs.work()

    shown = repairs.show(repair)
    assert (shown.state, shown.done, shown.total, shown.plan.to_sync) == ("planned", 2, 2, 2)
    assert {tag.namespace for tag in repairs.tags(repair)} == {"team-a", "team-b"}
