"""Tests of the promises that the result of a chaos run is checked against."""

from dataclasses import replace

import pytest

from tests.chaos.load import LonePush
from tests.chaos.result import Result, behind_mass, ended_well

CLEAN = Result(9, 0, 9, 9, (), (), (), (), 0, 0, 1.0)


def test_no_promise_is_broken_if_all_tags_arrived() -> None:
    assert CLEAN.broken_promises(may_fail=False) == []


@pytest.mark.parametrize(
    ("result", "broken"),
    [
        (replace(CLEAN, lost=["job-1"]), "lost: job-1"),
        (replace(CLEAN, stuck=["sync pending"]), "stuck: sync pending"),
        (replace(CLEAN, wrong=["app:v1"]), "wrong digest: app:v1"),
        (replace(CLEAN, accepted_twice=["job-1"]), "accepted twice: job-1"),
        (replace(CLEAN, behind=["alone-1: 90 of 100"]), "behind the mass: alone-1: 90 of 100"),
        (replace(CLEAN, given_up=2), "never acknowledged: 2 events"),
        (replace(CLEAN, failed=1), "not acknowledged at the first try: 1"),
        (replace(CLEAN, calls_per_push=9.0), "9.0 calls for each push"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_promise_is_reported(result: Result, broken: str) -> None:
    assert result.broken_promises(may_fail=False) == [broken]


def test_a_failed_try_breaks_no_promise_where_tries_may_fail() -> None:
    assert replace(CLEAN, failed=1).broken_promises(may_fail=True) == []


@pytest.mark.parametrize(
    ("state", "good"),
    [("verified", True), ("superseded", False), ("pending", False), ("exhausted", False)],
    ids=["verified", "superseded by an unknown sync", "open", "ended otherwise"],
)
def test_a_superseded_sync_ended_well_if_the_later_one_did(state: str, *, good: bool) -> None:
    syncs = {
        "first": {"state": "superseded", "superseded_by": "second"},
        "second": {"state": state, "superseded_by": "gone"},
    }

    assert ended_well("first", syncs) == good
    assert not ended_well("gone", syncs)


def test_a_lone_push_may_wait_for_a_tenth_of_the_mass_but_not_for_more() -> None:
    mass = [f"mass-{number}" for number in range(1000)]
    push = LonePush("alone-0", calls_before=200)

    in_time = behind_mass([*mass[:280], "alone-0", *mass[280:]], mass, [push])
    late = behind_mass([*mass[:281], "alone-0", *mass[281:]], mass, [push])

    assert in_time == []
    assert late == ["alone-0: 81 of 800 waiting lanes went first"]
    assert behind_mass(mass, mass, [push]) != []
