"""Whether an image is at a target, for everything that may have been seen."""

import pytest

from swrhook.syncs.availability import Availability, Observation, judge
from tests.factories import A, B

ABSENT, HAS_A, HAS_B = Observation(None), Observation(A), Observation(B)


@pytest.mark.parametrize(
    ("target", "source", "digest", "state"),
    [
        (HAS_A, HAS_A, None, "available"),
        (HAS_A, HAS_B, None, "changed"),
        (HAS_A, None, None, "unknown"),
        (HAS_A, ABSENT, None, "available"),  # nothing to be compared with
        (HAS_A, None, A, "available"),
        (HAS_B, HAS_B, A, "changed"),
        (None, HAS_A, None, "unknown"),
        (None, HAS_A, A, "unknown"),
        (ABSENT, HAS_A, None, "missing"),
        (ABSENT, None, A, "missing"),
        (ABSENT, None, None, "missing"),
    ],
)
def test_the_target_is_compared_with_the_digest_or_the_source(
    target: Observation | None, source: Observation | None, digest: str | None, state: str
) -> None:
    assert judge(target, source, digest, is_on_its_way=False) == state


@pytest.mark.parametrize("digest", [None, A])
def test_what_is_absent_and_on_its_way_is_pending(digest: str | None) -> None:
    assert judge(ABSENT, HAS_A, digest, is_on_its_way=True) is Availability.PENDING


def test_another_digest_is_changed_even_if_a_sync_is_on_its_way() -> None:
    assert judge(HAS_B, HAS_A, None, is_on_its_way=True) is Availability.CHANGED
