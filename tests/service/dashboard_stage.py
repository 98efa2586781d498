"""The dashboard in a browser: what has to run for it, and checks of a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from swrhook import simulator
from tests.programs import TOKEN, Served
from tests.service.conftest import ENVIRON, SECRET, SOURCE, TARGET, document

DIGEST = "sha256:" + "1" * 64
NOTIFY_SECRET = "whsec_" + "A" * 32
TIMEOUT_MS = 20_000
# Finds texts with too little contrast: WCAG's level AA requires 4.5 for text of this size.
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const over = (color, back) => {
    canvas.fillStyle = `rgb(${back.join()})`; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const light = (color) => {
    const linear = (c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    const [r, g, b] = color.map(c => linear(c / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = (element) => {
    const own = element.parentElement ? behind(element.parentElement) : [255, 255, 255];
    return over(getComputedStyle(element).backgroundColor, own);
  };
  const failures = [];
  for (const element of document.querySelectorAll("body *")) {
    const says = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!says || !element.checkVisibility() || element.closest(".unseen, option")) continue;
    const back = behind(element), style = getComputedStyle(element);
    const color = over(element.closest("svg") ? style.fill : style.color, back);
    const [low, high] = [light(back), light(color)].sort((a, b) => a - b);
    const ratio = (high + .05) / (low + .05);
    if (ratio < 4.5) failures.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return failures;
}"""
# Finds what a keyboard does not reach, or reaches without a mark, and what has no name.
KEYBOARD = """() => {
  const failures = [];
  const all = document.querySelectorAll("a[href], button, input, select, textarea, summary");
  for (const element of all) {
    if (element.type === "hidden" || element.tabIndex < 0 || !element.checkVisibility()) continue;
    element.focus();
    const name = element.ariaLabel || element.textContent.trim() || element.labels?.[0]?.textContent
      || element.getAttribute("aria-labelledby");
    const label = `${element.tagName} ${name ?? element.outerHTML.slice(0, 80)}`;
    if (!name) failures.push(`${label}: has no name`);
    if (document.activeElement !== element) failures.push(`${label}: cannot be focused`);
    const style = getComputedStyle(element);
    if (style.outlineStyle === "none") failures.push(`${label}: shows no focus`);
  }
  return failures;
}"""


class Sink(BaseHTTPRequestHandler):
    """Accepts every notification."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def sink() -> Iterator[str]:
    """Yield the URL of a channel."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@dataclass
class Stage:
    """A served process, its simulator, and a browser; `complaints` are the browser's errors."""

    service: Served
    swr: simulator.RunningSimulator
    browser: Browser
    configuration: dict[str, Any]
    complaints: list[str] = field(default_factory=list)

    def open(self, **options: object) -> Page:
        context: BrowserContext = self.browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("request", lambda request: self._check_host(request.url))
        return page

    def signed_in(self, **options: object) -> Page:
        page = self.open(**options)
        page.goto(f"{self.service.url}/")
        page.locator("#token").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator(".who button")).to_be_visible()
        return page

    def deliver(self, body: object, sender: str = "ci", agent: str = "tests") -> str:
        headers = {"Authorization": f"Bearer {SECRET}", "User-Agent": agent}
        answer = requests.post(
            f"{self.service.url}/hooks/{sender}", json=body, headers=headers, timeout=10
        )
        delivery: str = answer.json()["delivery"]
        return delivery

    def plan_backfill(self, repository: str) -> None:
        requests.post(
            f"{self.service.url}/api/v1/backfill",
            json={"repositories": [repository]},
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=10,
        ).raise_for_status()

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _check_host(self, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self.service.url).netloc:
            self.complaints.append(f"another host: {url}")


@contextmanager
def running_stage(folder: Path) -> Iterator[Stage]:
    """Everything running; the target holds another image under the tag v1."""
    with (
        simulator.start([SOURCE, TARGET]) as swr,
        sink() as channel,
        sync_playwright() as playwright,
    ):
        swr.state.create_organization(TARGET, "team")
        swr.state.seed(SOURCE, "team", "app", "v1", DIGEST)
        swr.state.seed(TARGET, "team", "app", "v1", "sha256:" + "0" * 64)
        served = Served(folder, {**ENVIRON, "NOTIFY_SECRET": NOTIFY_SECRET})
        configuration = document(swr, reload_guard={"syncs": 1})
        configuration["notify"] = {
            "channels": {"ops": {"webhook": channel, "secret": "${NOTIFY_SECRET}"}},
            "rules": [{"on": ["failed"], "to": ["ops"], "group": "1s"}],
        }
        served.configure(configuration)
        served.start()
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--headless"]
        )
        yield Stage(served, swr, browser, configuration)
        browser.close()
        served.close()
