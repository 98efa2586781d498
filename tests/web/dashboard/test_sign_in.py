import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from swrhook.config.model import Access
from swrhook.ledger.service_tables import sessions
from swrhook.web.dashboard.paths import local_path
from swrhook.web.dashboard.security import FORM_KEY
from swrhook.web.rate_limit import MAX_FAILURES, MAX_RECORDED
from swrhook.web.session import COOKIE
from tests.factories import everything
from tests.web.harness import ADMIN, ASK, OPERATE, READ, WebHarness, form_key, signed_in, writes


def try_to_sign_in(client: FlaskClient, token: str, **environ: str) -> TestResponse:
    key = form_key(client.get("/sign-in"))
    form = {"token": token, FORM_KEY: key}
    return client.post("/sign-in", data=form, environ_base=environ)


def test_no_cookie_and_no_page_contains_the_token(harness: WebHarness) -> None:
    client = harness.web.test_client()
    answer = try_to_sign_in(client, OPERATE)
    page = client.get("/")

    assert (answer.status_code, page.status_code) == (303, 200)
    assert OPERATE not in str(answer.headers) + answer.text + page.text + str(page.headers)


def test_signing_in_leads_to_the_requested_page(harness: WebHarness) -> None:
    client = harness.web.test_client()
    redirect = client.get("/syncs?show=failing")
    page = client.get(redirect.location)
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
def test_signing_in_never_leads_to_another_host(path: str, expected: str) -> None:
    assert local_path(path) == expected


def test_signing_out_ends_the_session(harness: WebHarness) -> None:
    client = signed_in(harness, READ)
    answer = client.post("/sign-out", data={FORM_KEY: form_key(client.get("/"))})

    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert ((again := client.get("/")).status_code, again.location) == (303, "/sign-in")


def test_whoever_may_only_ask_can_sign_out_again(harness: WebHarness) -> None:
    client = signed_in(harness, ASK)
    key = form_key(client.get("/"))

    assert client.post("/sign-out", data={FORM_KEY: key}).status_code == 303
    assert everything(harness.database, sessions) == []


def test_a_copy_of_the_cookie_is_invalid_after_signing_out(harness: WebHarness) -> None:
    client, other = signed_in(harness, READ), signed_in(harness, READ)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    client.post("/sign-out", data={FORM_KEY: form_key(client.get("/"))})

    client.set_cookie(COOKIE, cookie.value)

    assert ((again := client.get("/")).status_code, again.location) == (303, "/sign-in")
    assert other.get("/").status_code == 200
    [row] = everything(harness.database, sessions)
    assert cookie.value not in str(row)


def test_only_the_address_with_too_many_wrong_tokens_has_to_wait(harness: WebHarness) -> None:
    client = harness.web.test_client()
    for _ in range(MAX_FAILURES):
        assert try_to_sign_in(client, "wrong", REMOTE_ADDR="10.0.0.7").status_code == 403

    refused = try_to_sign_in(client, "wrong", REMOTE_ADDR="10.0.0.7")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert try_to_sign_in(client, "wrong", REMOTE_ADDR="10.0.0.8").status_code == 403


def test_sign_ins_and_refused_ones_are_in_the_audit_log(harness: WebHarness) -> None:
    client = harness.own_web().test_client()
    try_to_sign_in(client, "wrong", REMOTE_ADDR="10.0.0.7")
    try_to_sign_in(client, OPERATE, REMOTE_ADDR="10.0.0.8")

    assert writes(harness, "action=POST /sign-in") == [
        ("ops", "operate", "POST /sign-in", "10.0.0.8", 303),
        ("(none)", "none", "POST /sign-in", "10.0.0.7", 403),
    ]


def test_strangers_cannot_fill_the_audit_log(harness: WebHarness) -> None:
    client = harness.own_web().test_client()
    for number in range(MAX_RECORDED + 20):
        try_to_sign_in(client, "wrong", REMOTE_ADDR=f"10.0.{number // 5}.7")

    assert len(writes(harness, "token=(none)&limit=1000")) == MAX_RECORDED


def test_a_sign_in_is_possible_while_the_audit_log_cannot_be_written(harness: WebHarness) -> None:
    with harness.database.write() as connection:
        connection.execute(text("DROP TABLE audit"))

    assert try_to_sign_in(harness.web.test_client(), READ).status_code == 303


def test_a_right_token_is_never_locked_out(harness: WebHarness) -> None:
    client = harness.web.test_client()
    for _ in range(MAX_FAILURES + 1):
        try_to_sign_in(client, "wrong", REMOTE_ADDR="10.0.0.7")

    assert try_to_sign_in(client, READ, REMOTE_ADDR="10.0.0.7").status_code == 303


def test_an_ipv6_network_counts_as_one_address(harness: WebHarness) -> None:
    client = harness.own_web().test_client()
    for number in range(MAX_FAILURES):
        try_to_sign_in(client, "wrong", REMOTE_ADDR=f"2001:db8::{number:x}")

    assert try_to_sign_in(client, "wrong", REMOTE_ADDR="2001:db8::ffff").status_code == 429


def test_without_configured_tokens_the_page_explains_how_to_add_one(harness: WebHarness) -> None:
    harness.let_access_be(Access())
    page = harness.web.test_client().get("/sign-in")

    assert "no token is configured" in page.text
    assert "access:\n  tokens:" in page.text
    assert 'name="token"' not in page.text


@pytest.mark.parametrize("path", ["/api/v1/syncs", "/metrics"])
def test_the_api_does_not_accept_a_session(harness: WebHarness, path: str) -> None:
    assert signed_in(harness, ADMIN).get(path).status_code == 401


def test_a_page_does_not_accept_a_bearer_token(harness: WebHarness) -> None:
    assert harness.client(ADMIN).get("/syncs").status_code == 303
