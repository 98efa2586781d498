"""Checks the final state of a random history: every sync has ended, and in the right state."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from swrhook.ledger.database import Database
from swrhook.ledger.tables import syncs
from swrhook.model import END_STATES, State, Sync
from tests.factories import all_syncs, everything
from tests.worker.slow_swr import SlowSwr


@dataclass(frozen=True)
class OutcomeCheck:
    """The ledger and SWR at the end of a history.

    `unannounced` are tags that moved or vanished since they were pushed last. `max_calls` is one
    call for each push and target, and one more for each failure.
    """

    database: Database
    swr: SlowSwr
    unannounced: AbstractSet[str]
    max_calls: int

    def run(self) -> None:
        ended = all_syncs(self.database)
        assert not {sync.state for sync in ended} - END_STATES, "a lane was never woken"
        assert len(self.swr.calls) <= self.max_calls, "more calls than needed"
        later: set[str] = set()
        for sync in reversed(ended):
            if sync.state is State.SUPERSEDED:
                self._check_superseded(sync, ended)
            elif sync.state is not State.CANCELLED and sync.route not in later:
                self._check_last(sync, ended)
            later.add(sync.route)

    def _check_superseded(self, sync: Sync, ended: Sequence[Sync]) -> None:
        [row] = [row for row in everything(self.database, syncs) if row["id"] == sync.id]
        [successor] = [other for other in ended if other.id == row["superseded_by"]]
        assert sync.route == successor.route
        assert ended.index(sync) < ended.index(successor)

    def _check_last(self, sync: Sync, ended: Sequence[Sync]) -> None:
        source, target = self.swr.at_source(sync.tag), self.swr.at_target(sync.lane, sync.tag)
        # The tag may have moved at the source with a push that no rule sends to this target.
        is_pushed_later = any(
            other.tag == sync.tag and other.created_at > sync.created_at for other in ended
        )
        if sync.state is State.REJECTED:
            assert (sync.lane.target, sync.tag) in self.swr.rejected
        elif sync.tag not in self.unannounced and not is_pushed_later:
            expected = State.VERIFIED if source == target else State.DIVERGED
            assert sync.state is expected
            assert source == target or not sync.lane.override, f"{sync.tag} is older at its target"
