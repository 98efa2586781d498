"""What has become of a world that has calmed down, and whether it should have."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from swrhook.ledger.database import Database
from swrhook.ledger.tables import syncs
from swrhook.model import END_STATES, State, Sync
from tests.ledger.parts import all_syncs, everything
from tests.worker.world import World


@dataclass(frozen=True)
class Ending:
    """The ledger and SWR at the end.

    `untold` are tags that moved or vanished since they were pushed last. `most_calls` is a call for
    each push and target, and one more for each thing that went wrong.
    """

    database: Database
    swr: World
    untold: AbstractSet[str]
    most_calls: int

    def judge(self) -> None:
        ended = all_syncs(self.database)
        assert not {sync.state for sync in ended} - END_STATES, "a wake was lost"
        assert len(self.swr.calls) <= self.most_calls, "called for no reason"
        later: set[str] = set()
        for sync in reversed(ended):
            if sync.state is State.SUPERSEDED:
                self._judge_superseded(sync, ended)
            elif sync.state is not State.CANCELLED and sync.route not in later:
                self._judge_last(sync, ended)
            later.add(sync.route)

    def _judge_superseded(self, sync: Sync, ended: Sequence[Sync]) -> None:
        [row] = [row for row in everything(self.database, syncs) if row["id"] == sync.id]
        [heir] = [other for other in ended if other.id == row["superseded_by"]]
        assert sync.route == heir.route
        assert ended.index(sync) < ended.index(heir)

    def _judge_last(self, sync: Sync, ended: Sequence[Sync]) -> None:
        here, there = self.swr.here(sync.tag), self.swr.at(sync.lane, sync.tag)
        # The source may have moved on for a push that this target does not want.
        is_later_here = any(
            other.tag == sync.tag and other.created_at > sync.created_at for other in ended
        )
        if sync.state is State.REJECTED:
            assert (sync.lane.target, sync.tag) in self.swr.given_up
        elif sync.tag not in self.untold and not is_later_here:
            expected = State.VERIFIED if here == there else State.DIVERGED
            assert expected is sync.state
            assert here == there or not sync.lane.override, f"{sync.tag} is older at its target"
