"""Sessions of the dashboard: at every process, after a restart, and only with their token."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from swrhook.config.model import Access, AccessToken
from swrhook.ledger.database import Database
from swrhook.ledger.service_tables import sessions
from swrhook.ledger.sessions import end
from swrhook.web.session import LIFETIME, begin, resume
from tests.factories import everything
from tests.web.harness import NOW, READ, WebHarness, signed_in


def token(name: str, role: str, value: bytes) -> AccessToken:
    return AccessToken(name, role, sha256(value).digest())


OPS = token("ops", "operate", b"the-token-of-ops-that-is-long")
VIEWER = token("viewer", "read", b"the-token-of-a-viewer-is-long")


def test_a_session_ends_after_its_lifetime(database: Database) -> None:
    cookie = begin(database, OPS, NOW)

    session = resume(database, cookie, [VIEWER, OPS], NOW + LIFETIME - timedelta(seconds=2))
    assert session is not None
    assert session.holder == OPS
    assert resume(database, cookie, [VIEWER, OPS], NOW + LIFETIME) is None


def test_a_session_ends_with_its_token(database: Database) -> None:
    cookie = begin(database, OPS, NOW)

    for tokens in ([], [VIEWER], [replace(OPS, digest=b"another")], [replace(OPS, name="other")]):
        assert resume(database, cookie, tokens, NOW) is None


def test_a_session_has_the_role_that_its_token_has_now(database: Database) -> None:
    demoted = replace(OPS, role="read")

    session = resume(database, begin(database, OPS, NOW), [demoted], NOW)
    assert session is not None
    assert demoted == session.holder


@pytest.mark.parametrize("cookie", ["", "x", "a.b", "é", "\udcff", "." * 5000])
def test_an_invented_cookie_is_no_session(database: Database, cookie: str) -> None:
    begin(database, OPS, NOW)

    assert resume(database, cookie, [OPS, VIEWER], NOW) is None


def test_nobody_can_make_a_cookie_from_the_ledger_and_the_configuration(
    database: Database,
) -> None:
    cookie = begin(database, OPS, NOW)
    [row] = everything(database, sessions)

    for stolen in (row["session"], row["mark"], OPS.digest.hex()):
        assert resume(database, stolen, [OPS], NOW) is None
    assert cookie not in str(row)
    assert OPS.digest.hex() not in str(row)


def test_an_ended_session_is_invalid_and_an_expired_one_is_deleted(database: Database) -> None:
    begin(database, OPS, NOW - LIFETIME)
    cookie = begin(database, OPS, NOW)
    session = resume(database, cookie, [OPS], NOW)
    assert session is not None
    before = len(everything(database, sessions))
    end(database, session.id)

    assert before == 1
    assert everything(database, sessions) == []
    assert resume(database, cookie, [OPS], NOW) is None


def test_a_session_is_valid_at_another_process_and_after_a_restart(harness: WebHarness) -> None:
    client = signed_in(harness, READ)
    other = WebHarness(harness.database).web.test_client()
    cookie = client.get_cookie("swrhook_session")
    assert cookie is not None
    other.set_cookie("swrhook_session", cookie.value)

    assert other.get("/syncs").status_code == 200
    other.post("/sign-out", data={"form_key": form_key_of(other.get("/syncs").text)})
    assert client.get("/syncs").status_code == 303


def form_key_of(page: str) -> str:
    return page.partition('name="form_key" value="')[2].partition('"')[0]


def test_a_session_ends_when_its_token_expires(harness: WebHarness) -> None:
    client = signed_in(harness, READ)
    tokens = harness.config.access.tokens
    harness.let_access_be(Access([replace(t, not_after=NOW - timedelta(days=1)) for t in tokens]))

    assert client.get("/syncs").status_code == 303
    assert harness.client(READ).get("/api/v1/syncs").status_code == 401
