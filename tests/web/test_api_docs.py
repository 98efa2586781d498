"""/api/docs in a real browser: no other host, and nothing that its policy forbids."""

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import make_server

import swrhook.web
from tests.programs import needs
from tests.web.harness import READ, WebHarness

ASSETS = Path(swrhook.web.__file__).parent / "swagger"


def test_the_page_has_no_inline_script_or_style_and_a_strict_policy(harness: WebHarness) -> None:
    answer = harness.client(token=None).get("/api/docs")

    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert re.findall(r"<script>|<style|style=|\son\w+=|https?://", answer.text) == []
    answer.close()


@pytest.mark.parametrize("name", ["swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"])
def test_every_asset_is_served_with_the_policy(harness: WebHarness, name: str) -> None:
    answer = harness.client(token=None).get(f"/api/docs/{name}")

    assert (answer.status_code, answer.headers["X-Content-Type-Options"]) == (200, "nosniff")
    assert (ASSETS / name).read_bytes() == answer.data
    answer.close()


@pytest.mark.parametrize("path", ["../access.py", "..%2faccess.py", "nothing.js"])
def test_no_other_file_is_served(harness: WebHarness, path: str) -> None:
    assert harness.client(token=None).get(f"/api/docs/{path}").status_code == 404


@pytest.fixture
def page(harness: WebHarness) -> Iterator[tuple[Page, str, list[str]]]:
    """A browser page, the server's URL, and the browser's error messages."""
    server = make_server("127.0.0.1", 0, harness.web, threaded=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        opened = browser.new_page()
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened, f"http://127.0.0.1:{server.port}", complaints
        browser.close()
    server.shutdown()
    server.server_close()


@needs("chromium")
def test_the_api_can_be_tried_out_without_other_hosts(
    harness: WebHarness, page: tuple[Page, str, list[str]]
) -> None:
    harness.push("team/web:v1")
    opened, url, complaints = page
    urls: list[str] = []
    opened.on("request", lambda request: urls.append(request.url))
    opened.goto(f"{url}/api/docs")
    opened.get_by_label("Token").fill(READ)
    opened.get_by_role("button", name="Show the API").click()
    operation = opened.locator("#operations-syncs-get_api_v1_syncs")
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()

    expect(operation.locator(".live-responses-table .response-col_status").nth(1)).to_have_text(
        re.compile("200")
    )
    assert [other for other in urls if not other.startswith((url, "data:", "blob:"))] == []
    assert complaints == []


@needs("chromium")
def test_an_unknown_token_shows_an_error(page: tuple[Page, str, list[str]]) -> None:
    opened, url, _ = page
    opened.goto(f"{url}/api/docs")
    opened.get_by_label("Token").fill("guessed")
    opened.get_by_role("button", name="Show the API").click()

    expect(opened.get_by_role("status")).to_contain_text("The API cannot be shown: a valid token")
