"""Sign-ins at a real identity provider over HTTPS: who comes in, and who is refused with what."""

import html
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from time import time
from typing import Any

import pytest
import requests
from flask import Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from swrhook.config import parse
from swrhook.config.sso import Sso, SsoGroup
from swrhook.ledger.database import Database
from swrhook.ledger.service_tables import sessions
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from swrhook.sender_keys import HttpsSettings
from swrhook.web import session
from swrhook.web.dashboard.security import FORM_KEY
from swrhook.web.rate_limit import MAX_FAILURES
from tests.factories import everything
from tests.sso.identity_provider import (
    CLIENT_SECRET,
    DASHBOARD,
    FOREIGN_KEY,
    LONG,
    LocalProvider,
    json_answer,
    serve_provider,
)
from tests.web.harness import CONFIG, READ, WebHarness, form_key, writes

pytestmark = pytest.mark.on("sqlite")
SECTION = f"""\
sso:
  issuer: ISSUER
  client_id: swrhook
  client_secret: {CLIENT_SECRET}
  url: {DASHBOARD}
  name: Example ID
  groups:
    - {{name: admins, role: admin}}
    - {{name: ops, role: operate}}
    - {{name: team-a, role: operate, namespaces: [team-a, "team-a-*"]}}
    - {{name: developers, role: read, namespaces_claim: organizations}}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with serve_provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def provider(
    running: tuple[LocalProvider, HttpsSettings], monkeypatch: pytest.MonkeyPatch
) -> LocalProvider:
    """Return the provider as it was at first; the tests' own browser trusts it."""
    provider, https = running
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(https.certificates))
    provider.__dict__.update(replace(LocalProvider(), issuer=provider.issuer).__dict__)
    return provider


@pytest.fixture
def harness(database: Database, provider: LocalProvider, running: Any) -> WebHarness:
    text = CONFIG + SECTION.replace("ISSUER", provider.issuer)
    config = parse(text.encode(), file="f", environ={}, read_file=lambda _path: "")
    harness = WebHarness(database, config, https=running[1])
    harness.own_web()  # which has counted no refused sign-in
    return harness


def sso_of(harness: WebHarness) -> Sso:
    assert harness.config.sso is not None
    return harness.config.sso


def begin(browser: FlaskClient, path: str = "/") -> str:
    """Begin a sign-in, as the button does; return the address that the provider leads back to."""
    there = browser.get("/sign-in/provider", query_string={"path": path}).location
    answer = requests.get(there, allow_redirects=False, timeout=5)
    return answer.headers["Location"].removeprefix(DASHBOARD)


def sign_in(browser: FlaskClient, path: str = "/") -> TestResponse:
    return browser.get(begin(browser, path))


def error_of(answer: TestResponse) -> str:
    [error] = re.findall(r'role="alert">([^<]*)<', answer.text)
    return html.unescape(error)


@pytest.fixture
def browser(harness: WebHarness) -> FlaskClient:
    return harness.web.test_client()


def test_a_member_of_a_group_signs_in_and_is_led_to_the_page(
    harness: WebHarness, browser: FlaskClient
) -> None:
    page = browser.get("/sign-in?path=/syncs%3Fshow%3Dfailing")
    [link] = re.findall(r'href="(/sign-in/provider[^"]*)"', page.text)
    assert "Sign in with Example ID" in page.text
    answer = sign_in(browser, "/syncs?show=failing")

    assert link == "/sign-in/provider?path=/syncs?show%3Dfailing"
    assert (answer.status_code, answer.location) == (303, "/syncs?show=failing")
    assert "sso:alice" in browser.get("/syncs").text
    assert writes(harness)[0] == ("sso:alice", "operate", "GET /sign-in/callback", "127.0.0.1", 303)


GRANTS: list[tuple[Any, dict[str, Any], str, dict[str, int]]] = [
    (["ops", "admins", "others"], {}, "(admin)", {"/audit": 200}),
    (["team-a"], {}, "(operate)", {"/syncs": 200, "/rules": 403}),
    ("developers", {"organizations": ["team-b", "*"]}, "(read)", {"/rules": 403}),
    ("developers", {}, "(read)", {"/syncs": 200, "/repositories": 200, "/rules": 403}),
    (["ops", "team-a"], {}, "(operate)", {"/rules": 200, "/audit": 403}),
]


