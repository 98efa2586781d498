"""OPTIONS on a hook: the CloudEvents handshake, and nothing else."""

from dataclasses import replace

import pytest

from swrhook.units import parse_rate
from tests.web.parts import Parts

ORIGIN = "eventgrid.azure.example"


@pytest.fixture
def by_path(parts: Parts) -> Parts:
    ci = replace(parts.config.senders["ci"], takes_path_secret=True)
    parts.config = replace(parts.config, senders={"ci": ci})
    return parts


def test_a_handshake_allows_the_origin(parts: Parts) -> None:
    headers = {"WebHook-Request-Origin": ORIGIN, "WebHook-Request-Rate": "120"}
    answer = parts.client(token=None).options("/hooks/ci", headers=headers)

    assert answer.status_code == 200
    assert answer.data == b""
    assert answer.headers["Allow"] == "POST"
    assert answer.headers["WebHook-Allowed-Origin"] == ORIGIN
    assert answer.headers["WebHook-Allowed-Rate"] == "*"


def test_a_rate_is_sent_only_on_request(parts: Parts) -> None:
    headers = {"WebHook-Request-Origin": ORIGIN}
    answer = parts.client(token=None).options("/hooks/ci", headers=headers)

    assert answer.status_code == 200
    assert "WebHook-Allowed-Rate" not in answer.headers


@pytest.mark.parametrize(
    ("rate", "per_minute"), [("2/s", "120"), ("100/m", "100"), ("90/h", "1"), ("1/h", "1")]
)
def test_the_rate_is_the_senders_limit_per_minute(parts: Parts, rate: str, per_minute: str) -> None:
    ci = replace(parts.config.senders["ci"], rate_limit=parse_rate(rate))
    parts.config = replace(parts.config, senders={"ci": ci})
    headers = {"WebHook-Request-Origin": ORIGIN, "WebHook-Request-Rate": "1000"}
    answer = parts.client(token=None).options("/hooks/ci", headers=headers)

    assert per_minute == answer.headers["WebHook-Allowed-Rate"]


def test_a_sender_with_a_path_secret_answers_at_its_full_url(by_path: Parts) -> None:
    headers = {"WebHook-Request-Origin": ORIGIN}
    answer = by_path.client(token=None).options("/hooks/ci/some-secret", headers=headers)

    assert answer.headers["WebHook-Allowed-Origin"] == ORIGIN


@pytest.mark.parametrize("path", ["/hooks/nobody", "/hooks/nobody/secret", "/hooks/ci/secret"])
def test_an_unknown_sender_is_404(parts: Parts, path: str) -> None:
    headers = {"WebHook-Request-Origin": ORIGIN}
    answer = parts.client(token=None).options(path, headers=headers)

    assert answer.status_code == 404
    assert "WebHook-Allowed-Origin" not in answer.headers


def test_options_without_a_handshake_is_not_allowed(parts: Parts) -> None:
    answer = parts.client(token=None).options("/hooks/ci")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.content_type == "application/problem+json"


def test_a_handshake_records_nothing(parts: Parts) -> None:
    parts.client(token=None).options("/hooks/ci", headers={"WebHook-Request-Origin": ORIGIN})

    assert parts.client().get("/api/v1/deliveries").get_json()["items"] == []
