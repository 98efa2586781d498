"""What SWR says about organizations and regions is remembered for a while."""

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.model import State
from swrhook.swr.error_codes import IMPOSSIBLE_REGION
from swrhook.worker.call_error import MAX_ATTEMPTS
from swrhook.worker.target_cache import MISSING_TTL
from tests.factories import TARGET, A
from tests.worker.harness import WorkerHarness
from tests.worker.runs import row

# The target cache


def test_many_tags_into_a_missing_organization_take_one_request(harness: WorkerHarness) -> None:
    tags = [f"v{n}" for n in range(1000)]
    for tag in tags:
        harness.swr.put(tag, A)
    harness.swr.foreign = {TARGET.region}
    pushed = harness.push(*tags)

    harness.run_until_quiet()

    assert set(harness.states(pushed)) == {State.REJECTED}
    assert harness.swr.questions == ["cn-east-3/team"]


def test_an_organization_that_was_created_is_noticed_soon(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.foreign = {TARGET.region}
    harness.push("v1")
    harness.run()
    harness.swr.foreign = set()
    harness.clock.advance(MISSING_TTL.total_seconds())
    [sync] = harness.push("v1")

    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED


def test_a_call_is_made_if_nobody_says_whether_the_organization_exists(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)
    harness.swr.secretive = {TARGET.region}
    [sync] = harness.push("v1")

    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED


def test_a_region_that_swr_does_not_list_is_rejected(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.put("v2", A)
    harness.swr.listed_regions = frozenset({"cn-north-4"})
    harness.swr.answers = [SwrError(Kind.TRANSIENT, IMPOSSIBLE_REGION, "Internal error")]
    [first] = harness.push("v1")
    harness.run()
    [second] = harness.push("v2")
    harness.run()

    assert harness.states([first, second]) == [State.REJECTED] * 2
    assert len(harness.swr.calls) == 1  # the second one uses the cache
    assert "correct the rule's target region cn-east-3" in str(row(harness, first)["error_remedy"])


@pytest.mark.parametrize("listed", [None, frozenset({"cn-east-3"})], ids=["unlisted", "listed"])
def test_an_internal_error_is_retried(
    harness: WorkerHarness, listed: frozenset[str] | None
) -> None:
    harness.swr.put("v1", A)
    harness.swr.listed_regions = listed
    harness.swr.answers = [SwrError(Kind.TRANSIENT, IMPOSSIBLE_REGION, "Internal error")] * 30
    [sync] = harness.push("v1")

    harness.run_until_quiet()

    expected = (State.REJECTED, MAX_ATTEMPTS) if listed is None else (State.VERIFIED, 31)
    assert (harness.state(sync), len(harness.swr.calls)) == expected
