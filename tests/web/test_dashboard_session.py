import re
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from swrhook.config.model import Access, AccessToken
from swrhook.ledger.sessions import end, has_ended
from swrhook.ledger.tables import ended_sessions
from swrhook.web.dashboard.security import FORM_COOKIE, FORM_KEY, HEADERS
from swrhook.web.dashboard.sign_in import MAX_FAILURES, local_path
from swrhook.web.session import COOKIE, LIFETIME, begin, resume
from tests.ledger.parts import everything
from tests.web.parts import ADMIN, NOW, OPERATE, READ, Parts, form_key, signed_in

OPS = AccessToken("ops", "operate", b"the-token-of-ops-that-is-long")
VIEWER = AccessToken("viewer", "read", b"the-token-of-a-viewer-is-long")


def try_to_sign_in(client: FlaskClient, token: str, **environ: str) -> TestResponse:
    key = form_key(client.get("/sign-in"))
    form = {"token": token, FORM_KEY: key}
    return client.post("/sign-in", data=form, environ_base=environ)


def test_a_session_ends_after_its_lifetime() -> None:
    cookie = begin(OPS, NOW)

    found = resume(cookie, [VIEWER, OPS], NOW + LIFETIME - timedelta(seconds=2))
    assert found is not None
    assert found.holder == OPS
    assert None is resume(cookie, [VIEWER, OPS], NOW + LIFETIME)


def test_a_session_ends_with_its_token() -> None:
    cookie = begin(OPS, NOW)

    for tokens in ([], [VIEWER], [replace(OPS, token=b"another")], [replace(OPS, name="other")]):
        assert None is resume(cookie, tokens, NOW)


def test_a_session_has_the_role_that_its_token_has_now() -> None:
    demoted = replace(OPS, role="read")

    found = resume(begin(OPS, NOW), [demoted], NOW)
    assert found is not None
    assert demoted == found.holder


@pytest.mark.parametrize("cookie", ["", "x", "a.b", begin(VIEWER, NOW)[:-1], "é", "." * 5000])
def test_what_was_not_signed_with_a_token_is_no_session(cookie: str) -> None:
    assert None is resume(cookie, [OPS, VIEWER], NOW)


def test_the_token_is_in_no_cookie_and_in_no_page(parts: Parts) -> None:
    client = parts.web.test_client()
    answer = try_to_sign_in(client, OPERATE)
    page = client.get("/")

    assert (answer.status_code, page.status_code) == (303, 200)
    assert OPERATE not in str(answer.headers) + answer.text + page.text + str(page.headers)


def test_a_session_begins_where_the_form_was_asked_for(parts: Parts) -> None:
    client = parts.web.test_client()
    asked = client.get("/syncs?show=failing")
    page = client.get(asked.location)
    [path] = re.findall(r'name="path" value="([^"]*)"', page.text)

    answer = client.post("/sign-in", data={"token": READ, "path": path, FORM_KEY: form_key(page)})
    assert (answer.status_code, answer.location) == (303, "/syncs?show=failing")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/syncs?show=pending", "/syncs?show=pending"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_nowhere_else(path: str, expected: str) -> None:
    assert expected == local_path(path)


def test_signing_out_ends_the_session(parts: Parts) -> None:
    client = signed_in(parts, READ)
    answer = client.post("/sign-out", data={FORM_KEY: form_key(client.get("/"))})

    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert ((again := client.get("/")).status_code, again.location) == (303, "/sign-in")


def test_a_copy_of_the_cookie_is_good_for_nothing_after_signing_out(parts: Parts) -> None:
    client, other = signed_in(parts, READ), signed_in(parts, READ)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    client.post("/sign-out", data={FORM_KEY: form_key(client.get("/"))})

    client.set_cookie(COOKIE, cookie.value)

    assert ((again := client.get("/")).status_code, again.location) == (303, "/sign-in")
    assert other.get("/").status_code == 200
    [row] = everything(parts.database, ended_sessions)
    assert row["session"] not in cookie.value


def test_what_was_signed_out_is_forgotten_when_it_would_have_ended(parts: Parts) -> None:
    database = parts.database
    end(database, "a" * 64, NOW, NOW)

    end(database, "b" * 64, NOW + LIFETIME, NOW + timedelta(seconds=1))

    assert (has_ended(database, "a" * 64), has_ended(database, "b" * 64)) == (False, True)


