"""Runs of a lane on a real ledger: what is called, and what becomes of the syncs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.config.model import Notify, Pace
from swrhook.errors import Kind
from swrhook.ledger.notices import has_notices, take_notices
from swrhook.ledger.tables import observations
from swrhook.model import State, Sync
from swrhook.notifications.model import Topic
from swrhook.syncs.backoff import Verify
from swrhook.syncs.decisions import HOLD_INTERVAL
from tests.factories import LANE, NOW, SECOND, A, B, C, everything, find
from tests.worker.harness import REGIONS, WorkerHarness, config, error
from tests.worker.runs import Killed, killed, row

# The usual case


def test_a_pushed_tag_is_called_for_and_verified(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    [sync] = harness.push("v1", digest=A)

    due_at = harness.run()

    assert harness.state(sync) is State.TRIGGERED
    assert due_at == NOW + SECOND
    harness.run_until_quiet()
    assert (
        harness.state(sync),
        find(harness.database, sync.id).attempts,
        find(harness.database, sync.id).called_digest,
    ) == (State.VERIFIED, 1, A)
    assert harness.swr.calls == [(LANE, ["v1"])]
    assert [state for _, state, _ in harness.outcomes.synced] == [State.TRIGGERED, State.VERIFIED]


def test_a_single_tag_is_called_for_at_once(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.push("v1", digest=A)

    harness.run()

    assert harness.swr.tags_called == [["v1"]]
    assert harness.clock.time == NOW


def test_a_tag_that_the_target_holds_already_is_verified_without_a_call(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)
    harness.swr.put_at_target("v1", A)
    [sync] = harness.push("v1", digest=A)

    assert harness.run() is None
    assert harness.state(sync) is State.VERIFIED
    assert harness.swr.calls == []


def test_the_digest_at_the_source_counts_not_the_announced_one(harness: WorkerHarness) -> None:
    harness.swr.put("v1", B)
    [sync] = harness.push("v1", digest=A)

    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED
    assert find(harness.database, sync.id).called_digest == B


def test_a_sync_waits_for_a_tag_that_is_not_at_the_source_yet(harness: WorkerHarness) -> None:
    [sync] = harness.push("v1", digest=A)
    assert harness.run() == NOW + SECOND
    assert (harness.state(sync), find(harness.database, sync.id).attempts) == (State.PENDING, 0)

    harness.clock.advance(5)
    harness.swr.put("v1", A)
    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED
    assert find(harness.database, sync.id).attempts == 1


def test_a_tag_that_never_appears_at_the_source_is_missing(harness: WorkerHarness) -> None:
    [sync] = harness.push("v1", digest=A)

    harness.run_until_quiet()

    assert harness.state(sync) is State.MISSING
    assert row(harness, sync)["reason"] == "never appeared in the source region"
    assert harness.swr.calls == []
    took = harness.clock.time - NOW
    assert timedelta(minutes=30) <= took <= timedelta(minutes=31)


def test_a_lane_without_due_syncs_sends_no_request(harness: WorkerHarness) -> None:
    assert harness.run() is None
    assert harness.swr.looks == []


# Many tags


def test_many_tags_are_read_with_one_list_and_copied_with_one_call(harness: WorkerHarness) -> None:
    tags = [f"v{n}" for n in range(50)]
    for tag in tags:
        harness.swr.put(tag, A)
    pushed = harness.push(*tags, digest=A)

    harness.run()

    assert harness.swr.tags_called == [sorted(tags)]
    assert [region for region, _ in harness.swr.lists] == ["cn-north-4", "cn-east-3"]
    harness.run_until_quiet()
    assert harness.states(pushed) == [State.VERIFIED] * 50


def test_a_call_carries_no_more_than_a_batch(harness: WorkerHarness) -> None:
    harness.config = config(batch=10)
    tags = [f"v{n}" for n in range(25)]
    for tag in tags:
        harness.swr.put(tag, A)
    pushed = harness.push(*tags, digest=A)

    harness.run_until_quiet()

    assert [len(called) for called in harness.swr.tags_called] == [10, 10, 5]
    assert sorted(tag for called in harness.swr.tags_called for tag in called) == sorted(tags)
    assert harness.states(pushed) == [State.VERIFIED] * 25


def test_tags_pushed_during_a_call_share_the_next_call(harness: WorkerHarness) -> None:
    later: list[Sync] = []
    for tag in ("v1", "v2", "v3", "v4"):
        harness.swr.put(tag, A)
    harness.swr.answers = [lambda: later.extend(harness.push("v2", "v3") + harness.push("v4"))]
    first = harness.push("v1")

    due_at = harness.run()
    assert due_at == NOW  # at once
    harness.run()

    assert harness.swr.tags_called == [["v1"], ["v2", "v3", "v4"]]
    harness.run_until_quiet()
    assert harness.states([*first, *later]) == [State.VERIFIED] * 4


def test_only_the_tags_that_failed_are_called_for_again(harness: WorkerHarness) -> None:
    for tag in ("v1", "v2", "v3"):
        harness.swr.put(tag, A)
    harness.swr.answers = [error(Kind.PERMANENT, "v2")]
    pushed = harness.push("v1", "v2", "v3")

    harness.run()

    assert harness.states(pushed) == [State.TRIGGERED, State.PENDING, State.TRIGGERED]
    assert row(harness, pushed[1])["error_code"] == "A.permanent"
    for tag in ("v1", "v3"):
        harness.swr.copy(LANE, tag)
    harness.run_until_quiet()
    assert harness.states(pushed) == [State.VERIFIED] * 3
    assert harness.swr.tags_called == [["v1", "v2", "v3"], ["v2"]]


def test_a_tag_that_fails_its_whole_call_is_found_by_single_calls(harness: WorkerHarness) -> None:
    for tag in ("v1", "v2", "v3"):
        harness.swr.put(tag, A)
    broken = error(Kind.PERMANENT)
    harness.swr.answers = [broken, None, broken, None]
    pushed = harness.push("v1", "v2", "v3")

    harness.run_until_quiet()

    assert [len(called) for called in harness.swr.tags_called] == [3, 1, 1, 1]
    spoilt = harness.swr.tags_called[2][0]
    expected = [State.REJECTED if s.tag == spoilt else State.VERIFIED for s in pushed]
    assert harness.states(pushed) == expected


def test_a_missing_tag_does_not_delay_the_others(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.put("v3", A)
    pushed = harness.push("v1", "v2", "v3")

    harness.run()

    assert harness.swr.tags_called == [["v1", "v3"]]
    assert harness.states(pushed) == [State.TRIGGERED, State.PENDING, State.TRIGGERED]


# Configuration and rate limit


def test_syncs_of_a_region_removed_from_the_configuration_are_held_with_the_reason(
    harness: WorkerHarness,
) -> None:
    for tag in ("v1", "v2", "v3"):
        harness.swr.put(tag, A)
    [triggered] = harness.push("v1")
    harness.run()
    harness.swr.answers = [killed]
    [calling] = harness.push("v2")
    with pytest.raises(Killed):
        harness.run()
    [pending] = harness.push("v3")
    syncs_held = [triggered, calling, pending]
    harness.config = config("cn-north-4", "ap-southeast-1")
    harness.clock.advance(10)

    assert harness.run() == harness.clock.time + HOLD_INTERVAL

    assert harness.states(syncs_held) == [State.TRIGGERED, State.PENDING, State.PENDING]
    assert [row(harness, sync)["reason"] for sync in syncs_held] == [
        "region cn-east-3 is not in the configuration"
    ] * 3
    harness.config = config(*REGIONS)
    harness.run_until_quiet()
    assert harness.states(syncs_held) == [State.VERIFIED] * 3


def test_a_sync_left_in_calling_is_held_too(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.answers = [killed]
    [sync] = harness.push("v1")
    with pytest.raises(Killed):
        harness.run()
    harness.config = config("cn-north-4")

    assert harness.run() == NOW + HOLD_INTERVAL  # not None, which means never
    assert row(harness, sync)["reason"] == "region cn-east-3 is not in the configuration"


def test_requests_keep_to_the_rate_limit(harness: WorkerHarness) -> None:
    harness.config = config(batch=1, pace=Pace(per_second=10))
    tags = [f"v{n}" for n in range(30)]
    for tag in tags:
        harness.swr.put(tag, A)
    syncs = harness.push(*tags)

    harness.run_until_quiet()

    assert harness.states(syncs) == [State.VERIFIED] * len(tags)
    source = [region for region, _ in harness.swr.looks + harness.swr.lists].count(REGIONS[0])
    # The first second's worth at once; after that, a read waits for its turn within its run.
    at_least = (source + len(harness.swr.calls)) / 10 - 2
    assert harness.clock.time - NOW >= at_least * SECOND


def test_calls_go_on_after_the_clock_was_set_back(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.put("v2", A)
    harness.config = config(batch=1, verify=Verify(deadline=timedelta(minutes=5)))
    harness.push("v1")
    harness.run()
    harness.clock.advance(-7200)
    [sync] = harness.push("v2")

    harness.run()

    assert harness.state(sync) is State.TRIGGERED


def test_an_ended_sync_is_reported_with_its_error(harness: WorkerHarness) -> None:
    harness.swr.put("v1", C)
    harness.swr.answers = [error(Kind.CONFIGURATION)]
    harness.push("v1")

    harness.run()

    [(sync, state, decision)] = harness.outcomes.synced
    assert (sync.tag, state) == ("v1", State.REJECTED)
    assert decision.error is not None
    assert decision.error.code == "A.configuration"


# What is kept of what was read


def observed(harness: WorkerHarness, region: str) -> tuple[object, ...] | None:
    """Return digest, time, first time, sync and source of what is kept of a region's v1."""
    names = ("digest", "observed_at", "since", "sync", "source_region", "source_namespace")
    kept = {
        (seen["region"], seen["tag"]): seen for seen in everything(harness.database, observations)
    }
    seen = kept.get((region, "v1"))
    return None if seen is None else tuple(seen[name] for name in names)