def test_groups_give_the_role_and_the_organizations(
    browser: FlaskClient, provider: LocalProvider
) -> None:
    for groups, claims, role, statuses in GRANTS:
        provider.groups, provider.claims = groups, claims
        sign_in(browser)

        assert role in browser.get("/syncs").text
        assert {path: browser.get(path).status_code for path in statuses} == statuses


def test_groups_may_be_in_a_claim_of_a_claim_or_on_the_users_page(
    harness: WebHarness, browser: FlaskClient, provider: LocalProvider
) -> None:
    provider.groups, provider.userinfo = None, {"realm": {"roles": ["admins"]}}
    harness.config = replace(
        harness.config, sso=replace(sso_of(harness), groups_claim="realm.roles")
    )

    assert sign_in(browser).status_code == 303
    assert browser.get("/audit").status_code == 200


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"iss": "https://other.example.com"}, "it is of another issuer than sso.issuer"),
    ({"aud": ["another"]}, "it is for another client than sso.client_id"),
    ({"aud": ["swrhook", "more"], "azp": "more"}, "it is for another client"),
    ({"nonce": "of another sign-in"}, "it belongs to another sign-in"),
    ({"exp": -90}, "it has expired: compare the provider's clock with this machine's"),
    ({"iat": 90}, "it is from the future: compare the provider's clock"),
    ({"nbf": 90}, "it is not valid yet: compare the provider's clock"),
    ({"at_hash": "AAAA"}, "it does not belong to the access token"),
    ({"exp": "never"}, "it has expired"),
    ({"preferred_username": "a" * 101}, "the provider does not name you"),
    ({"groups": ["strangers"]}, "alice is in none of the groups under sso.groups"),
]


def test_wrong_tokens_are_refused_with_the_reason_and_audited(
    harness: WebHarness, browser: FlaskClient, provider: LocalProvider
) -> None:
    for number, (claims, reason) in enumerate(WRONG):
        browser.environ_base["REMOTE_ADDR"] = f"10.0.0.{number}"
        provider.claims = in_time(claims)
        answer = sign_in(browser)

        assert (answer.status_code, reason in error_of(answer)) == (403, True), error_of(answer)
        assert 'name="token"' in answer.text
        assert browser.get("/syncs").status_code == 303
    rows = writes(harness, "action=GET /sign-in/callback")
    assert [row[1:] for row in rows] == [
        ("none", "GET /sign-in/callback", f"10.0.0.{number}", 403)
        for number in reversed(range(len(WRONG)))
    ]
    assert {row[0] for row in rows} == {"(none)", "sso:alice"}


def in_time(claims: dict[str, Any]) -> dict[str, Any]:
    """Return claims whose small numbers are seconds from now."""
    return {name: int(time()) + n if isinstance(n, int) else n for name, n in claims.items()}


def test_clocks_may_differ_by_less_than_a_minute(
    browser: FlaskClient, provider: LocalProvider
) -> None:
    for seconds in (-30, 30):
        provider.claims = in_time({"exp": seconds, "iat": seconds, "nbf": seconds})
        assert sign_in(browser).status_code == 303


def test_a_foreign_signature_is_refused(browser: FlaskClient, provider: LocalProvider) -> None:
    provider.key = FOREIGN_KEY

    assert error_of(sign_in(browser)).endswith("ID token is refused: its signature is wrong.")


def test_only_the_browser_that_began_comes_in_and_only_once(
    harness: WebHarness, browser: FlaskClient
) -> None:
    back = begin(browser)
    stranger = harness.web.test_client()
    refused = stranger.get(back)
    other = harness.web.test_client()
    begin(other)

    assert (refused.status_code, other.get(back).status_code) == (403, 403)
    assert "begun in another browser" in error_of(refused)
    assert browser.get(f"{back}&iss=https://evil.example.com").status_code == 403
    again = begin(browser)
    assert browser.get(again).status_code == 303
    assert browser.get(again).status_code == 403


def test_what_the_provider_says_instead_of_a_code_is_shown(browser: FlaskClient) -> None:
    state = re.findall(r"state=([^&]+)", begin(browser))[0]
    answer = browser.get(f"/sign-in/callback?error=access_denied&state={state}")

    assert error_of(answer) == "Not signed in: the provider has signed nobody in: access_denied."


