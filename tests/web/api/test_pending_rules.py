"""/api/v1/rules/pending and /rules/accept: what is held, and who lets it in."""

from datetime import UTC, datetime

import pytest

from swrhook.ledger.rule_sets import Verdict, begin_judging, end_judging, find_verdict, note_wanted
from swrhook.web.api import analysis
from tests.web.harness import ADMIN, OPERATE, WebHarness, form_key, signed_in, writes

FINGERPRINT = "ab" * 32
EFFECT = {
    "pushes": 60,
    "complete": True,
    "syncs": 60,
    "gained": 0,
    "lost": 60,
    "redirected": 0,
    "rules": [{"rule": "all", "gained": 0, "lost": 60, "redirected": 0}],
    "examples": [],
}


def hold(harness: WebHarness) -> None:
    now = datetime.now(UTC)
    with harness.database.write() as connection:
        assert begin_judging(connection, FINGERPRINT, "0123456789ab", now)
        assert not begin_judging(connection, FINGERPRINT, "0123456789ab", now)
        end_judging(connection, FINGERPRINT, Verdict.HELD, EFFECT, now)
        note_wanted(connection, FINGERPRINT, now)


def verdict(harness: WebHarness, fingerprint: str) -> Verdict | None:
    with harness.database.read() as connection:
        return find_verdict(connection, fingerprint, datetime.now(UTC))


def test_an_administrator_accepts_what_is_held(harness: WebHarness) -> None:
    hold(harness)
    body = {"fingerprint": FINGERPRINT}
    [pending] = harness.client().get("/api/v1/rules/pending").get_json()["items"]
    assert (pending["fingerprint"], pending["effect"]) == (FINGERPRINT, EFFECT)
    assert harness.client(OPERATE).post("/api/v1/rules/accept", json=body).status_code == 403
    assert "Accept these rules" not in signed_in(harness, OPERATE).get("/rules").text

    answer = harness.client(ADMIN).post("/api/v1/rules/accept", json=body)

    assert (answer.status_code, answer.get_json()) == (202, body)
    assert verdict(harness, FINGERPRINT) is Verdict.ACCEPTED
    assert writes(harness)[0][2:4] == ("POST /api/v1/rules/accept", FINGERPRINT)
    again = harness.client(ADMIN).post("/api/v1/rules/accept", json=body)
    assert again.status_code == 409


def test_the_page_of_rules_has_the_difference_and_the_button(harness: WebHarness) -> None:
    hold(harness)
    pages = signed_in(harness, ADMIN)
    page = pages.get("/rules")
    assert "60 lost" in page.text

    form = {"form_key": form_key(page), "fingerprint": FINGERPRINT}
    assert pages.post("/rules/accept", data=form).status_code == 303

    assert verdict(harness, FINGERPRINT) is Verdict.ACCEPTED


def test_a_file_is_accepted_before_its_rollout(harness: WebHarness) -> None:
    client = harness.client(ADMIN)
    rules = "rules: [{name: new, when: {}, sync: [{region: cn-east-3, namespace: team}]}]"

    answer = client.post("/api/v1/rules/accept", json={"candidate": rules})

    assert answer.status_code == 202, answer.text
    assert verdict(harness, answer.get_json()["fingerprint"]) is Verdict.ACCEPTED
    assert client.post("/api/v1/rules/accept", json={"candidate": "rules: 5"}).status_code == 422
    assert client.post("/api/v1/rules/accept", json={}).status_code == 422


def test_a_file_is_read_in_a_process_of_its_own(
    harness: WebHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take seconds of the interpreter, and deliveries would wait."""
    monkeypatch.setattr(analysis, "COMPARISON_TIMEOUT", 0.01)
    rules = "rules: [{name: new, when: {}, sync: [{region: cn-east-3, namespace: team}]}]"
    answer = harness.client(ADMIN).post("/api/v1/rules/accept", json={"candidate": rules})

    assert answer.status_code == 422
    assert "takes longer than 0.01 seconds" in answer.get_json()["reasons"][0]
