"""The first calls are kept with SWR's answers, up to a limit for each region."""

from sqlalchemy import select

from swrhook.ledger.database import Database
from swrhook.ledger.first_answers import MOST_KEPT, FirstAnswer, answers_by_lane
from swrhook.ledger.service_tables import first_answers
from swrhook.model import Lane
from swrhook.service.first_answers import FirstAnswers
from swrhook.swr import protocol
from swrhook.swr.http import Request
from tests.factories import LANE, FakeClock
from tests.swr.clients import answer

ENDPOINT = "https://west"
HEADERS = {"content-type": "application/json", "set-cookie": "secret", "x-auth-token": "secret"}


def journal(database: Database, clock: FakeClock) -> FirstAnswers:
    return FirstAnswers(database, clock, {ENDPOINT: LANE.source_region})


def call(keeper: FirstAnswers, lane: Lane = LANE, body: bytes = b"[]", status: int = 200) -> None:
    path, content = protocol.sync_images_request(lane, ["v1"])
    request = Request("POST", path, {"X-Auth-Token": "secret"}, content)
    keeper.record(ENDPOINT, request, answer(status, body, HEADERS))


def kept(database: Database) -> list[FirstAnswer]:
    with database.read() as connection:
        return answers_by_lane(connection, [LANE.key]).get(LANE.key, [])


def test_status_headers_and_shape_are_kept_and_no_value(database: Database) -> None:
    clock = FakeClock()
    call(journal(database, clock), body=b'[{"errorCode":"private"}]', status=403)

    [only] = kept(database)
    assert only == FirstAnswer(
        clock.now(), 403, {"content-type": "application/json"}, "[{errorCode: string}]"
    )
    with database.read() as connection:
        row = connection.execute(select(first_answers)).one()
    assert "secret" not in repr(row)
    assert "private" not in repr(row)


def test_only_the_first_calls_of_a_region_are_kept_by_any_process(database: Database) -> None:
    clock = FakeClock()
    first, second = journal(database, clock), journal(database, clock)
    for _ in range(MOST_KEPT):
        clock.advance(1)
        call(first)
        call(second)

    assert len(kept(database)) == MOST_KEPT
    assert first.complete == second.complete == {LANE.source_region}


def test_other_requests_are_not_kept(database: Database) -> None:
    keeper = journal(database, FakeClock())
    keeper.record(ENDPOINT, Request("GET", "/v2/manage/regions", {}), answer(200, b"[]"))
    keeper.record("https://iam", Request("POST", "/v3/auth/tokens", {}), answer(201))

    assert kept(database) == []


def test_a_ledger_that_cannot_be_written_does_not_stop_a_call(database: Database) -> None:
    with database.write() as connection:
        first_answers.drop(connection)

    call(journal(database, FakeClock()))
