"""OPTIONS on a hook: the CloudEvents handshake, and nothing else."""

from dataclasses import replace

import pytest

from swrhook.units import parse_rate
from tests.web.harness import WebHarness

ORIGIN = "eventgrid.azure.example"


@pytest.fixture
def by_path(harness: WebHarness) -> WebHarness:
    ci = replace(harness.config.senders["ci"], takes_path_secret=True)
    harness.config = replace(harness.config, senders={"ci": ci})
    return harness


def test_a_handshake_allows_the_origin(harness: WebHarness) -> None:
    headers = {"WebHook-Request-Origin": ORIGIN, "WebHook-Request-Rate": "120"}
    answer = harness.client(token=None).options("/hooks/ci", headers=headers)

    assert answer.status_code == 200
    assert answer.data == b""
    assert answer.headers["Allow"] == "POST"
    assert answer.headers["WebHook-Allowed-Origin"] == ORIGIN
    assert answer.headers["WebHook-Allowed-Rate"] == "*"


def test_a_rate_is_sent_only_on_request(harness: WebHarness) -> None:
    headers = {"WebHook-Request-Origin": ORIGIN}
    answer = harness.client(token=None).options("/hooks/ci", headers=headers)

    assert answer.status_code == 200
    assert "WebHook-Allowed-Rate" not in answer.headers


@pytest.mark.parametrize(
    ("rate", "per_minute"), [("2/s", "120"), ("100/m", "100"), ("90/h", "1"), ("1/h", "1")]
)
def test_the_rate_is_the_senders_limit_per_minute(
    harness: WebHarness, rate: str, per_minute: str
) -> None:
    ci = replace(harness.config.senders["ci"], rate_limit=parse_rate(rate))
    harness.config = replace(harness.config, senders={"ci": ci})
    headers = {"WebHook-Request-Origin": ORIGIN, "WebHook-Request-Rate": "1000"}
    answer = harness.client(token=None).options("/hooks/ci", headers=headers)

    assert answer.headers["WebHook-Allowed-Rate"] == per_minute


def test_a_sender_with_a_path_secret_answers_at_its_full_url(by_path: WebHarness) -> None:
    headers = {"WebHook-Request-Origin": ORIGIN}
    answer = by_path.client(token=None).options("/hooks/ci/some-secret", headers=headers)

    assert answer.headers["WebHook-Allowed-Origin"] == ORIGIN


@pytest.mark.parametrize("path", ["/hooks/nobody", "/hooks/nobody/secret", "/hooks/ci/secret"])
def test_an_unknown_sender_is_404(harness: WebHarness, path: str) -> None:
    headers = {"WebHook-Request-Origin": ORIGIN}
    answer = harness.client(token=None).options(path, headers=headers)

    assert answer.status_code == 404
    assert "WebHook-Allowed-Origin" not in answer.headers


def test_options_without_a_handshake_is_not_allowed(harness: WebHarness) -> None:
    answer = harness.client(token=None).options("/hooks/ci")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.content_type == "application/problem+json"


def test_a_handshake_records_nothing(harness: WebHarness) -> None:
    harness.client(token=None).options("/hooks/ci", headers={"WebHook-Request-Origin": ORIGIN})

    assert harness.client().get("/api/v1/deliveries").get_json()["items"] == []
