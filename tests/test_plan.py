"""The plan: which syncs the rules want for the pushes, and why the rest is left out."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from swrhook.model import PlannedSync, Push, Target
from swrhook.plan import plan
from swrhook.rules import Glob, Rule, RuleTarget

PUSH = Push("harbor", "cn-north-4", "team", "web/shop", "v1")
EAST = Target("cn-east-3", "team")


def rule(name: str, *targets: RuleTarget, tag: str = "**") -> Rule:
    return Rule(name, {"tag": [Glob(tag)]}, {}, targets)


to_east = RuleTarget("cn-east-3", "team")
to_singapore = RuleTarget("ap-southeast-1", "{namespace}", override=True)


def test_a_push_goes_to_every_target_of_its_rules() -> None:
    planned, reasons = plan([PUSH], [rule("one", to_east), rule("two", to_singapore)])

    assert [
        PlannedSync(PUSH, EAST, override=False, rule="one"),
        PlannedSync(PUSH, Target("ap-southeast-1", "team"), override=True, rule="two"),
    ] == planned
    assert [] == reasons


def test_of_two_rules_for_a_target_the_first_holds() -> None:
    first, second = rule("first", to_east), rule("second", replace(to_east, override=True))

    assert ([PlannedSync(PUSH, EAST, override=False, rule="first")], []) == plan(
        [PUSH], [first, second]
    )
    assert ([PlannedSync(PUSH, EAST, override=True, rule="second")], []) == plan(
        [PUSH], [second, first]
    )


def test_two_templates_that_come_to_the_same_are_one_target() -> None:
    planned, _ = plan([PUSH], [rule("a", to_east, RuleTarget("cn-east-3", "{namespace}"))])

    assert 1 == len(planned)


def test_a_push_that_no_rule_wants_has_a_reason() -> None:
    unwanted = replace(PUSH, tag="dev")

    planned, reasons = plan([PUSH, unwanted], [rule("one", to_east, tag="v*")])

    assert [PUSH] == [sync.push for sync in planned]
    assert ["team/web/shop:dev: no rule matches"] == reasons


def test_an_image_is_not_copied_to_where_it_is() -> None:
    planned, reasons = plan([PUSH], [rule("home", RuleTarget("cn-north-4", "other"), to_east)])

    assert [EAST] == [sync.target for sync in planned]
    assert ["team/web/shop:v1: rule home: the image is in cn-north-4 already"] == reasons


def test_an_organization_that_swr_cannot_hold_has_a_reason() -> None:
    impossible = RuleTarget("cn-east-3", "{repository}")

    planned, reasons = plan([PUSH], [rule("odd", impossible, to_singapore)])

    assert 1 == len(planned)
    assert ["team/web/shop:v1: rule odd: SWR allows no organization named «web/shop»"] == reasons


def test_without_rules_nothing_goes_anywhere() -> None:
    assert ([], ["team/web/shop:v1: no rule matches"]) == plan([PUSH], [])


pushes = st.lists(
    st.sampled_from(["v1", "v2", "dev"]).map(lambda tag: replace(PUSH, tag=tag)), unique=True
)
targets = st.sampled_from([to_east, to_singapore, replace(to_east, override=True)])
rules = st.lists(
    st.builds(
        lambda tag, wanted: rule(tag, *wanted, tag=tag),
        st.sampled_from(["v*", "dev", "**", "none"]),
        st.lists(targets, min_size=1, max_size=3),
    ),
    max_size=4,
)


@given(pushes, rules)
def test_each_push_goes_to_a_target_once_or_has_a_reason(
    pushes: Sequence[Push], rules: Sequence[Rule]
) -> None:
    planned, reasons = plan(pushes, rules)

    routes = [(sync.push, sync.target) for sync in planned]
    assert len(routes) == len(set(routes))
    left_out = [f"{push.image}: no rule matches" for push in pushes]
    unplanned = set(pushes) - {sync.push for sync in planned}
    assert [r for r in left_out if r in reasons] == reasons
    assert {f"{push.image}: no rule matches" for push in unplanned} == set(reasons)
