"""Behind TLS, browsers send the dashboard's cookies to this host alone, and use TLS alone."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from flask.testing import FlaskClient

from swrhook.web.dashboard.security import FORM_KEY
from swrhook.web.session import COOKIE
from tests.web.harness import READ, WebHarness, form_key

PROXY = "10.0.0.1"
HOST = "swrhook.test"
TLS: dict[str, Any] = {
    "headers": {"X-Forwarded-Proto": "https"},
    "environ_base": {"REMOTE_ADDR": PROXY},
}
PLAIN: dict[str, Any] = {"environ_base": {"REMOTE_ADDR": PROXY}}


@pytest.fixture
def browser(harness: WebHarness) -> FlaskClient:
    trusted = (ip_network("10.0.0.0/24"),)
    harness.config = replace(
        harness.config, options=replace(harness.config.options, trusted_proxies=trusted)
    )
    return harness.web.test_client()


def sign_in(browser: FlaskClient, options: dict[str, Any]) -> None:
    # A browser sends a secure cookie over TLS only, and so does the test client.
    base = {"base_url": f"https://{HOST}"} if options is TLS else {}
    key = form_key(browser.get("/sign-in", **options, **base))
    answer = browser.post("/sign-in", data={"token": READ, FORM_KEY: key}, **options, **base)
    assert answer.status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/static/dashboard.css", "/api/docs"])
def test_a_browser_that_used_tls_once_uses_nothing_else(browser: FlaskClient, path: str) -> None:
    over_tls = browser.get(path, buffered=True, **TLS)
    plain = browser.get(path, buffered=True, **PLAIN)

    assert over_tls.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in plain.headers


def test_a_cookie_over_tls_is_of_this_host_alone(browser: FlaskClient) -> None:
    sign_in(browser, TLS)

    assert browser.get_cookie(COOKIE, HOST) is None
    assert browser.get_cookie(f"__Host-{COOKIE}", HOST) is not None
    assert browser.get("/", base_url=f"https://{HOST}", **TLS).status_code == 200


def test_a_cookie_that_plain_http_could_have_set_is_not_used_over_tls(
    browser: FlaskClient,
) -> None:
    sign_in(browser, PLAIN)

    assert browser.get("/", **PLAIN).status_code == 200
    assert browser.get("/", **TLS).status_code == 303


def test_signing_out_over_tls_deletes_the_cookie(browser: FlaskClient) -> None:
    sign_in(browser, TLS)
    page = browser.get("/", base_url=f"https://{HOST}", **TLS)

    browser.post("/sign-out", data={FORM_KEY: form_key(page)}, base_url=f"https://{HOST}", **TLS)

    assert browser.get_cookie(f"__Host-{COOKIE}", HOST) is None
