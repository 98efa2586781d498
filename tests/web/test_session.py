from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.config.model import AccessToken
from swrhook.ledger.sessions import end, has_ended
from swrhook.web.session import LIFETIME, begin, resume
from tests.web.harness import NOW, WebHarness

OPS = AccessToken("ops", "operate", b"the-token-of-ops-that-is-long")


VIEWER = AccessToken("viewer", "read", b"the-token-of-a-viewer-is-long")


def test_a_session_ends_after_its_lifetime() -> None:
    cookie = begin(OPS, NOW)

    session = resume(cookie, [VIEWER, OPS], NOW + LIFETIME - timedelta(seconds=2))
    assert session is not None
    assert session.holder == OPS
    assert resume(cookie, [VIEWER, OPS], NOW + LIFETIME) is None


def test_a_session_ends_with_its_token() -> None:
    cookie = begin(OPS, NOW)

    for tokens in ([], [VIEWER], [replace(OPS, token=b"another")], [replace(OPS, name="other")]):
        assert resume(cookie, tokens, NOW) is None


def test_a_session_has_the_role_that_its_token_has_now() -> None:
    demoted = replace(OPS, role="read")

    session = resume(begin(OPS, NOW), [demoted], NOW)
    assert session is not None
    assert demoted == session.holder


@pytest.mark.parametrize("cookie", ["", "x", "a.b", begin(VIEWER, NOW)[:-1], "é", "." * 5000])
def test_a_cookie_with_an_invalid_signature_is_no_session(cookie: str) -> None:
    assert resume(cookie, [OPS, VIEWER], NOW) is None


def test_a_signed_out_session_is_deleted_after_its_lifetime(harness: WebHarness) -> None:
    database = harness.database
    end(database, "a" * 64, NOW, NOW)

    end(database, "b" * 64, NOW + LIFETIME, NOW + timedelta(seconds=1))

    assert (has_ended(database, "a" * 64), has_ended(database, "b" * 64)) == (False, True)
