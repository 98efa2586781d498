from collections.abc import Sequence

import pytest

from swrhook.model import PlannedSync, Push, Target
from swrhook.syncs.auto_sync import AutoSync, Overlap, OverlapKind, find_overlaps

TEAM, OTHER = Target("cn-east-3", "team"), Target("cn-east-3", "other")
ABROAD = Target("ap-southeast-1", "team")


def planned(target: Target, rule: str, *, override: bool = False, tag: str = "v1") -> PlannedSync:
    return PlannedSync(Push("ci", "cn-north-4", "team", "web", tag), target, override, rule)


@pytest.mark.parametrize(
    ("auto_sync", "ours", "kind", "rule"),
    [
        (AutoSync(TEAM, override=False), [planned(TEAM, "a")], OverlapKind.DUPLICATE, "a"),
        (AutoSync(TEAM, override=True), [planned(TEAM, "a")], OverlapKind.OVERRIDE, "a"),
        (
            AutoSync(TEAM, override=False),
            [planned(TEAM, "a", override=True)],
            OverlapKind.OVERRIDE,
            "a",
        ),
        (AutoSync(OTHER, override=False), [planned(TEAM, "a")], OverlapKind.ORGANIZATION, "a"),
        # One of several rules for the target contradicts.
        (
            AutoSync(TEAM, override=True),
            [planned(TEAM, "a", override=True), planned(TEAM, "b", tag="v2")],
            OverlapKind.OVERRIDE,
            "b",
        ),
        # A rule for the same target counts, not that for another organization of the region.
        (
            AutoSync(TEAM, override=False),
            [planned(OTHER, "a"), planned(TEAM, "b")],
            OverlapKind.DUPLICATE,
            "b",
        ),
    ],
)
def test_a_rule_of_swr_for_a_region_of_ours_overlaps(
    auto_sync: AutoSync, ours: Sequence[PlannedSync], kind: OverlapKind, rule: str
) -> None:
    assert find_overlaps([auto_sync], ours) == [Overlap(auto_sync, kind, rule)]


def test_a_rule_of_swr_for_another_region_does_not_overlap() -> None:
    assert find_overlaps([AutoSync(ABROAD, override=True)], [planned(TEAM, "a")]) == []


@pytest.mark.parametrize(
    ("kind", "override", "expected"),
    [
        (OverlapKind.DUPLICATE, False, "to cn-east-3/team, and so does the rule a"),
        (OverlapKind.OVERRIDE, True, "overriding, but the rule a does not override"),
        (OverlapKind.OVERRIDE, False, "without overriding, but the rule a overrides"),
        (OverlapKind.ORGANIZATION, False, "but the rule a to another organization of the region"),
    ],
)
def test_an_overlap_says_what_both_rules_do(
    kind: OverlapKind, *, override: bool, expected: str
) -> None:
    overlap = Overlap(AutoSync(TEAM, override=override), kind, "a")

    assert str(overlap).endswith(expected)
    assert overlap.is_contradiction is (kind is not OverlapKind.DUPLICATE)
