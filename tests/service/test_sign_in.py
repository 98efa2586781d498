"""A session of the dashboard under the real gunicorn, across a restart."""

import re

import requests

from tests.programs import TOKEN, Served


def form_key(page: str) -> str:
    return str(re.findall(r'name="form_key" value="([^"]+)"', page)[0])


def status(service: Served, browser: requests.Session) -> int:
    return browser.get(f"{service.url}/syncs", allow_redirects=False, timeout=10).status_code


def test_a_session_survives_a_restart_and_a_signed_out_one_does_not(service: Served) -> None:
    service.start()
    browser = requests.Session()
    page = browser.get(f"{service.url}/sign-in", timeout=10).text
    form = {"token": TOKEN, "form_key": form_key(page)}
    browser.post(f"{service.url}/sign-in", data=form, timeout=10).raise_for_status()
    before = status(service, browser)
    copied = requests.Session()
    copied.cookies.update(browser.cookies)
    service.stop()
    service.start()
    after = status(service, browser)
    page = browser.get(f"{service.url}/syncs", timeout=10).text
    out = {"form_key": form_key(page)}
    browser.post(f"{service.url}/sign-out", data=out, timeout=10).raise_for_status()
    service.stop()
    service.start()

    assert (before, after, status(service, copied)) == (200, 200, 303)
