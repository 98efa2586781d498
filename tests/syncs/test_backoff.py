"""Backoff: waits, jitter and the default limits."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.syncs.backoff import Backoff, Limits, Retry, Verify

SECOND = timedelta(seconds=1)
BACKOFF = Backoff(SECOND, 60 * SECOND)

spans = st.timedeltas(timedelta(milliseconds=1), timedelta(days=36500))


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [(-1, 1), (0, 1), (1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (10**9, 60)],
)
def test_the_wait_doubles_up_to_the_cap(attempt: int, seconds: int) -> None:
    assert seconds * SECOND == BACKOFF.ceiling(attempt)


@given(spans, spans, st.integers(1, 10**12))
def test_the_wait_never_exceeds_the_cap_and_never_decreases(
    base: timedelta, cap: timedelta, attempt: int
) -> None:
    backoff = Backoff(min(base, cap), max(base, cap))

    assert backoff.base <= backoff.ceiling(attempt) <= backoff.ceiling(attempt + 1) <= backoff.cap


@given(spans, st.integers(1, 100), st.integers())
def test_jitter_stays_within_the_ceiling(base: timedelta, attempt: int, seed: int) -> None:
    backoff = Backoff(base, 10 * base)

    wait = backoff.jittered(attempt, Random(seed))

    assert timedelta() <= wait <= backoff.ceiling(attempt)


def test_jitter_spreads_the_waits() -> None:
    chance = Random(1)

    waits = {BACKOFF.jittered(7, chance) for _ in range(100)}

    assert len(waits) == 100
    assert min(waits) < 10 * SECOND
    assert max(waits) > 50 * SECOND


@given(st.floats(0, 3600), st.integers(1, 100), st.integers())
def test_jitter_is_added_to_a_servers_retry_after(
    retry_after: float, attempt: int, seed: int
) -> None:
    wait = BACKOFF.jittered(attempt, Random(seed), at_least=retry_after)

    least = timedelta(seconds=retry_after)
    assert least <= wait <= least + BACKOFF.ceiling(attempt)


def test_the_defaults_are_the_documented_ones() -> None:
    assert Limits() == Limits(
        retry=Retry(Backoff(SECOND, timedelta(minutes=10)), timedelta(hours=24)),
        verify=Verify(
            Backoff(SECOND, timedelta(minutes=1)), timedelta(minutes=30), timedelta(hours=24), 3
        ),
        source_deadline=timedelta(minutes=30),
    )
