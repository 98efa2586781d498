"""`available` is never said of what was not there at any moment of the last `max_age`.

The world changes at every point where the program waits: before, while and after SWR is read.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from swrhook.engine import CapacityLimit
from swrhook.ledger.database import Database, Snapshot, open_database
from swrhook.ledger.lanes import Flow
from swrhook.ledger.questions import QuestionSession, sweep_questions, take_question
from swrhook.model import Lane, Urgency
from swrhook.syncs.availability import Availability
from swrhook.syncs.observations import Place
from swrhook.usecases.availability.check import AvailabilityChecker, CheckedCopy, Freshness
from swrhook.usecases.availability.copies import AskedImage, Copy, CopyFinder
from swrhook.worker.place_looker import PlaceLooker
from tests.factories import LANE, A, B, FakeScheduler
from tests.worker.harness import FakeSwr, WorkerHarness

TARGET = Place("cn-east-3", "team", "web/shop", "v1")
SOURCE = Place("cn-north-4", "team", "web/shop", "v1")
LANES = (LANE, replace(LANE, override=True))


@dataclass(frozen=True)
class Step:
    """Something that happens: `name`, with what it is about."""

    name: str
    number: int = 0
    digest: str | None = None


SECONDS = st.integers(1, 6)  # about as long as a sleep, so that what was seen often is too old
CHANGES = st.one_of(
    st.builds(Step, st.just("put"), st.integers(0, 1), st.sampled_from([A, B])),
    st.builds(Step, st.just("delete"), st.integers(0, 1)),
    st.builds(Step, st.just("sleep"), st.integers(1, 4)),
)
LOOKS = st.builds(Step, st.just("look"), st.integers(0, 1))
STEPS = st.one_of(
    CHANGES,
    *[LOOKS] * 4,
    st.builds(Step, st.just("push"), st.integers(0, 1)),
    st.builds(Step, st.just("run"), st.integers(0, 1)),
    *[st.builds(Step, st.just("check"), SECONDS, st.sampled_from([None, A, A, B]))] * 2,
)


@dataclass
class World(FakeSwr):
    """SWR, a ledger, and the steps that happen whenever the program waits for something."""

    database: Database
    steps: list[Step]
    truth: list[tuple[datetime, dict[Place, str]]] = field(default_factory=list)
    answers_given: int = 0
    depth: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.harness = WorkerHarness(self.database, self)
        self.scheduler, self.finder = FakeScheduler(), CopyFinder()
        self.checker = AvailabilityChecker(
            self.database, self.scheduler, self.harness.clock, lambda: self.now().timestamp()
        )
        self.held = dict.fromkeys((astuple(SOURCE), astuple(TARGET)), A)
        self.note()

    def now(self) -> datetime:
        return self.harness.clock.now()

    def note(self) -> None:
        """Remember what is there from now on."""
        self.truth.append((self.now(), {Place(*key): value for key, value in self.held.items()}))

    def held_within(self, place: Place, start: datetime, end: datetime) -> set[str | None]:
        """Return everything that a place has held within a time."""
        ends = [*(at for at, _ in self.truth[1:]), end]
        return {
            held.get(place)
            for (at, held), until in zip(self.truth, ends, strict=True)
            if at <= end and until >= start
        }

    def proceed(self, most: int = 1) -> None:
        """Let the next steps happen."""
        for _ in range(most):
            if self.steps:
                self.happen(self.steps.pop(0))

    def happen(self, step: Step) -> None:
        getattr(self, f"do_{step.name}")(step)

    def do_put(self, step: Step) -> None:
        self.change(step.number, step.digest)

    def do_delete(self, step: Step) -> None:
        self.change(step.number, None)

    def change(self, number: int, digest: str | None) -> None:
        place = (SOURCE, TARGET)[number]
        key = (place.region, place.namespace, place.repository, place.tag)
        self.held.pop(key, None)
        if digest is not None:
            self.held[key] = digest
        self.note()

    def do_sleep(self, step: Step) -> None:
        self.harness.clock.advance(step.number)

    def do_push(self, step: Step) -> None:
        self.harness.push("v1", override=bool(step.number))

    def do_run(self, step: Step) -> None:
        with self.nested() as is_deep:
            if not is_deep:
                self.harness.run(LANES[step.number])

    def do_look(self, step: Step) -> None:
        """Answer a question as a worker does: about one region or, if none waits, the other."""
        regions = [place.region for place in (SOURCE, TARGET)]
        with self.nested() as is_deep:
            if is_deep:
                return
            question = self.take_question(*(regions[step.number :] + regions[: step.number]))
            if question is not None:
                self.answer(question)

    def take_question(self, *regions: str) -> QuestionSession | None:
        holder = f"worker-{self.depth}"
        with self.database.write() as connection:
            sweep_questions(connection, self.now())
            for region in regions:
                place = take_question(connection, region, holder, self.now())
                if place is not None:
                    return QuestionSession(self.database, place, holder)
        return None

    def answer(self, question: QuestionSession) -> None:
        gateway, region = self.harness.runner.gateway, question.place.region
        slot = gateway.reserve(Flow(Urgency.PROOF, region, region, ""))
        if isinstance(slot, CapacityLimit):
            question.give_back()
            return
        PlaceLooker(gateway, self.harness.clock).answer(question, slot)
        slot.release()

    def do_check(self, step: Step) -> None:
        """Ask whether the image is there, and compare the answer with the truth."""
        asked = AskedImage("team", "web/shop", "v1", step.digest)
        max_age = timedelta(seconds=step.number)

        def find_copies(snapshot: Snapshot) -> Sequence[Copy]:
            where = (TARGET.region, TARGET.namespace)
            copies = self.finder.find(snapshot, asked, self.harness.config, *where)
            return [replace(copy, source=SOURCE) for copy in copies]

        with self.nested() as is_deep:
            if is_deep:
                return
            for checked in self.checker.check(find_copies, Freshness(max_age), Waiting(self)):
                self.compare(checked, max_age)

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        self.proceed()
        digest = super().show_tag(region, namespace, repository, tag)
        self.proceed(3)  # enough to change it, and to let the change grow old
        return digest

    def copy(self, lane: Lane, tag: str) -> None:
        super().copy(lane, tag)
        self.note()

    @contextmanager
    def nested(self) -> Iterator[bool]:
        self.depth += 1
        yield self.depth > 3
        self.depth -= 1

    def compare(self, checked: CheckedCopy, max_age: timedelta) -> None:
        event(f"answer: {checked.state}")
        self.answers_given += 1
        if checked.state is not Availability.AVAILABLE:
            return
        start, now = self.now() - max_age, self.now()
        assert checked.digest in self.held_within(TARGET, start, now)
        if checked.copy.asked.digest is None:
            assert {checked.digest, None} & self.held_within(SOURCE, start, now)
        else:
            assert checked.digest == checked.copy.asked.digest


class Waiting(Event):
    """Lets the world go on while a request waits, and ends the wait with the world."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def wait(self, timeout: float | None = None) -> bool:
        self._world.harness.clock.advance(timeout or 0)
        self._world.proceed(4)
        return not self._world.steps


# What was read changes before the answer is kept, which takes longer than `max_age`.
CHANGED_WHILE_READ = [
    Step("check", 1, A),
    Step("look", 1),
    Step("run"),  # before it is read
    Step("put", 1, B),
    Step("sleep", 4),
    *[Step("look", 1)] * 4,
]
# Nobody looks at the source, which holds another digest.
SOURCE_UNSEEN = [
    *(Step("put", 0, B), Step("sleep", 4), Step("check", 1), Step("look", 1)),
    *[Step("sleep", 0)] * 9,  # to see the answer while the other question waits
]


@example(CHANGED_WHILE_READ)
@example(SOURCE_UNSEEN)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=30, max_size=80))
def test_available_is_never_said_of_what_was_not_there(steps: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'ledger.db'}")
        try:
            world = World(database, [*steps, Step("check", 30)])
            while world.steps:
                world.proceed()
        finally:
            database.close()
