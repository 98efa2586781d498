"""What the reckoning after a storm would find."""

from dataclasses import replace

import pytest

from tests.chaos.reckoning import Reckoning, ended_well

CLEAN = Reckoning(9, 0, 9, 9, (), (), (), (), 0, 0, 1.0)


def test_nothing_is_broken_when_all_has_arrived() -> None:
    assert CLEAN.broken(may_fail=False) == []


@pytest.mark.parametrize(
    ("reckoning", "broken"),
    [
        (replace(CLEAN, lost=["job-1"]), "lost: job-1"),
        (replace(CLEAN, stuck=["sync pending"]), "stuck: sync pending"),
        (replace(CLEAN, wrong=["app:v1"]), "wrong digest: app:v1"),
        (replace(CLEAN, twice=["job-1"]), "accepted twice: job-1"),
        (replace(CLEAN, given_up=2), "never acknowledged: 2 events"),
        (replace(CLEAN, failed=1), "not acknowledged at the first try: 1"),
        (replace(CLEAN, calls_per_push=9.0), "9.0 calls for each push"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_promised_and_not_kept_is_told(reckoning: Reckoning, broken: str) -> None:
    assert [broken] == reckoning.broken(may_fail=False)


def test_a_try_that_fails_breaks_nothing_where_it_may() -> None:
    assert replace(CLEAN, failed=1).broken(may_fail=True) == []


@pytest.mark.parametrize(
    ("state", "good"),
    [("verified", True), ("superseded", False), ("pending", False), ("exhausted", False)],
    ids=["verified", "superseded by what is gone", "open", "ended otherwise"],
)
def test_a_superseded_sync_is_as_good_as_the_one_that_went_on(state: str, *, good: bool) -> None:
    syncs = {
        "first": {"state": "superseded", "superseded_by": "second"},
        "second": {"state": state, "superseded_by": "gone"},
    }

    assert good == ended_well("first", syncs)
    assert not ended_well("gone", syncs)