@pytest.mark.parametrize(
    ("peer", "headers", "secure"),
    [
        ("10.0.0.1", {}, False),
        ("10.0.0.1", {"X-Forwarded-Proto": "https"}, True),
        ("10.0.0.1", {"X-Forwarded-Proto": "https, http"}, False),
        ("10.9.9.9", {"X-Forwarded-Proto": "https"}, False),
    ],
)
def test_a_cookie_is_for_this_host_and_no_script(
    parts: Parts, peer: str, headers: dict[str, str], *, secure: bool
) -> None:
    trusted = (ip_network("10.0.0.0/24"),)
    parts.config = replace(
        parts.config, options=replace(parts.config.options, trusted_proxies=trusted)
    )
    client = parts.web.test_client()
    key = form_key(client.get("/sign-in"))
    answer = client.post(
        "/sign-in",
        data={"token": READ, FORM_KEY: key},
        headers=headers,
        environ_base={"REMOTE_ADDR": peer},
    )
    [cookie] = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith(COOKIE)]

    attributes = set(cookie.split("; ")[1:])
    expected = {"HttpOnly", "Path=/", "SameSite=Lax"} | ({"Secure"} if secure else set())
    assert expected == attributes


def test_whoever_is_wrong_too_often_has_to_wait_and_others_have_not(parts: Parts) -> None:
    client = parts.web.test_client()
    for _ in range(MAX_FAILURES):
        assert try_to_sign_in(client, "wrong", REMOTE_ADDR="10.0.0.7").status_code == 403

    refused = try_to_sign_in(client, READ, REMOTE_ADDR="10.0.0.7")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert try_to_sign_in(client, READ, REMOTE_ADDR="10.0.0.8").status_code == 303


def test_an_ipv6_network_counts_as_one(parts: Parts) -> None:
    client = parts.web.test_client()
    for number in range(MAX_FAILURES):
        try_to_sign_in(client, "wrong", REMOTE_ADDR=f"2001:db8::{number:x}")

    assert try_to_sign_in(client, READ, REMOTE_ADDR="2001:db8::ffff").status_code == 429


def test_without_a_token_in_the_configuration_the_page_says_how_to_get_in(parts: Parts) -> None:
    parts.let_access_be(Access())
    page = parts.web.test_client().get("/sign-in")

    assert "no token is configured" in page.text
    assert "access:\n  tokens:" in page.text
    assert 'name="token"' not in page.text


@pytest.mark.parametrize("path", ["/sign-in", "/", "/syncs", "/static/dashboard.css", "/syncs/x"])
def test_every_answer_has_the_protecting_headers(parts: Parts, path: str) -> None:
    answer = signed_in(parts, READ).get(path, buffered=True)

    assert dict(HEADERS) == {name: answer.headers[name] for name in HEADERS}
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("key", ["", "guessed"])
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/syncs/x/retry"])
def test_a_form_of_another_page_is_refused(parts: Parts, path: str, key: str) -> None:
    client = signed_in(parts, OPERATE)

    assert client.post(path, data={"token": READ, FORM_KEY: key}).status_code == 400


def test_a_form_that_another_site_sends_is_refused(parts: Parts) -> None:
    client = signed_in(parts, OPERATE)
    form = {FORM_KEY: form_key(client.get("/"))}

    answer = client.post("/sign-out", data=form, headers={"Sec-Fetch-Site": "same-site"})
    assert answer.status_code == 400


def test_a_key_of_the_sign_in_form_opens_no_other_form(parts: Parts) -> None:
    client = signed_in(parts, OPERATE)
    client.set_cookie(FORM_COOKIE, "known")

    assert client.post("/syncs/x/retry", data={FORM_KEY: "known"}).status_code == 400


@pytest.mark.parametrize("path", ["/api/v1/syncs", "/metrics"])
def test_the_api_takes_no_session(parts: Parts, path: str) -> None:
    assert signed_in(parts, ADMIN).get(path).status_code == 401


def test_a_page_takes_no_bearer_token(parts: Parts) -> None:
    assert parts.client(ADMIN).get("/syncs").status_code == 303
