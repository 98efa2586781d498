"""One run of a lane after another, on a real ledger: what is called, and what becomes of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.ledger.syncs import apply_decision
from swrhook.ledger.tables import calls, syncs
from swrhook.model import State, Sync
from swrhook.swr.protocol import SyncJob
from swrhook.syncs.backoff import Backoff, Retry, Verify
from swrhook.syncs.decisions import HOLD_INTERVAL, Decision
from swrhook.syncs.states import Event
from tests.ledger.parts import LANE, MINUTE, NOW, SECOND, TARGET, A, B, C, everything, find
from tests.worker.parts import REGIONS, Works, config, error

OVERRIDE = replace(LANE, override=True)


class Killed(Exception):
    """The process ends here."""


def killed() -> None:
    raise Killed


def row(works: Works, sync: Sync) -> dict[str, object]:
    return next(row for row in everything(works.database, syncs) if row["id"] == sync.id)


def job(works: Works, status: str, tag: str = "v1") -> SyncJob:
    return SyncJob(tag, status, TARGET, works.clock.time)


# The straight way


def test_a_pushed_tag_is_called_for_and_verified(works: Works) -> None:
    works.swr.put("v1", A)
    [sync] = works.push("v1", digest=A)

    again = works.run()

    assert State.TRIGGERED is works.state(sync)
    assert again == NOW + SECOND
    works.run_until_quiet()
    assert (
        works.state(sync),
        find(works.database, sync.id).attempts,
        find(works.database, sync.id).called_digest,
    ) == (State.VERIFIED, 1, A)
    assert works.swr.calls == [(LANE, ["v1"])]
    assert [state for _, state, _ in works.outcomes.synced] == [State.TRIGGERED, State.VERIFIED]


def test_a_lone_tag_does_not_wait(works: Works) -> None:
    works.swr.put("v1", A)
    works.push("v1", digest=A)

    works.run()

    assert works.swr.tags_called == [["v1"]]
    assert works.clock.time == NOW


def test_what_the_target_holds_already_is_verified_without_a_call(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.put_at_target("v1", A)
    [sync] = works.push("v1", digest=A)

    assert works.run() is None
    assert State.VERIFIED is works.state(sync)
    assert works.swr.calls == []


def test_the_sources_digest_is_wanted_whatever_was_announced(works: Works) -> None:
    works.swr.put("v1", B)
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert State.VERIFIED is works.state(sync)
    assert find(works.database, sync.id).called_digest == B


def test_a_tag_ahead_of_its_image_waits_for_it(works: Works) -> None:
    [sync] = works.push("v1", digest=A)
    assert works.run() == NOW + SECOND
    assert (works.state(sync), find(works.database, sync.id).attempts) == (State.PENDING, 0)

    works.clock.advance(5)
    works.swr.put("v1", A)
    works.run_until_quiet()

    assert State.VERIFIED is works.state(sync)
    assert find(works.database, sync.id).attempts == 1


def test_a_tag_that_never_comes_is_missing(works: Works) -> None:
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert State.MISSING is works.state(sync)
    assert row(works, sync)["reason"] == "never appeared in the source region"
    assert works.swr.calls == []
    took = works.clock.time - NOW
    assert timedelta(minutes=30) <= took <= timedelta(minutes=31)


def test_a_lane_without_work_rests(works: Works) -> None:
    assert works.run() is None
    assert works.swr.looks == []


# Many tags


def test_many_tags_are_looked_at_with_one_list_and_called_for_with_one_call(works: Works) -> None:
    tags = [f"v{n}" for n in range(50)]
    for tag in tags:
        works.swr.put(tag, A)
    pushed = works.push(*tags, digest=A)

    works.run()

    assert [sorted(tags)] == works.swr.tags_called
    assert [region for region, _ in works.swr.lists] == ["cn-north-4", "cn-east-3"]
    works.run_until_quiet()
    assert works.states(pushed) == [State.VERIFIED] * 50


def test_a_call_carries_no_more_than_a_batch(works: Works) -> None:
    works.config = config(batch=10)
    tags = [f"v{n}" for n in range(25)]
    for tag in tags:
        works.swr.put(tag, A)
    pushed = works.push(*tags, digest=A)

    works.run_until_quiet()

    assert [len(called) for called in works.swr.tags_called] == [10, 10, 5]
    assert sorted(tags) == sorted(tag for called in works.swr.tags_called for tag in called)
    assert works.states(pushed) == [State.VERIFIED] * 25


def test_what_is_pushed_during_a_call_goes_together_with_the_next(works: Works) -> None:
    later: list[Sync] = []
    for tag in ("v1", "v2", "v3", "v4"):
        works.swr.put(tag, A)
    works.swr.answers = [lambda: later.extend(works.push("v2", "v3") + works.push("v4"))]
    first = works.push("v1")

    again = works.run()
    assert again == NOW  # at once
    works.run()

    assert works.swr.tags_called == [["v1"], ["v2", "v3", "v4"]]
    works.run_until_quiet()
    assert works.states([*first, *later]) == [State.VERIFIED] * 4


def test_failed_tags_are_accounted_for_singly(works: Works) -> None:
    for tag in ("v1", "v2", "v3"):
        works.swr.put(tag, A)
    works.swr.answers = [error(Kind.PERMANENT, "v2")]
    pushed = works.push("v1", "v2", "v3")

    works.run()

    assert works.states(pushed) == [State.TRIGGERED, State.PENDING, State.TRIGGERED]
    assert row(works, pushed[1])["error_code"] == "A.permanent"
    for tag in ("v1", "v3"):
        works.swr.copy(LANE, tag)
    works.run_until_quiet()
    assert works.states(pushed) == [State.VERIFIED] * 3
    assert works.swr.tags_called == [["v1", "v2", "v3"], ["v2"]]


def test_a_tag_that_spoils_its_call_is_found(works: Works) -> None:
    for tag in ("v1", "v2", "v3"):
        works.swr.put(tag, A)
    broken = error(Kind.PERMANENT)
    works.swr.answers = [broken, None, broken, None]
    pushed = works.push("v1", "v2", "v3")

    works.run_until_quiet()

    assert [len(called) for called in works.swr.tags_called] == [3, 1, 1, 1]
    spoilt = works.swr.tags_called[2][0]
    expected = [State.REJECTED if s.tag == spoilt else State.VERIFIED for s in pushed]
    assert expected == works.states(pushed)


def test_a_tag_that_is_not_there_does_not_hold_up_its_siblings(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.put("v3", A)
    pushed = works.push("v1", "v2", "v3")

    works.run()

    assert works.swr.tags_called == [["v1", "v3"]]
    assert works.states(pushed) == [State.TRIGGERED, State.PENDING, State.TRIGGERED]


# Later pushes, operators


def test_a_later_push_before_the_call_is_one_call(works: Works) -> None:
    works.swr.put("v1", B)
    [first] = works.push("v1", digest=A)
    [second] = works.push("v1", digest=B)

    works.run_until_quiet()

    assert works.states([first, second]) == [State.SUPERSEDED, State.VERIFIED]
    assert works.swr.tags_called == [["v1"]]


def test_a_later_push_during_the_call_carries_on(works: Works) -> None:
    works.swr.put("v1", A, OVERRIDE)
    later: list[Sync] = []

    def push_b() -> None:
        works.swr.copy(OVERRIDE, "v1")
        works.swr.put("v1", B, OVERRIDE)
        later.extend(works.push("v1", digest=B, override=True))

    works.swr.copies = False
    works.swr.answers = [push_b]
    [first] = works.push("v1", digest=A, override=True)
    works.run(OVERRIDE)

    assert State.SUPERSEDED is works.state(first)
    assert later[0].id == find(works.database, first.id).superseded_by
    assert [state for _, state, _ in works.outcomes.synced] == [State.SUPERSEDED]
    works.swr.copies = True
    works.run_until_quiet(OVERRIDE)
    assert State.VERIFIED is works.state(later[0])
    assert [find(works.database, sync.id).called_digest for sync in (first, later[0])] == [A, B]


def test_cancelled_during_the_call_stays_cancelled(works: Works) -> None:
    works.swr.put("v1", A)
    [sync] = works.push("v1")

    def cancel() -> None:
        with works.database.write() as connection:
            apply_decision(connection, find(works.database, sync.id), Decision(Event.CANCEL), NOW)

    works.swr.answers = [cancel]

    assert works.run() is None
    assert State.CANCELLED is works.state(sync)
    assert [call["ended_at"] for call in everything(works.database, calls)] == [NOW]
    assert works.outcomes.synced == []


# Crashes and late workers


def test_a_crash_during_the_call_is_called_again_at_once(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [killed]
    [sync] = works.push("v1")
    with pytest.raises(Killed):
        works.run()
    assert State.CALLING is works.state(sync)

    assert works.run() == NOW  # another runner, on the same ledger
    assert State.PENDING is works.state(sync)
    works.run_until_quiet()

    assert State.VERIFIED is works.state(sync)
    assert works.swr.tags_called == [["v1"], ["v1"]]
    assert find(works.database, sync.id).attempts == 2


def test_a_crash_after_the_copy_needs_no_second_call(works: Works) -> None:
    works.swr.put("v1", A)

    def copied_and_killed() -> None:
        works.swr.copy(LANE, "v1")
        raise Killed

    works.swr.answers = [copied_and_killed]
    [sync] = works.push("v1")
    with pytest.raises(Killed):
        works.run()

    works.run_until_quiet()

    assert State.VERIFIED is works.state(sync)
    assert works.swr.tags_called == [["v1"]]


def test_a_tag_that_kills_every_worker_is_given_up(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [killed] * 99
    [sync] = works.push("v1")
    deaths = 0
    again: object = NOW
    while again is not None:
        works.clock.advance(600)
        try:
            again = works.run()
        except Killed:
            deaths += 1

    assert (deaths, works.state(sync)) == (5, State.EXHAUSTED)
    assert works.swr.tags_called == [["v1"]] * 5


def test_a_late_worker_changes_nothing(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.copies = False
    [sync] = works.push("v1")
    seen: list[dict[str, object]] = []

    def taken_over() -> None:  # the engine took this worker for dead
        works.run()
        works.run()
        seen.append(row(works, sync))
        raise error(Kind.CONFIGURATION)

    works.swr.answers = [taken_over]
    works.run()

    assert [row(works, sync)] == seen
    assert State.TRIGGERED is works.state(sync)
    works.swr.copy(LANE, "v1")
    works.run_until_quiet()
    assert State.VERIFIED is works.state(sync)


def test_a_call_left_behind_is_found_behind_many_others(works: Works) -> None:
    works.config = config(batch=1)  # two syncs are judged in a run
    works.swr.copies = False
    for tag in ("v1", "v2", "v3"):
        works.swr.put(tag, A)
    pushed = works.push("v1", "v2")
    works.run()
    works.run()
    works.clock.advance(0.1)
    pushed += works.push("v3")
    works.swr.answers = [killed]
    with pytest.raises(Killed):
        works.run()
    assert works.states(pushed) == [State.TRIGGERED, State.TRIGGERED, State.CALLING]
    for tag in ("v1", "v2", "v3"):
        works.swr.copy(LANE, tag)
    works.clock.advance(60)

    works.run_until_quiet()

    assert works.states(pushed) == [State.VERIFIED] * 3


# What SWR answers


@pytest.mark.parametrize("kind", [Kind.TRANSIENT, Kind.THROTTLED, Kind.AUTHENTICATION])
def test_a_call_that_fails_for_a_while_succeeds_in_the_end(works: Works, kind: Kind) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [error(kind, retry_after=30.0)] * 3
    [sync] = works.push("v1")

    works.run_until_quiet()

    assert (works.state(sync), find(works.database, sync.id).attempts) == (State.VERIFIED, 4)
    assert works.clock.time >= NOW + 90 * SECOND


def test_a_call_that_fails_for_too_long_exhausts(works: Works) -> None:
    retry = Retry(Backoff(timedelta(minutes=1), timedelta(hours=1)), timedelta(hours=3))
    works.config = config(retry=retry)
    works.swr.put("v1", A)
    works.swr.answers = [error()] * 999
    [sync] = works.push("v1")

    works.run_until_quiet()

    assert State.EXHAUSTED is works.state(sync)
    assert works.clock.time >= NOW + timedelta(hours=3)


@pytest.mark.parametrize("kind", [Kind.PERMANENT, Kind.CONFIGURATION])
def test_a_call_that_can_never_succeed_is_rejected_with_the_remedy(
    works: Works, kind: Kind
) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [SwrError(kind, "SVC.1", "what SWR said", remedy="what to do")]
    [sync] = works.push("v1")

    assert works.run() is None

    rejected = row(works, sync)
    assert (
        rejected["state"],
        rejected["error_code"],
        rejected["error_message"],
        rejected["error_remedy"],
    ) == ("rejected", "SVC.1", "what SWR said", "what to do")


def test_a_call_answered_not_there_yet_waits(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [error(Kind.NOT_YET)]
    [sync] = works.push("v1")

    works.run()

    assert (works.state(sync), find(works.database, sync.id).attempts) == (State.PENDING, 0)
    works.run_until_quiet()
    assert (works.state(sync), find(works.database, sync.id).attempts) == (State.VERIFIED, 1)


def test_a_missing_organization_is_rejected_without_a_call(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.foreign = {TARGET.region}
    [sync] = works.push("v1")

    assert works.run() is None

    rejected = row(works, sync)
    assert State.REJECTED is works.state(sync)
    assert rejected["error_message"] == "cn-east-3 has no organization team that is ours"
    assert "create the organization team in cn-east-3" in str(rejected["error_remedy"])
    assert works.swr.calls == []


def test_a_missing_organization_is_no_matter_before_the_tag_is_there(works: Works) -> None:
    works.swr.foreign = {TARGET.region}
    [sync] = works.push("v1")

    works.run()

    assert State.PENDING is works.state(sync)


# What can be seen


def test_a_source_that_fails_is_looked_at_later(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.hidden[LANE.source_region] = error()
    [sync] = works.push("v1")
    works.run()
    assert (works.state(sync), works.swr.calls) == (State.PENDING, [])

    works.swr.hidden.clear()
    works.run_until_quiet()

    assert State.VERIFIED is works.state(sync)


def test_a_source_that_we_may_not_read_is_called_without_a_look(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.hidden[LANE.source_region] = error(Kind.CONFIGURATION)
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert State.VERIFIED is works.state(sync)  # by the announced digest
    assert works.clock.time - NOW < MINUTE  # its own call is no other call


def test_a_target_that_we_may_not_read_is_accepted(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.hidden[TARGET.region] = error(Kind.CONFIGURATION)
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert State.UNVERIFIED is works.state(sync)
    assert works.swr.tags_called == [["v1"]]


def test_a_target_that_we_may_not_read_is_not_accepted_when_swrs_job_failed(
    works: Works,
) -> None:
    works.swr.put("v1", A)
    works.swr.hidden[TARGET.region] = error(Kind.CONFIGURATION)
    [sync] = works.push("v1", digest=A)
    works.run()
    works.swr.jobs = [job(works, "failed")]
    works.clock.advance(1)

    works.run()

    assert State.PENDING is works.state(sync)
    assert row(works, sync)["reason"] == "SWR's job ended: failed: called again"


def test_a_target_that_fails_for_a_while_is_looked_at_until_it_answers(works: Works) -> None:
    works.swr.put("v1", A)
    [sync] = works.push("v1", digest=A)
    works.run()
    works.swr.hidden[TARGET.region] = error()
    for _ in range(20):  # an hour: twice verify's deadline
        works.clock.advance(180)
        works.run()
    assert State.TRIGGERED is works.state(sync)

    works.swr.hidden.clear()
    works.run_until_quiet()

    assert (works.state(sync), works.swr.tags_called) == (State.VERIFIED, [["v1"]])


# What comes of a call


def test_a_tag_that_moves_between_call_and_look_is_called_for_again(works: Works) -> None:
    works.swr.put("v1", A, OVERRIDE)
    [sync] = works.push("v1", digest=A, override=True)
    works.run(OVERRIDE)
    works.swr.put("v1", B, OVERRIDE)

    works.run_until_quiet(OVERRIDE)

    assert (
        works.state(sync),
        find(works.database, sync.id).called_digest,
    ) == (State.VERIFIED, B)
    assert find(works.database, sync.id).retriggers == 0


def test_another_digest_at_the_target_has_diverged(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.put_at_target("v1", B)
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert State.DIVERGED is works.state(sync)
    assert f"the target has {B}, the source {A}" == row(works, sync)["reason"]


def test_a_call_that_came_to_nothing_is_repeated_so_often(works: Works) -> None:
    works.config = config(verify=Verify(deadline=timedelta(minutes=3)))
    works.swr.put("v1", A)
    works.swr.copies = False
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert State.MISSING is works.state(sync)
    assert works.swr.tags_called == [["v1"]] * 4  # the first, and verify.retriggers
    assert works.clock.time - NOW >= 4 * timedelta(minutes=3)


def test_a_failed_job_is_called_again_without_waiting_for_the_deadline(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.copies = False
    [sync] = works.push("v1", digest=A)
    works.run()
    works.swr.jobs = [job(works, "failed")]
    works.clock.advance(1)
    works.run()  # the first look comes before the job is asked for
    works.clock.advance(2)
    works.run()
    assert State.PENDING is works.state(sync)

    works.swr.copies = True
    works.swr.jobs = []
    works.run_until_quiet()

    assert State.VERIFIED is works.state(sync)
    assert works.clock.time - NOW < MINUTE


def test_an_earlier_calls_late_copy_is_not_taken_for_the_end(works: Works) -> None:
    # A is called for and slow; the tag moves to B, which is called for and comes first.
    works.swr.copies = False
    works.swr.put("v1", A, OVERRIDE)
    [first] = works.push("v1", digest=A, override=True)
    works.run(OVERRIDE)
    works.swr.put("v1", B, OVERRIDE)
    [second] = works.push("v1", digest=B, override=True)
    works.run(OVERRIDE)
    works.swr.put_at_target("v1", B, OVERRIDE)
    works.clock.advance(1)
    works.run(OVERRIDE)
    assert works.states([first, second]) == [State.SUPERSEDED, State.TRIGGERED]

    works.swr.put_at_target("v1", A, OVERRIDE)  # the slow call's copy
    works.swr.copies = True
    works.run_until_quiet(OVERRIDE)

    assert State.VERIFIED is works.state(second)
    assert works.swr.held[TARGET.region, "team", "web/shop", "v1"] == B


def test_of_two_calls_for_a_digest_one_may_still_act_when_it_is_there(works: Works) -> None:
    # SWR takes the first call for A, and the answer is lost: A is called for twice.
    works.swr.copies = False
    works.swr.put("v1", A, OVERRIDE)
    works.swr.answers = [error(Kind.TRANSIENT)]
    works.push("v1", digest=A, override=True)
    works.run(OVERRIDE)
    works.clock.advance(1)
    works.run(OVERRIDE)
    assert works.swr.tags_called == [["v1"]] * 2
    works.swr.put_at_target("v1", A, OVERRIDE)  # the copy of one of them
    works.clock.advance(1)
    works.run(OVERRIDE)
    works.swr.put("v1", B, OVERRIDE)
    [second] = works.push("v1", digest=B, override=True)
    works.run(OVERRIDE)
    works.swr.put_at_target("v1", B, OVERRIDE)
    works.clock.advance(1)

    works.run(OVERRIDE)

    assert State.TRIGGERED is works.state(second)
    works.swr.put_at_target("v1", A, OVERRIDE)  # the other one's
    works.swr.copies = True
    works.run_until_quiet(OVERRIDE)
    assert State.VERIFIED is works.state(second)
    assert works.swr.held[TARGET.region, "team", "web/shop", "v1"] == B


def test_a_refused_call_keeps_nothing_waiting(works: Works) -> None:
    works.swr.put("v1", A, OVERRIDE)
    works.swr.answers = [error(Kind.THROTTLED)]
    works.push("v1", digest=A, override=True)
    works.run(OVERRIDE)
    works.swr.put("v1", B, OVERRIDE)
    [second] = works.push("v1", digest=B, override=True)

    works.run_until_quiet(OVERRIDE)

    assert State.VERIFIED is works.state(second)
    assert works.clock.time - NOW < MINUTE


def test_there_and_back_again_waits_for_the_call_in_between(works: Works) -> None:
    works.swr.put("v1", A, OVERRIDE)
    works.push("v1", digest=A, override=True)
    works.run_until_quiet(OVERRIDE)
    works.swr.copies = False
    works.swr.put("v1", B, OVERRIDE)
    works.push("v1", digest=B, override=True)
    works.run(OVERRIDE)  # B is on its way
    works.swr.put("v1", A, OVERRIDE)
    [back] = works.push("v1", digest=A, override=True)

    works.run(OVERRIDE)

    assert State.TRIGGERED is works.state(back)  # though the target holds A
    works.swr.put_at_target("v1", B, OVERRIDE)
    works.clock.advance(1)
    works.run(OVERRIDE)
    assert State.TRIGGERED is works.state(back)
    works.swr.copies = True
    works.run_until_quiet(OVERRIDE)
    assert State.VERIFIED is works.state(back)
    assert works.swr.held[TARGET.region, "team", "web/shop", "v1"] == A


# Configuration and pace


def test_a_region_that_left_the_configuration_holds_its_syncs_with_the_reason(
    works: Works,
) -> None:
    for tag in ("v1", "v2", "v3"):
        works.swr.put(tag, A)
    [triggered] = works.push("v1")
    works.run()
    works.swr.answers = [killed]
    [calling] = works.push("v2")
    with pytest.raises(Killed):
        works.run()
    [due] = works.push("v3")
    held = [triggered, calling, due]
    works.config = config("cn-north-4", "ap-southeast-1")
    works.clock.advance(10)

    assert works.clock.time + HOLD_INTERVAL == works.run()

    assert works.states(held) == [State.TRIGGERED, State.PENDING, State.PENDING]
    assert [row(works, sync)["reason"] for sync in held] == [
        "region cn-east-3 is not in the configuration"
    ] * 3
    works.config = config(*REGIONS)
    works.run_until_quiet()
    assert works.states(held) == [State.VERIFIED] * 3


def test_a_call_left_behind_is_held_too(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [killed]
    [sync] = works.push("v1")
    with pytest.raises(Killed):
        works.run()
    works.config = config("cn-north-4")

    assert works.run() == NOW + HOLD_INTERVAL  # and not: never again
    assert row(works, sync)["reason"] == "region cn-east-3 is not in the configuration"


def test_calls_keep_the_pace(works: Works) -> None:
    works.config = replace(config(), options=replace(config().options, batch=1))
    per_second = works.config.options.pace.per_second
    tags = [f"v{n}" for n in range(per_second + 5)]
    for tag in tags:
        works.swr.put(tag, A)
    works.push(*tags)

    while works.run() == NOW:
        pass

    # A second's worth at once, looks included. What a run has begun it finishes.
    at_source = [region for region, _ in works.swr.looks + works.swr.lists].count(REGIONS[0])
    assert per_second <= at_source + len(works.swr.calls) <= per_second + 1
    again = works.run()
    assert again is not None
    assert NOW < again < NOW + SECOND
    works.run_until_quiet()
    assert len(tags) == len(works.swr.calls)


def test_a_clock_that_was_set_back_freezes_nothing(works: Works) -> None:
    works.config = config(batch=1)
    works.swr.put("v1", A)
    works.swr.copies = False
    [sync] = works.push("v1")
    works.run()
    was_due = NOW + SECOND
    works.clock.advance(-7200)  # and the engine runs the lane for the time it was woken for

    again = works.runner.run(LANE, was_due)

    assert again is not None
    assert works.clock.time < again < works.clock.time + MINUTE
    works.swr.copy(LANE, "v1")
    works.run_until_quiet()
    assert State.VERIFIED is works.state(sync)
    assert works.clock.time < NOW


def test_a_clock_that_was_set_back_does_not_stop_the_calls(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.put("v2", A)
    works.config = config(batch=1, verify=Verify(deadline=timedelta(minutes=5)))
    works.push("v1")
    works.run()
    works.clock.advance(-7200)
    [sync] = works.push("v2")

    works.run()

    assert State.TRIGGERED is works.state(sync)


def test_what_has_ended_is_told_with_its_error(works: Works) -> None:
    works.swr.put("v1", C)
    works.swr.answers = [error(Kind.CONFIGURATION)]
    works.push("v1")

    works.run()

    [(sync, state, verdict)] = works.outcomes.synced
    assert (sync.tag, state) == ("v1", State.REJECTED)
    assert verdict.error is not None
    assert verdict.error.code == "A.configuration"
