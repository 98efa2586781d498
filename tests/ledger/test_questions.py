"""Questions about places: asked by anybody, answered once."""

from datetime import datetime

import pytest

from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import read_occupancy, read_waiting
from swrhook.ledger.observations import find_observations
from swrhook.ledger.questions import (
    LEASE,
    Failure,
    QuestionSession,
    ask,
    find_failures,
    sweep_questions,
    take_question,
)
from swrhook.ledger.tables import questions
from swrhook.syncs.observations import Place, TagObservation
from tests.factories import MINUTE, NOW, SECOND, A, everything
from tests.ledger.queue import HOLDER, OTHER_HOLDER

PLACE = Place("cn-east-3", "team", "web/shop", "v1")
OTHER = Place("cn-east-3", "team", "web/shop", "v2")
AFAR = Place("ap-southeast-1", "team", "web/shop", "v1")


def ask_for(
    database: Database,
    *places: Place,
    at: datetime = NOW,
    since: datetime = NOW,
    until: datetime = NOW + 10 * SECOND,
) -> None:
    with database.write() as connection:
        ask(connection, places or [PLACE], at, since=since, until=until)


def take(database: Database, holder: str = HOLDER, at: datetime = NOW) -> QuestionSession | None:
    with database.write() as connection:
        place = take_question(connection, PLACE.region, holder, at)
    return None if place is None else QuestionSession(database, place, holder)


def taken(database: Database, holder: str = HOLDER, at: datetime = NOW) -> QuestionSession:
    session = take(database, holder, at)
    assert session is not None
    return session


def waiting(database: Database) -> list[str]:
    with database.read() as connection:
        return read_waiting(connection)[1]


def failures(database: Database) -> dict[Place, Failure]:
    with database.read() as connection:
        return find_failures(connection, [PLACE, OTHER])


def test_questions_wait_by_region(database: Database) -> None:
    assert waiting(database) == []
    ask_for(database, PLACE, OTHER, AFAR)

    assert waiting(database) == ["ap-southeast-1", "cn-east-3"]


def test_a_question_of_many_is_taken_once(database: Database) -> None:
    for _ in range(3):
        ask_for(database)

    assert taken(database).place == PLACE
    assert take(database, OTHER_HOLDER) is None
    assert waiting(database) == []


def test_who_has_waited_longest_is_answered_first(database: Database) -> None:
    ask_for(database, OTHER, at=NOW - SECOND)
    ask_for(database, PLACE)

    assert [taken(database).place for _ in range(2)] == [OTHER, PLACE]


def test_an_answer_is_kept_and_ends_the_question(database: Database) -> None:
    ask_for(database)

    taken(database).answer(TagObservation(PLACE, A, NOW + SECOND))

    assert everything(database, questions) == []
    with database.read() as connection:
        assert find_observations(connection, [PLACE])[PLACE].digest == A


def test_who_asks_while_a_worker_looks_gets_its_answer(database: Database) -> None:
    ask_for(database)
    question = taken(database)
    ask_for(database, since=NOW - 30 * SECOND)

    question.answer(TagObservation(PLACE, A, NOW))

    assert everything(database, questions) == []


def test_who_asks_for_a_later_look_gets_another_one(database: Database) -> None:
    ask_for(database)
    question = taken(database)
    ask_for(database, since=NOW + SECOND)
    assert take(database, OTHER_HOLDER) is None  # one at a time

    question.answer(TagObservation(PLACE, A, NOW))

    assert taken(database).place == PLACE


def test_a_look_that_fails_says_why_until_it_is_asked_again(database: Database) -> None:
    ask_for(database)
    taken(database).fail(Failure("no answer", is_final=False))

    assert failures(database) == {PLACE: Failure("no answer", is_final=False)}
    assert take(database) is None
    ask_for(database)
    assert failures(database) == {}
    assert taken(database).place == PLACE


def test_a_question_given_back_is_taken_again(database: Database) -> None:
    ask_for(database)
    taken(database).give_back()

    assert taken(database, OTHER_HOLDER).place == PLACE


def test_another_worker_looks_when_the_first_one_is_lost(database: Database) -> None:
    ask_for(database, until=NOW + MINUTE)
    lost = taken(database)
    with database.write() as connection:
        sweep_questions(connection, NOW + LEASE - SECOND)
    assert take(database, OTHER_HOLDER) is None

    with database.write() as connection:
        sweep_questions(connection, NOW + LEASE)
    second = taken(database, OTHER_HOLDER)

    lost.fail(Failure("too late", is_final=True))
    assert failures(database) == {}
    second.answer(TagObservation(PLACE, A, NOW + LEASE))
    assert everything(database, questions) == []


def test_a_question_for_which_nobody_waits_is_dropped(database: Database) -> None:
    ask_for(database, until=NOW + SECOND)
    ask_for(database, OTHER, until=NOW + MINUTE)
    with database.write() as connection:
        sweep_questions(connection, NOW + 2 * SECOND)

    assert [row["tag"] for row in everything(database, questions)] == ["v2"]


@pytest.mark.on("postgresql")
def test_looks_of_other_processes_take_room_of_their_region(database: Database) -> None:
    ask_for(database, PLACE, OTHER)
    taken(database)
    taken(database, OTHER_HOLDER)

    with database.read() as connection:
        occupancy = read_occupancy(connection, HOLDER)
    assert (occupancy.regions, occupancy.pairs) == (
        {"cn-east-3": 1},
        {("cn-east-3", "cn-east-3"): 1},
    )