BROKEN = [
    ("/jwks", Response("", 500), "localhost: status 500"),
    ("/token", json_answer({"error": "invalid_client"}, 401), "check sso.client_id"),
    ("/token", Response("<html>", 502), "it issues no token: status 502"),
    ("/token", Response(b"x" * 300_000), "is larger than 262144 bytes"),
    ("/token", Response("", 302, {"Location": "https://evil.example.com"}), "status 302"),
]


def test_a_broken_provider_is_named_and_tokens_still_work(
    browser: FlaskClient, provider: LocalProvider
) -> None:
    for path, answer, reason in BROKEN:
        provider.answers = {path: answer}
        page = sign_in(browser)
        assert (page.status_code, reason in error_of(page)) == (503, True), error_of(page)

    form = {"token": READ, FORM_KEY: form_key(page)}
    assert browser.post("/sign-in", data=form).status_code == 303


def test_a_provider_that_is_down_leaves_the_form(harness: WebHarness) -> None:
    gone = replace(sso_of(harness), issuer="https://localhost:9")
    harness.config = replace(harness.config, sso=gone)
    page = harness.web.test_client().get("/sign-in/provider")

    assert (page.status_code, 'name="token"' in page.text) == (503, True)
    assert error_of(page).startswith("The identity provider cannot be used now: localhost: no conn")


def test_what_the_provider_publishes_is_fetched_once(
    browser: FlaskClient, provider: LocalProvider
) -> None:
    for _ in range(3):
        assert sign_in(browser).status_code == 303

    assert (provider.asked.count("/jwks"), provider.asked.count("/token")) == (1, 3)


def test_signing_out_leads_on_to_the_provider(
    browser: FlaskClient, provider: LocalProvider, harness: WebHarness
) -> None:
    sign_in(browser)
    cookie = browser.get_cookie("swrhook_session")
    assert cookie is not None
    page = browser.post("/sign-out", data={FORM_KEY: form_key(browser.get("/"))})
    there = page.headers["Refresh"].removeprefix("0; url=")
    answer = requests.get(there, allow_redirects=False, timeout=5)
    browser.set_cookie("swrhook_session", cookie.value)

    assert there.startswith(f"{provider.issuer}/end_session?client_id=swrhook&")
    assert answer.headers["Location"] == f"{DASHBOARD}/sign-in"
    assert "alice" not in page.text
    assert browser.get("/syncs").status_code == 303
    assert everything(harness.database, sessions) == []


def test_a_session_ends_with_its_time_its_groups_and_its_client(
    harness: WebHarness, browser: FlaskClient
) -> None:
    sign_in(browser)
    [row] = everything(harness.database, sessions)
    sso = sso_of(harness)

    def status(**changes: Any) -> int:
        harness.config = replace(harness.config, sso=replace(sso, **changes))
        return browser.get("/syncs").status_code

    assert status() == 200
    assert status(session=timedelta(hours=1)) == 303
    assert status(groups=[group for group in sso.groups if group.name != "ops"]) == 303
    assert status(client_id="another") == 303
    assert status(issuer="https://other.example.com") == 303
    harness.config = replace(harness.config, sso=None)
    assert browser.get("/syncs").status_code == 303
    left = row["until"] - harness.context.clock.now()
    assert timedelta(hours=11) < left <= sso.session


def test_an_open_session_has_what_the_file_gives_to_its_groups_now(
    harness: WebHarness, browser: FlaskClient, provider: LocalProvider
) -> None:
    provider.groups = ["ops", "admins"]
    sign_in(browser)
    sso = sso_of(harness)

    def statuses(*groups: SsoGroup) -> list[int]:
        harness.config = replace(harness.config, sso=replace(sso, groups=groups))
        return [browser.get(path).status_code for path in ("/audit", "/rules", "/syncs")]

    ops, only_team_a = SsoGroup("ops", "operate"), Namespaces((Glob("team-a"),))
    assert statuses(ops, SsoGroup("admins", "admin")) == [200, 200, 200]
    assert statuses(ops, SsoGroup("admins", "read")) == [403, 200, 200]
    assert "(operate)" in browser.get("/syncs").text
    assert statuses(replace(ops, role="read")) == [403, 200, 200]
    assert "(read)" in browser.get("/syncs").text
    assert statuses(replace(ops, namespaces=only_team_a)) == [403, 403, 200]
    # The provider was not asked for this claim at sign-in: it names no organization.
    assert statuses(replace(ops, namespaces_claim="teams")) == [403, 403, 200]
    assert statuses(SsoGroup("others", "admin")) == [303, 303, 303]


