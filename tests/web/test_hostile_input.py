"""No parameter, path or body is an error of ours: each answer below 500, each refusal a problem."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from tests.web.harness import ADMIN, WebHarness, form_key, signed_in

pytestmark = pytest.mark.on("postgresql")  # it refuses more values than SQLite

LONG = "9" * 5000  # Python converts at most 4,300 digits
VALUES = [
    "0001-01-01T00:00:00%2B00:00",
    "0001-01-01T00:00:00%2B23:59",
    "9999-12-31T23:59:59-23:59",
    LONG,
    f"-{LONG}",
    "%00",
    "%ff%fe",
    "%ed%a0%80",  # a lone surrogate, as UTF-8 would write it
    "36500d",
    "1e400",
    quote("٣"),
    quote("a/b:\x1b[2J\u202e"),
]
BODIES = [
    LONG.encode(),
    b'{"image": %s}' % LONG.encode(),
    b'{"\\ud800": 1}',
    b'{"image": "\\ud800/a:b", "source_region": "cn-north-4"}',
    b'{"image": "team/web:v1", "source_region": "\\ud800"}',
    b'{"image": "team/web:v1", "source_region": "\\u0000"}',
    b'{"image": "a/b:v1", "source_region": "c", "targets": [{"region": "\\ud800"}]}',
    b'{"repositories": ["team/web\\ud800", "\\u0000"]}',
    b'{"candidate": "\\ud800", "since": "0001-01-01T00:00:00+00:00"}',
    b'{"candidate": "rules: []", "since": "0001-01-01T00:00:00+00:00"}',
    b'{"since": "9999-12-31T23:59:59-23:59"}',
    b"\xff\xfe{}",
    b"[" * 100_000,
    b"[" + b"0," * 200_000 + b"0]",
    b"NaN",
]


def operations(harness: WebHarness) -> Iterator[tuple[str, str, list[str]]]:
    """Yield method, path and query parameters of each operation of the API."""
    paths = harness.client(ADMIN).get("/api/openapi.json").get_json()["paths"]
    for path, methods in paths.items():
        for method in methods.keys() & {"get", "post"}:
            parameters: list[dict[str, Any]] = methods[method].get("parameters", [])
            names = [each["name"] for each in parameters if each.get("in") == "query"]
            yield method, path, names


def wrong(answer: TestResponse, about: object) -> list[str]:
    """Return what is wrong with an answer of the API, if anything is."""
    is_problem = answer.content_type == "application/problem+json"
    if answer.status_code < 400 or (answer.status_code < 500 and is_problem):
        return []
    return [f"{ascii(about)[:200]}: {answer.status_code} {answer.content_type}"]


def test_no_parameter_of_the_api_is_an_error_of_ours(harness: WebHarness) -> None:
    harness.push("team/web:v1")
    client = harness.client(ADMIN)
    found = []
    for method, path, names in operations(harness):
        if method == "post":
            continue
        for value in VALUES:
            url = re.sub(r"\{\w+\}", value, path)
            image = "" if "image" not in names else "&image=team/web:v1"
            for name in names or ["none"]:
                query = f"{name}={value}{image if name != 'image' else ''}&timeout=0"
                query = query if "timeout" in names else query.removesuffix("&timeout=0")
                found += wrong(client.get(f"{url}?{query}"), (path, name, value))

    assert found == []


def test_no_body_of_the_api_is_an_error_of_ours(harness: WebHarness) -> None:
    client = harness.client(ADMIN)
    found = []
    for method, path, _ in operations(harness):
        if method == "post":
            url = re.sub(r"\{\w+\}", "%00%ff", path)
            for body in BODIES:
                answer = client.post(url, data=body, content_type="application/json")
                found += wrong(answer, (path, body))

    assert found == []


def test_no_parameter_of_a_page_is_an_error_of_ours(harness: WebHarness) -> None:
    harness.push("team/web:v1")
    browser = signed_in(harness, ADMIN)
    names = "image since state region cursor limit window from"
    found = []
    for rule in harness.web.url_map.iter_rules():
        if not rule.endpoint.startswith("dashboard.") or "GET" not in (rule.methods or ()):
            continue
        for value in (VALUES[0], LONG, "%ed%a0%80", "%ff", quote("٣")):
            path = re.sub(r"<[^>]*>", value, rule.rule)
            for name in names.split():
                answer = browser.get(f"{path}?{name}={value}", buffered=True)
                if answer.status_code >= 500:
                    found.append(f"{rule.rule} {name} {value[:50]}: {answer.status_code}")

    assert found == []


def test_no_form_of_a_page_is_an_error_of_ours(harness: WebHarness) -> None:
    browser = signed_in(harness, ADMIN)
    key = form_key(browser.get("/"))
    names = ("token", "path", "since", "candidate", "image", "region")
    found = []
    for rule in harness.web.url_map.iter_rules():
        if not rule.endpoint.startswith("dashboard.") or "POST" not in (rule.methods or ()):
            continue
        if rule.endpoint == "dashboard.sign_out":
            continue
        for value in (b"\0", b"\xed\xa0\x80", LONG.encode(), b"\xff"):
            form = {"form_key": key} | dict.fromkeys(names, value)
            answer = browser.post(re.sub(r"<[^>]*>", "%ff", rule.rule), data=form)
            if answer.status_code >= 500:
                found.append(f"{rule.rule} {value[:50]!r}: {answer.status_code}")

    assert found == []
