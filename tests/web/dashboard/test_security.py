from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from swrhook.web.dashboard.security import FORM_COOKIE, FORM_KEY, HEADERS
from swrhook.web.session import COOKIE
from tests.web.harness import OPERATE, READ, WebHarness, form_key, signed_in


@pytest.mark.parametrize(
    ("peer", "headers", "secure"),
    [
        ("10.0.0.1", {}, False),
        ("10.0.0.1", {"X-Forwarded-Proto": "https"}, True),
        ("10.0.0.1", {"X-Forwarded-Proto": "https, http"}, False),
        ("10.9.9.9", {"X-Forwarded-Proto": "https"}, False),
    ],
)
def test_a_cookie_has_the_protecting_attributes(
    harness: WebHarness, peer: str, headers: dict[str, str], *, secure: bool
) -> None:
    trusted = (ip_network("10.0.0.0/24"),)
    harness.config = replace(
        harness.config, options=replace(harness.config.options, trusted_proxies=trusted)
    )
    client = harness.web.test_client()
    options: dict[str, Any] = {"headers": headers, "environ_base": {"REMOTE_ADDR": peer}}
    if secure:  # as a browser, the client sends secure cookies over TLS only
        options["base_url"] = "https://localhost"
    key = form_key(client.get("/sign-in", **options))
    answer = client.post("/sign-in", data={"token": READ, FORM_KEY: key}, **options)
    name = f"__Host-{COOKIE}=" if secure else f"{COOKIE}="
    [cookie] = [
        header for header in answer.headers.getlist("Set-Cookie") if header.startswith(name)
    ]

    attributes = set(cookie.split("; ")[1:])
    expected = {"HttpOnly", "Path=/", "SameSite=Lax"} | ({"Secure"} if secure else set())
    assert expected == attributes


@pytest.mark.parametrize("path", ["/sign-in", "/", "/syncs", "/static/dashboard.css", "/syncs/x"])
def test_every_answer_has_the_protecting_headers(harness: WebHarness, path: str) -> None:
    answer = signed_in(harness, READ).get(path, buffered=True)

    assert dict(HEADERS) == {name: answer.headers[name] for name in HEADERS}
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("key", ["", "guessed"])
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/syncs/x/retry"])
def test_a_form_of_another_page_is_refused(harness: WebHarness, path: str, key: str) -> None:
    client = signed_in(harness, OPERATE)

    assert client.post(path, data={"token": READ, FORM_KEY: key}).status_code == 400


def test_a_form_that_another_site_sends_is_refused(harness: WebHarness) -> None:
    client = signed_in(harness, OPERATE)
    form = {FORM_KEY: form_key(client.get("/"))}

    answer = client.post("/sign-out", data=form, headers={"Sec-Fetch-Site": "same-site"})
    assert answer.status_code == 400


def test_the_key_of_the_sign_in_form_is_invalid_for_other_forms(harness: WebHarness) -> None:
    client = signed_in(harness, OPERATE)
    client.set_cookie(FORM_COOKIE, "known")

    assert client.post("/syncs/x/retry", data={FORM_KEY: "known"}).status_code == 400
