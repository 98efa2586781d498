"""One run of a lane: look, judge, claim, call, settle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import Connection

from swrhook.config.values import Config
from swrhook.errors import Kind, SwrError
from swrhook.ledger.calling import claim, close_calls, open_digests, settle
from swrhook.ledger.database import Database
from swrhook.ledger.holding import not_configured
from swrhook.ledger.moving import move, syncs_to_judge
from swrhook.ledger.waking import rest
from swrhook.life import Event
from swrhook.model import Lane, State, Sync
from swrhook.verdict import Judge, Look, Verdict
from swrhook.worker.looks import Jobs, Sight, look, look_at_jobs
from swrhook.worker.pace import Pacer
from swrhook.worker.ports import Report, Swr

# A region that is no longer configured holds its syncs; they are looked at again this often.
HELD = timedelta(minutes=1)
_HOLD = {
    State.DUE: Event.POSTPONE,
    State.CALLING: Event.PUT_BACK,
    State.TRIGGERED: Event.POLL,
}

Judged = tuple[Sync, Verdict]
Opened = dict[str, set[str | None]]


@dataclass(frozen=True, slots=True)
class LaneRunner:
    """Everything that a run needs; `run` is the engine's RunLane."""

    database: Database
    swr: Swr
    config: Callable[[], Config]
    report: Report
    pacer: Pacer
    clock: Callable[[], datetime]
    rng: Random

    def run(self, lane: Lane, until: datetime) -> datetime | None:
        """Work on the lane's syncs that are due by then; return when it is due again."""
        config = self.config()
        with self.database.read() as connection:
            batch = config.options.batch
            syncs = syncs_to_judge(connection, lane, until=until, limit=2 * batch)
            opened = open_digests(
                connection,
                [sync.route for sync in syncs],
                until - config.options.verify.deadline,
            )
        if not syncs:
            return self._rest(lane)
        missing = {lane.source_region, lane.target.region} - config.swr.regions.keys()
        if missing:
            return self._hold(lane, syncs, not_configured(min(missing)))
        wait = self.pacer.wait(lane.source_region, until, config.options.pace.per_second)
        if wait and any(sync.state is State.DUE for sync in syncs):
            return until + wait
        return self._work(lane, syncs, opened, config)

    def _work(
        self, lane: Lane, syncs: Sequence[Sync], opened: Opened, config: Config
    ) -> datetime | None:
        lost = [sync for sync in syncs if sync.state is State.CALLING]
        to_look = _in_one_call([sync for sync in syncs if sync.state is not State.CALLING])
        sight = look(self.swr, lane, list(dict.fromkeys(sync.tag for sync in to_look)))
        unclear = _unclear(to_look, sight, opened)
        jobs = look_at_jobs(self.swr, lane, unclear) if unclear else Jobs()
        judge = Judge(config.options.limits, self.clock(), self.rng)
        with self.database.write() as connection:
            judged = [(sync, judge.after_loss(sync)) for sync in lost]
            opened = _close(connection, to_look, sight, jobs, judge)
            judged += [(sync, _verdict(sync, sight, jobs, opened, judge)) for sync in to_look]
            wanted = [pair for pair in judged if pair[1].event is Event.CLAIM]
            settled = [pair for pair in judged if pair[1].event is not Event.CLAIM]
            states = [move(connection, sync, verdict, judge.now) for sync, verdict in settled]
            call, won = claim(connection, lane, wanted[: config.options.batch], judge.now)
            again = rest(connection, lane)
        self._tell(settled, states, judge.now)
        return self._call(lane, call, won, config) if won else again

    def _call(
        self, lane: Lane, call: str, syncs: Sequence[Sync], config: Config
    ) -> datetime | None:
        self.pacer.count(lane.source_region, self.clock(), config.options.pace.per_second)
        error = None
        try:
            self.swr.sync_images(lane, list(dict.fromkeys(sync.tag for sync in syncs)))
        except SwrError as exc:
            error = exc
        judge = Judge(config.options.limits, self.clock(), self.rng)
        judged = [(sync, judge.after_call(sync, error, tags_in_call=len(syncs))) for sync in syncs]
        with self.database.write() as connection:
            states = settle(connection, call, judged, error, judge.now)
            again = rest(connection, lane)
        self._tell(judged, states, judge.now)
        return again

    def _hold(self, lane: Lane, syncs: Sequence[Sync], reason: str) -> datetime | None:
        now = self.clock()
        with self.database.write() as connection:
            for sync in syncs:
                move(connection, sync, Verdict(_HOLD[sync.state], now + HELD, reason), now)
            return rest(connection, lane)

    def _rest(self, lane: Lane) -> datetime | None:
        with self.database.write() as connection:
            return rest(connection, lane)

    def _tell(
        self, judged: Sequence[Judged], states: Sequence[State | None], now: datetime
    ) -> None:
        for (sync, verdict), state in zip(judged, states, strict=True):
            if state is not None:
                self.report(sync, state, verdict, now)


def _in_one_call(syncs: Sequence[Sync]) -> Sequence[Sync]:
    """Leave out all but the first of the due syncs that are to be tried alone, or all of them."""
    due = [sync for sync in syncs if sync.state is State.DUE]
    if not any(sync.alone for sync in due):
        return syncs
    together = [sync for sync in due if not sync.alone] or due[:1]
    return [sync for sync in syncs if sync.state is not State.DUE or sync in together]


def _unclear(syncs: Sequence[Sync], sight: Sight, opened: Opened) -> list[Sync]:
    """Return the called syncs for which SWR's own jobs may tell what the looks do not."""
    return [
        sync
        for sync in syncs
        if sync.state is State.TRIGGERED
        and not _is_hidden_for_now(sight.source[sync.tag])
        and _is_unclear(sync, sight.source[sync.tag], sight.target[sync.tag], opened)
    ]


def _is_unclear(sync: Sync, source: Look, target: Look, opened: Opened) -> bool:
    if isinstance(target, SwrError) and target.kind is Kind.CONFIGURATION:
        return True
    if target == _wanted(sync, source):
        return _others_open(sync, source, opened)
    return sync.looks > 0


def _is_hidden_for_now(source: Look) -> bool:
    return isinstance(source, SwrError) and source.kind is not Kind.CONFIGURATION


def _close(
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


def _verdict(sync: Sync, sight: Sight, jobs: Jobs, opened: Opened, judge: Judge) -> Verdict:
    source, target = sight.source[sync.tag], sight.target[sync.tag]
    call_open = _others_open(sync, source, opened)
    if sync.state is State.TRIGGERED:
        job = jobs.states.get(sync.tag)
        return judge.after_look(sync, source, target, call_open=call_open, job=job)
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
