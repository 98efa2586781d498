"""What a sender may deliver in a time, and who may try to sign in; no test waits for a time."""

import time
from dataclasses import replace

import pytest
from werkzeug.test import TestResponse

from swrhook.units import parse_rate
from swrhook.web.rate_limit import MAX_RECORDED, FailedSignIns
from tests.web.harness import SECRET, WebHarness


@pytest.fixture
def limited(harness: WebHarness) -> WebHarness:
    """Parts with two senders that may deliver twice an hour, and one that may always."""
    ci = harness.config.senders["ci"]
    twice = replace(ci, rate_limit=parse_rate("2/h"))
    senders = {"ci": twice, "other": replace(twice, name="other"), "free": replace(ci, name="free")}
    harness.config = replace(harness.config, senders=senders)
    return harness


def deliver(
    harness: WebHarness,
    sender: str = "ci",
    body: bytes = b'{"image": "x/app:v1"}',
    secret: str = SECRET,
) -> TestResponse:
    headers = {"Authorization": f"Bearer {secret}"}
    return harness.client(token=None).post(f"/hooks/{sender}", data=body, headers=headers)


def test_a_delivery_over_the_limit_is_429_with_retry_after(limited: WebHarness) -> None:
    answers = [deliver(limited) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].content_type == "application/problem+json"
    assert "the sender's rate_limit is 2/h" in answers[2].get_json(force=True)["detail"]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 3600
    assert len(limited.client().get("/api/v1/deliveries").get_json()["items"]) == 2


def test_every_sender_has_its_own_limit(limited: WebHarness) -> None:
    senders = ["ci", "ci", "ci", "other", "free", "free", "free"]
    statuses = [deliver(limited, sender).status_code for sender in senders]

    assert statuses == [200, 200, 429, 200, 200, 200, 200]


def test_unauthenticated_deliveries_do_not_count(limited: WebHarness) -> None:
    guesses = [deliver(limited, secret="wrong").status_code for _ in range(5)]

    assert guesses == [401] * 5
    assert deliver(limited).status_code == 200


def test_an_authentic_delivery_counts_even_if_it_is_undecodable(limited: WebHarness) -> None:
    statuses = [deliver(limited, body=b"not JSON").status_code for _ in range(3)]

    assert statuses == [400, 400, 429]


def test_a_changed_limit_starts_counting_anew(limited: WebHarness) -> None:
    for _ in range(3):
        deliver(limited)
    ci = replace(limited.config.senders["ci"], rate_limit=parse_rate("3/h"))
    limited.config = replace(limited.config, senders={"ci": ci})

    assert deliver(limited).status_code == 200


def test_a_clock_that_is_set_back_locks_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    failures, now = FailedSignIns(), time.time()
    for _ in range(MAX_RECORDED):
        failures.count(None)
    before = failures.wait(None), failures.count(None)
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    after = failures.wait(None), failures.count(None)

    assert (before[0] > 0, before[1]) == (True, False)
    assert after == (0, True)


def test_refusals_are_counted(limited: WebHarness) -> None:
    for _ in range(3):
        deliver(limited)

    assert b'{kind="rate_limited",sender="ci"} 1.0' in limited.client().get("/metrics").data
