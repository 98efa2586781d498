"""The engine answers questions about places beside the lanes, each once and in their turn."""

from datetime import timedelta

from sqlalchemy import select

from swrhook.engine.fair_queue import LANES_PER_QUESTION, FairQueue, Questions
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import Flow
from swrhook.ledger.observations import find_observations
from swrhook.ledger.questions import ask, find_failures
from swrhook.ledger.tables import questions
from swrhook.model import Urgency
from swrhook.syncs.observations import Place
from tests.engine.lane_work import Engine, Work, deliver, running, soon
from tests.ledger.queue import lane

PLACE = Place("cn-east-3", "team", "web/shop", "v1")
PATIENCE = timedelta(seconds=30)


def ask_for(database: Database, engine: Engine, *places: Place) -> None:
    with database.write() as connection:
        ask(connection, places or [PLACE], soon(), since=soon(-60), until=soon() + PATIENCE)
        engine.wake(connection)


def is_answered(database: Database) -> bool:
    with database.read() as connection:
        return connection.execute(select(questions.c.place)).first() is None


def test_a_question_is_answered_at_once_and_once(database: Database) -> None:
    work = Work()
    with running(database, work) as engine:
        with database.write() as connection:  # all three before the first look
            for _ in range(3):
                ask(connection, [PLACE], soon(), since=soon(-60), until=soon() + PATIENCE)
            engine.wake(connection)
        assert work.wait_for(lambda: is_answered(database))

    assert work.looks == [PLACE]
    with database.read() as connection:
        assert PLACE in find_observations(connection, [PLACE])


def test_questions_and_lanes_are_worked_on_side_by_side(database: Database) -> None:
    work = Work()
    places = [Place("cn-east-3", "team", "web/shop", f"v{number}") for number in range(20)]
    with running(database, work) as engine:
        ask_for(database, engine, *places)
        deliver(database, engine, lane())
        assert work.has_run(lane())
        assert work.wait_for(lambda: is_answered(database))

    assert sorted(work.looks) == sorted(places)


def test_a_look_that_fails_unexpectedly_does_not_stop_the_engine(database: Database) -> None:
    work = Work()
    work.answers_to[PLACE] = [RuntimeError("broken")]

    def has_failed() -> bool:
        with database.read() as connection:
            return PLACE in find_failures(connection, [PLACE])

    with running(database, work) as engine:
        ask_for(database, engine)
        assert work.wait_for(has_failed)
        ask_for(database, engine)
        assert work.wait_for(lambda: is_answered(database))

    assert work.looks == [PLACE, PLACE]


def test_questions_have_their_share_of_the_turns() -> None:
    queue = FairQueue()
    flow, asked = Flow(Urgency.FRESH, "cn-north-4", "cn-east-3", "ci"), Questions("cn-east-3")
    turns = []
    for _ in range(4 * (LANES_PER_QUESTION + 1)):
        waiting: list[Flow | Questions] = [flow, asked]
        first = queue.in_order(waiting)[0]
        turns.append(first)
        if isinstance(first, Questions):
            queue.charge_question(first.region)
        else:
            queue.charge(first, "team", ["ci"])

    assert (turns.count(asked), turns.count(flow)) == (4, 4 * LANES_PER_QUESTION)


def test_regions_that_are_asked_about_take_turns() -> None:
    queue = FairQueue()
    regions = [Questions("a"), Questions("b")]
    turns = []
    for _ in range(6):
        first = queue.in_order(regions)[0]
        turns.append(first.region)
        queue.charge_question(first.region)

    assert (turns.count("a"), turns.count("b")) == (3, 3)
