"""Retry and cancel over HTTP."""

from dataclasses import replace
from typing import Any

import pytest

from swrhook.rules.match import RuleTarget
from swrhook.rules.rulebook import Rulebook
from swrhook.syncs.states import Event
from tests.factories import ready_lanes
from tests.web.harness import HONG_KONG, OPERATE, READ, WebHarness

UNKNOWN = "01J00000000000000000000000"


def press(harness: WebHarness, sync_id: str, action: str) -> tuple[int, dict[str, Any]]:
    answer = harness.client(OPERATE).post(f"/api/v1/syncs/{sync_id}/{action}")
    return answer.status_code, answer.get_json()


def set_override(harness: WebHarness, *, override: bool) -> None:
    """Change the override of the rule, and the configuration's version."""
    rule = replace(harness.config.rules[0], sync=[RuleTarget("cn-east-3", "team", override)])
    harness.config = replace(harness.config, rules=Rulebook([rule]), version="ba9876543210")


def test_a_retry_restarts_the_sync_with_the_current_override(harness: WebHarness) -> None:
    sync = harness.push("team/web:v1").syncs[0].id
    harness.happen(sync, Event.REJECT_BEFORE_CALL)
    set_override(harness, override=True)

    status, body = press(harness, sync, "retry")

    assert status == 202
    assert (
        body["id"],
        body["state"],
        body["override"],
        body["rules_version"],
    ) == (sync, "pending", True, "ba9876543210")
    assert body == harness.client().get(f"/api/v1/syncs/{sync}").get_json()
    assert [lane.override for lane in ready_lanes(harness.database)] == [False, True]


def test_a_sync_without_a_matching_rule_is_retried_unchanged(harness: WebHarness) -> None:
    sync = harness.push("team/web:v1", HONG_KONG).syncs[0].id
    harness.happen(sync, Event.REJECT_BEFORE_CALL)
    set_override(harness, override=True)

    _, body = press(harness, sync, "retry")

    assert (body["state"], body["override"], body["rule"]) == ("pending", False, "all")


def test_a_cancelled_sync_has_ended_and_can_be_retried(harness: WebHarness) -> None:
    sync = harness.push("team/web:v1").syncs[0].id

    status, body = press(harness, sync, "cancel")

    assert (
        status,
        body["state"],
        body["reason"],
        body["due_at"],
    ) == (202, "cancelled", "cancelled by an operator", None)
    assert 'swrhook_syncs_total{state="cancelled",target_region="cn-east-3"} 1.0' in (
        harness.metrics.text().decode()
    )
    status, body = press(harness, sync, "retry")
    assert (status, body["state"], body["reason"]) == (202, "pending", None)


@pytest.mark.parametrize(
    ("event", "action", "state"),
    [
        (Event.VERIFY_WITHOUT_CALL, "retry", "verified"),
        (Event.VERIFY_WITHOUT_CALL, "cancel", "verified"),
        (Event.WAIT_FOR_SOURCE, "retry", "pending"),
        (Event.CANCEL, "cancel", "cancelled"),
    ],
)
def test_an_action_that_the_state_forbids_is_409(
    harness: WebHarness, event: Event, action: str, state: str
) -> None:
    sync = harness.push("team/web:v1").syncs[0].id
    harness.happen(sync, event)

    status, problem = press(harness, sync, action)

    assert status == 409
    assert problem["detail"].startswith(f"the sync is {state}: ")


@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_an_unknown_sync_is_404_and_the_role_read_is_not_enough(
    harness: WebHarness, action: str
) -> None:
    assert (
        press(harness, UNKNOWN, action)[0],
        press(harness, UNKNOWN, action)[1]["detail"],
    ) == (404, "there is no sync with this id")
    assert harness.client(READ).post(f"/api/v1/syncs/{UNKNOWN}/{action}").status_code == 403
