"""Plans: the syncs that rules require for pushes, and the reasons for what is left out."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from swrhook.model import PlannedSync, Push, Target
from swrhook.rules.glob import Glob
from swrhook.rules.match import Rule, RuleTarget
from swrhook.rules.plan import PlanChange, PlanDifference, diff_plans
from swrhook.rules.plan import plan as plan_of
from swrhook.rules.rulebook import Rulebook

PUSH = Push("harbor", "cn-north-4", "team", "web/shop", "v1")
EAST = Target("cn-east-3", "team")


def rule(name: str, *targets: RuleTarget, tag: str = "**") -> Rule:
    return Rule(name, {"tag": [Glob(tag)]}, {}, targets)


def plan(pushes: Sequence[Push], rules: Sequence[Rule]) -> tuple[list[PlannedSync], list[str]]:
    planned = plan_of(pushes, Rulebook(rules))
    return list(planned.syncs), list(planned.reasons)


to_east = RuleTarget("cn-east-3", "team")
to_singapore = RuleTarget("ap-southeast-1", "{namespace}", override=True)


def test_a_push_goes_to_every_target_of_its_rules() -> None:
    planned, reasons = plan([PUSH], [rule("one", to_east), rule("two", to_singapore)])

    assert [
        PlannedSync(PUSH, EAST, override=False, rule="one"),
        PlannedSync(PUSH, Target("ap-southeast-1", "team"), override=True, rule="two"),
    ] == planned
    assert reasons == []


def test_the_first_of_two_rules_for_a_target_applies() -> None:
    first, second = rule("first", to_east), rule("second", replace(to_east, override=True))

    assert ([PlannedSync(PUSH, EAST, override=False, rule="first")], []) == plan(
        [PUSH], [first, second]
    )
    assert ([PlannedSync(PUSH, EAST, override=True, rule="second")], []) == plan(
        [PUSH], [second, first]
    )


def test_templates_with_equal_results_are_one_target() -> None:
    planned, _ = plan([PUSH], [rule("a", to_east, RuleTarget("cn-east-3", "{namespace}"))])

    assert len(planned) == 1


def test_a_push_that_no_rule_matches_has_a_reason() -> None:
    unwanted = replace(PUSH, tag="dev")

    planned, reasons = plan([PUSH, unwanted], [rule("one", to_east, tag="v*")])

    assert [sync.push for sync in planned] == [PUSH]
    assert reasons == ["team/web/shop:dev: no rule matches"]


def test_an_image_is_not_copied_to_its_own_region() -> None:
    planned, reasons = plan([PUSH], [rule("home", RuleTarget("cn-north-4", "other"), to_east)])

    assert [sync.target for sync in planned] == [EAST]
    assert reasons == ["team/web/shop:v1: rule home: the image is already in cn-north-4"]


def test_an_invalid_organization_has_a_reason() -> None:
    impossible = RuleTarget("cn-east-3", "{repository}")

    planned, reasons = plan([PUSH], [rule("odd", impossible, to_singapore)])

    assert len(planned) == 1
    assert reasons == ['team/web/shop:v1: rule odd: SWR allows no organization named "web/shop"']


def test_without_rules_nothing_goes_anywhere() -> None:
    assert plan([PUSH], []) == ([], ["team/web/shop:v1: no rule matches"])


pushes = st.lists(
    st.sampled_from(["v1", "v2", "dev"]).map(lambda tag: replace(PUSH, tag=tag)), unique=True
)
targets = st.sampled_from([to_east, to_singapore, replace(to_east, override=True)])
rules = st.lists(
    st.builds(
        lambda tag, targets: rule(tag, *targets, tag=tag),
        st.sampled_from(["v*", "dev", "**", "none"]),
        st.lists(targets, min_size=1, max_size=3),
    ),
    max_size=4,
)


@given(pushes, rules)
def test_a_push_goes_to_each_target_once_or_has_a_reason(
    pushes: Sequence[Push], rules: Sequence[Rule]
) -> None:
    planned, reasons = plan(pushes, rules)

    routes = [(sync.push, sync.target) for sync in planned]
    assert len(routes) == len(set(routes))
    left_out = [f"{push.image}: no rule matches" for push in pushes]
    unplanned = set(pushes) - {sync.push for sync in planned}
    assert [r for r in left_out if r in reasons] == reasons
    assert {f"{push.image}: no rule matches" for push in unplanned} == set(reasons)


SIGNATURE = replace(PUSH, tag=f"sha256-{'ab' * 32}.sig")


def test_attachments_are_skipped_with_a_reason_unless_the_rule_includes_them() -> None:
    wanting = replace(rule("all", to_singapore), skip_attachments=False)

    planned, reasons = plan([SIGNATURE], [rule("images", to_east), wanting])

    assert [sync.rule for sync in planned] == ["all"]
    assert [f"{SIGNATURE.image}: rule images: a signature is skipped (skip_attachments)"] == reasons


def test_a_rule_in_shadow_only_reports_its_syncs_and_leaves_targets_to_others() -> None:
    shadow = replace(rule("new", replace(to_east, override=True), to_singapore), shadow=True)

    planned = plan_of([PUSH], Rulebook([shadow, rule("old", to_east)]))

    assert [PlannedSync(PUSH, EAST, override=False, rule="old")] == list(planned.syncs)
    assert [EAST, Target("ap-southeast-1", "team")] == [sync.target for sync in planned.shadow]
    assert planned.reasons == (
        "team/web/shop:v1: rule new (shadow) would sync to cn-east-3/team, override",
        "team/web/shop:v1: rule new (shadow) would sync to ap-southeast-1/team, override",
    )


def test_a_rule_in_shadow_reports_no_target_of_an_earlier_rule() -> None:
    shadow = replace(rule("new", to_east), shadow=True)

    assert plan_of([PUSH], Rulebook([rule("old", to_east), shadow])).shadow == ()


def test_a_disabled_rule_matches_nothing() -> None:
    disabled = replace(rule("off", to_east), enabled=False)

    assert plan([PUSH], [disabled]) == ([], ["team/web/shop:v1: no rule matches"])


def test_two_plans_differ_by_target_and_override() -> None:
    before, _ = plan([PUSH], [rule("a", to_east, to_singapore)])
    after, _ = plan(
        [PUSH],
        [rule("b", replace(to_east, override=True)), rule("c", RuleTarget("cn-east-3", "new"))],
    )

    singapore, new = Target("ap-southeast-1", "team"), Target("cn-east-3", "new")
    assert [
        PlanDifference(PlanChange.REDIRECTED, PUSH.image, EAST, before=False, after=True, rule="b"),
        PlanDifference(PlanChange.LOST, PUSH.image, singapore, before=True, after=None, rule="a"),
        PlanDifference(PlanChange.GAINED, PUSH.image, new, before=None, after=False, rule="c"),
    ] == diff_plans(before, after)


def test_the_same_sync_by_another_rule_is_no_difference() -> None:
    assert (
        diff_plans(plan([PUSH], [rule("a", to_east)])[0], plan([PUSH], [rule("b", to_east)])[0])
        == []
    )
