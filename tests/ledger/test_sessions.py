"""Sessions of the dashboard are kept until they end, on both databases."""

from datetime import timedelta

from swrhook.ledger.database import Database
from swrhook.ledger.service_tables import sessions
from swrhook.ledger.sessions import StoredSession, begin, end, find
from tests.factories import NOW, everything

HOUR = timedelta(hours=1)
FIRST = StoredSession("a" * 64, "b" * 64, NOW + HOUR)
SECOND = StoredSession("c" * 64, "d" * 64, NOW + 2 * HOUR)


def test_a_session_is_found_until_it_expires_or_is_ended(database: Database) -> None:
    for session in (FIRST, SECOND):
        begin(database, session, NOW)

    assert [find(database, session.session, NOW) for session in (FIRST, SECOND)] == [FIRST, SECOND]
    assert find(database, FIRST.session, NOW + HOUR) is None
    end(database, SECOND.session)
    assert find(database, SECOND.session, NOW) is None
    assert find(database, "e" * 64, NOW) is None


def test_expired_sessions_are_deleted_when_another_begins(database: Database) -> None:
    begin(database, FIRST, NOW)
    begin(database, SECOND, NOW + HOUR)

    assert [row["session"] for row in everything(database, sessions)] == [SECOND.session]