def test_what_a_run_reads_is_kept_as_of_its_beginning(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    [sync] = harness.push("v1", digest=A)
    harness.run()
    before = observed(harness, "cn-east-3")
    harness.clock.advance(1)
    harness.swr.before_look = lambda _region: harness.clock.advance(5)

    harness.run()

    source = ("cn-north-4", "team")
    assert before == (None, NOW, NOW, None, *source)
    later = NOW + SECOND
    assert observed(harness, "cn-north-4") == (A, later, NOW, None, None, None)
    assert observed(harness, "cn-east-3") == (A, later, later, sync.id, *source)


def test_a_region_that_cannot_be_read_was_not_observed(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.hidden["cn-east-3"] = error()
    harness.push("v1", digest=A)

    harness.run()

    assert observed(harness, "cn-east-3") is None
    assert observed(harness, "cn-north-4") is not None


def test_a_tag_that_is_not_in_a_list_was_not_observed(harness: WorkerHarness) -> None:
    """Others may have been deleted between two pages of the list."""
    tags = ["v1", "v2", "v3"]
    for tag in tags:
        harness.swr.put(tag, A)
    harness.push(*tags, digest=A)

    harness.run()

    assert observed(harness, "cn-east-3") is None
    assert observed(harness, "cn-north-4") == (A, NOW, NOW, None, None, None)


def test_an_end_that_somebody_is_told_is_recorded_with_it(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.answers = [error(Kind.PERMANENT)]
    told = Notify(told_states=frozenset({State.REJECTED}))
    harness.config = replace(harness.config, notify=told)
    [failed] = harness.push("v1")
    harness.run()
    harness.swr.put("v2", B)
    harness.push("v2")
    harness.run_until_quiet()

    with harness.database.write() as connection:
        [notice] = take_notices(connection, 10).notices
    assert (harness.state(failed), notice.topic) == (State.REJECTED, Topic.FAILED)


def test_nothing_is_recorded_if_nobody_is_told(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.push("v1")
    harness.run_until_quiet()

    with harness.database.read() as connection:
        assert not has_notices(connection)
