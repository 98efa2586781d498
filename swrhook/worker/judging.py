"""What a run's looks mean for its syncs: the calls they close, and the verdict on each."""

from collections.abc import Sequence

from sqlalchemy import Connection

from swrhook.errors import Kind, SwrError
from swrhook.ledger.calls import close_calls, open_digests
from swrhook.model import Lane, State, Sync
from swrhook.syncs.decisions import Judge, Look, Verdict
from swrhook.syncs.states import Event
from swrhook.worker.looks import Jobs, Sight, is_hidden_for_now
from swrhook.worker.preflight import impossible_region

Opened = dict[str, set[str | None]]


def in_one_call(syncs: Sequence[Sync]) -> Sequence[Sync]:
    """Leave out all but the first of the due syncs that are to be tried alone, or all of them."""
    due = [sync for sync in syncs if sync.state is State.DUE]
    if not any(sync.alone for sync in due):
        return syncs
    together = [sync for sync in due if not sync.alone] or due[:1]
    return [sync for sync in syncs if sync.state is not State.DUE or sync in together]


def unclear(syncs: Sequence[Sync], sight: Sight, opened: Opened, judge: Judge) -> list[Sync]:
    """Return the called syncs for which SWR's own jobs may tell what the looks do not."""
    return [
        sync
        for sync in syncs
        if sync.state is State.TRIGGERED
        and _is_unclear(sync, sight.source[sync.tag], sight.target[sync.tag], opened, judge)
    ]


def _is_unclear(sync: Sync, source: Look, target: Look, opened: Opened, judge: Judge) -> bool:
    if is_hidden_for_now(source) or is_hidden_for_now(target):
        return judge.is_hidden_too_long(sync)
    if isinstance(target, SwrError):
        return True
    if target == _wanted(sync, source):
        return _others_open(sync, source, opened)
    return sync.looks > 0


def close(
    connection: Connection, syncs: Sequence[Sync], sight: Sight, jobs: Jobs, judge: Judge
) -> Opened:
    """Note the calls that can do nothing more, and return what the others may still bring."""
    for sync in syncs:
        target = sight.target[sync.tag]
        if isinstance(target, str):
            close_calls(connection, sync.route, digest=target)
        if sync.tag in jobs.ended:
            close_calls(connection, sync.route)
    since = judge.now - judge.limits.verify.deadline
    return open_digests(connection, [sync.route for sync in syncs], since)


def verdict_on(sync: Sync, sight: Sight, jobs: Jobs, opened: Opened, judge: Judge) -> Verdict:
    """Judge a sync by what was seen of its tag."""
    source, target = sight.source[sync.tag], sight.target[sync.tag]
    call_open = _others_open(sync, source, opened)
    if sync.state is State.TRIGGERED:
        job = jobs.states.get(sync.tag)
        return judge.after_look(sync, source, target, call_open=call_open, job=job)
    if sight.no_region and isinstance(source, str):
        return Verdict(Event.REFUSE, error=impossible_region(sync.lane))
    if sight.no_organization and isinstance(source, str):
        return Verdict(Event.REFUSE, error=_no_organization(sync.lane))
    return judge.before_call(sync, source, target, call_open=call_open)


def _others_open(sync: Sync, source: Look, opened: Opened) -> bool:
    """Tell whether a call for another digest than the wanted one may still act at the target."""
    ours = {_wanted(sync, source)}
    if isinstance(source, SwrError):
        ours.add(None)  # called without a look, for what the sender announced
    return bool(opened.get(sync.route, set()) - ours)


def _wanted(sync: Sync, source: Look) -> str | None:
    """Return the digest that the target shall hold, as far as it is known."""
    return source if isinstance(source, str) else (sync.called_digest or sync.digest)


def _no_organization(lane: Lane) -> SwrError:
    return SwrError(
        Kind.CONFIGURATION,
        "organization",
        f"{lane.target.region} has no organization {lane.target.namespace} that is ours",
        remedy=f"create the organization {lane.target.namespace} in {lane.target.region}, or name "
        "another one in the rule, then retry the sync",
    )