def test_a_clock_that_is_behind_takes_a_new_session(
    harness: WebHarness, browser: FlaskClient
) -> None:
    sign_in(browser)
    cookie, now = browser.get_cookie("swrhook_session"), harness.context.clock.now()
    assert cookie is not None

    def is_valid(at: datetime) -> bool:
        return session.resume(harness.database, cookie.value, (), at, sso_of(harness)) is not None

    assert is_valid(now - timedelta(seconds=50))


def refuse_often(browser: FlaskClient) -> list[int]:
    forged = "iss=https://evil.example.com"
    return [browser.get(f"{begin(browser)}&{forged}").status_code for _ in range(MAX_FAILURES + 1)]


def test_too_many_refused_sign_ins_have_to_wait(browser: FlaskClient) -> None:
    assert refuse_often(browser) == [403] * MAX_FAILURES + [429]


def test_a_right_sign_in_is_never_locked_out(
    harness: WebHarness, browser: FlaskClient, provider: LocalProvider
) -> None:
    """Others may have the same address, behind one proxy."""
    refuse_often(browser)
    user = harness.web.test_client()

    assert sign_in(user).status_code == 303
    assert user.get("/syncs").status_code == 200
    provider.groups = ["strangers"]
    assert sign_in(user).status_code == 429


def test_a_right_sign_in_comes_in_once_a_turn_is_free(
    harness: WebHarness, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same browser may be at an address that never stops failing."""
    monkeypatch.setattr(harness.context.doubtful_sign_ins, "_wait", 0)
    refuse_often(browser)
    back = begin(browser)
    with harness.context.doubtful_sign_ins.take():
        waiting = browser.get(back)

    assert (waiting.status_code, waiting.headers["Refresh"]) == (429, "2")
    assert "tries again by itself" in waiting.text
    assert browser.get(back).status_code == 303


def test_few_threads_wait_for_a_provider_that_is_slow(
    harness: WebHarness, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strangers can begin sign-ins, as many as they like."""
    monkeypatch.setattr(harness.context.begun_sign_ins, "_wait", 0)
    back = begin(browser)
    with harness.context.begun_sign_ins.take():
        assert harness.web.test_client().get("/sign-in/provider").status_code == 429
        assert browser.get(back).status_code == 303


def test_an_address_that_fails_often_takes_no_turn_of_others(
    harness: WebHarness, browser: FlaskClient
) -> None:
    refuse_often(browser)
    other = harness.web.test_client()
    other.environ_base["REMOTE_ADDR"] = "10.0.0.1"
    with harness.context.doubtful_sign_ins.take():
        assert sign_in(other).status_code == 303
    with harness.context.sign_ins.take():
        assert sign_in(browser).status_code == 303


def test_pages_of_others_can_neither_lock_a_user_out_nor_fill_the_audit_log(
    harness: WebHarness, browser: FlaskClient
) -> None:
    """Any page can have a browser load the callback, as a picture for example."""
    forged = ["/sign-in/callback", "/sign-in/callback?code=x&state=y"] * MAX_FAILURES
    before = writes(harness)

    assert {browser.get(url).status_code for url in forged} == {403}
    assert writes(harness) == before
    assert browser.get(begin(browser)).status_code == 303


def test_no_secret_of_a_sign_in_is_kept_or_logged(
    harness: WebHarness,
    browser: FlaskClient,
    provider: LocalProvider,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    back = begin(browser)
    browser.get(back)
    [row] = everything(harness.database, sessions)
    provider.answers["/token"] = json_answer({"error": CLIENT_SECRET + LONG}, 400)
    refused = sign_in(browser)
    kept = (
        json.dumps(row, default=str) + str(writes(harness)) + caplog.text + str(capfd.readouterr())
    )

    assert refused.status_code == 403
    for secret in (*re.findall(r"(?:code|state)=([^&]+)", back), "eyJ", CLIENT_SECRET):
        assert secret not in kept
    assert json.loads(row["identity"]) == {
        "user": "alice",
        "subject": "sub-of-alice",
        "groups": ["ops"],
        "namespaces": {"organizations": []},
    }
