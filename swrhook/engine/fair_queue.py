"""The policy of the queue: whose lane is next. Start-time fair queueing on several levels.

Lanes and questions share the turns by their weights. The regions of questions take turns. Pairs of
regions take turns; within a pair the urgencies, by their weights; within an urgency the
senders, equally; and within a sender the organizations, one after the other. Each level remembers
how much its members have used. A member that was idle goes on from the present, so it neither
waits for its past use nor saves up for the future.
"""

from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from swrhook.ledger.lanes import Flow
from swrhook.model import Urgency

# The shares of the urgencies while all of them have work. This is the only table of weights.
WEIGHTS: Mapping[Urgency, int] = MappingProxyType(
    {Urgency.FRESH: 8, Urgency.PROOF: 4, Urgency.REPEAT: 2, Urgency.BACKFILL: 1}
)
# A question is one look, for which somebody waits; a run of a lane is several requests.
LANES_PER_QUESTION = 3
# More than there are flows, even with dozens of senders and regions: a flow that is forgotten
# begins with its first organization again.
_MOST_REMEMBERED = 10_000

Key = TypeVar("Key", bound=Hashable)
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions that wait for a look at a region."""

    region: str


Waiting = TypeVar("Waiting", bound=Flow | Questions)


class Turns(Generic[Key]):
    """The members of one level, and the virtual time at which each has its next turn."""

    def __init__(self) -> None:
        self._now = 0.0
        self._next: dict[Key, float] = {}

    def next_turn(self, member: Key) -> float:
        """Return the member's next turn; the least of all is first."""
        return max(self._next.get(member, 0.0), self._now)

    def begin(self, member: Key) -> None:
        """Begin the member's turn: members that were idle have theirs not before it."""
        self._now = self.next_turn(member)

    def charge(self, member: Key, cost: float) -> None:
        """Put the member's next turn off by a cost."""
        self._next[member] = self.next_turn(member) + cost
        if len(self._next) > _MOST_REMEMBERED:
            self._next = {key: turn for key, turn in self._next.items() if turn > self._now}


class FairQueue:
    """The turns of one process. Where several run lanes, each is fair by itself."""

    def __init__(self) -> None:
        self._kinds = Turns[type]()
        self._asked_regions = Turns[str]()
        self._pairs = Turns[Pair]()
        self._urgencies: dict[Pair, Turns[Urgency]] = {}
        self._senders: dict[tuple[Pair, Urgency], Turns[str]] = {}
        self._organizations = OrderedDict[Flow, str]()  # the last that had its turn

    def in_order(self, waiting: Iterable[Waiting]) -> list[Waiting]:
        """Return what waits in the order of its turns."""
        return sorted(waiting, key=self._turn)

    def last_organization(self, flow: Flow) -> str:
        """Return the organization after which the flow goes on; "" to begin with the first."""
        return self._organizations.get(flow, "")

    def charge(self, flow: Flow, organization: str, senders: Collection[str]) -> None:
        """Begin the turn of a flow with a run for these senders, one entry for each sync."""
        pair = (flow.source, flow.target)
        urgencies, of_senders = self._levels(flow)
        self._begin(Flow, 1 / LANES_PER_QUESTION)
        self._pairs.begin(pair)
        self._pairs.charge(pair, 1)
        urgencies.begin(flow.urgency)
        urgencies.charge(flow.urgency, 1 / WEIGHTS[flow.urgency])
        of_senders.begin(flow.sender)
        for sender in senders or [flow.sender]:
            of_senders.charge(sender, 1 / max(len(senders), 1))
        self._organizations[flow] = organization
        self._organizations.move_to_end(flow)
        if len(self._organizations) > _MOST_REMEMBERED:
            self._organizations.popitem(last=False)

    def charge_question(self, region: str) -> None:
        """Begin the turn of a question about a region."""
        self._begin(Questions, 1)
        self._asked_regions.begin(region)
        self._asked_regions.charge(region, 1)

    def _begin(self, kind: type, cost: float) -> None:
        self._kinds.begin(kind)
        self._kinds.charge(kind, cost)

    def _turn(self, flow: Flow | Questions) -> tuple[float, ...]:
        turn = self._kinds.next_turn(type(flow))
        if isinstance(flow, Questions):
            return turn, self._asked_regions.next_turn(flow.region)
        urgencies, of_senders = self._levels(flow)
        return (
            turn,
            self._pairs.next_turn((flow.source, flow.target)),
            urgencies.next_turn(flow.urgency),
            of_senders.next_turn(flow.sender),
        )

    def _levels(self, flow: Flow) -> tuple[Turns[Urgency], Turns[str]]:
        pair = (flow.source, flow.target)
        urgencies = self._urgencies.setdefault(pair, Turns())
        return urgencies, self._senders.setdefault((pair, flow.urgency), Turns())
