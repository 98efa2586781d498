"""Retry, cancel and orders by hand over HTTP."""

from dataclasses import replace
from typing import Any

import pytest

from swrhook.rules import Rulebook, RuleTarget
from swrhook.syncs.states import Event
from tests.web.parts import EAST, HONG_KONG, OPERATE, READ, Parts

UNKNOWN = "01J00000000000000000000000"


def wish(parts: Parts, sync_id: str, what: str) -> tuple[int, dict[str, Any]]:
    answer = parts.client(OPERATE).post(f"/api/v1/syncs/{sync_id}/{what}")
    return answer.status_code, answer.get_json()


def order(parts: Parts, body: Any) -> tuple[int, dict[str, Any]]:
    answer = parts.client(OPERATE).post("/api/v1/syncs", json=body)
    return answer.status_code, answer.get_json()


def override_is(parts: Parts, *, override: bool) -> None:
    """Let the rule say so from now on."""
    rule = replace(parts.config.rules[0], sync=[RuleTarget("cn-east-3", "team", override)])
    parts.config = replace(parts.config, rules=Rulebook([rule]), version="ba9876543210")


def test_a_retry_is_the_sync_with_the_override_that_the_rules_say_now(parts: Parts) -> None:
    sync = parts.push("team/web:v1").syncs[0].id
    parts.happen(sync, Event.REJECT_BEFORE_CALL)
    override_is(parts, override=True)

    status, found = wish(parts, sync, "retry")

    assert status == 202
    assert (sync, "pending", True, "ba9876543210") == (
        found["id"],
        found["state"],
        found["override"],
        found["rules_version"],
    )
    assert found == parts.client().get(f"/api/v1/syncs/{sync}").get_json()
    assert [lane.override for lane in parts.woken] == [True]


def test_what_no_rule_wants_any_more_is_retried_as_it_is(parts: Parts) -> None:
    sync = parts.push("team/web:v1", HONG_KONG).syncs[0].id
    parts.happen(sync, Event.REJECT_BEFORE_CALL)
    override_is(parts, override=True)

    _, found = wish(parts, sync, "retry")

    assert (found["state"], found["override"], found["rule"]) == ("pending", False, "all")


def test_a_cancelled_sync_has_ended_and_can_be_retried(parts: Parts) -> None:
    sync = parts.push("team/web:v1").syncs[0].id

    status, found = wish(parts, sync, "cancel")

    assert (
        status,
        found["state"],
        found["reason"],
        found["due_at"],
    ) == (202, "cancelled", "cancelled by an operator", None)
    assert 'swrhook_syncs_total{state="cancelled",target_region="cn-east-3"} 1.0' in (
        parts.metrics.text().decode()
    )
    status, found = wish(parts, sync, "retry")
    assert (status, found["state"], found["reason"]) == (202, "pending", None)


@pytest.mark.parametrize(
    ("event", "what", "state"),
    [
        (Event.VERIFY_WITHOUT_CALL, "retry", "verified"),
        (Event.VERIFY_WITHOUT_CALL, "cancel", "verified"),
        (Event.WAIT_FOR_SOURCE, "retry", "pending"),
        (Event.CANCEL, "cancel", "cancelled"),
    ],
)
def test_where_the_state_forbids_it_the_answer_is_409(
    parts: Parts, event: Event, what: str, state: str
) -> None:
    sync = parts.push("team/web:v1").syncs[0].id
    parts.happen(sync, event)

    status, problem = wish(parts, sync, what)

    assert status == 409
    assert problem["detail"].startswith(f"the sync is {state}: ")


@pytest.mark.parametrize("what", ["retry", "cancel"])
def test_a_sync_that_is_not_there_is_404_and_reading_is_not_enough(parts: Parts, what: str) -> None:
    assert (
        wish(parts, UNKNOWN, what)[0],
        wish(parts, UNKNOWN, what)[1]["detail"],
    ) == (404, "there is no sync with this id")
    assert parts.client(READ).post(f"/api/v1/syncs/{UNKNOWN}/{what}").status_code == 403


def test_an_order_goes_where_the_rules_say(parts: Parts) -> None:
    status, found = order(parts, {"image": "team/web:v1", "source_region": "cn-north-4"})

    assert (status, list(found)) == (202, ["syncs"])
    [sync] = found["syncs"]
    assert (
        sync["state"],
        sync["rule"],
        sync["sender"],
        sync["delivery"],
        sync["target_region"],
        sync["target_namespace"],
    ) == ("pending", "all", "ci", None, "cn-east-3", "team")
    assert parts.client().get("/api/v1/syncs").get_json()["items"] == [sync]
    assert [lane.target for lane in parts.woken] == [EAST]


def test_an_order_goes_to_the_targets_named_each_once(parts: Parts) -> None:
    targets = [
        {"region": "ap-southeast-1", "namespace": "team-hk", "override": True},
        {"region": "cn-east-3", "namespace": "team"},
        {"region": "cn-east-3", "namespace": "team", "override": True},
    ]
    body = {"image": "other/web:v1", "source_region": "cn-north-4", "targets": targets}

    status, found = order(parts, body)

    shown = [(s["target_region"], s["override"], s["rule"], s["sender"]) for s in found["syncs"]]
    assert status == 202
    assert {
        ("ap-southeast-1", True, "(manual)", "(manual)"),
        ("cn-east-3", False, "(manual)", "(manual)"),
    } == set(shown)


def test_an_order_with_targets_is_retried_with_the_override_that_was_asked_for(
    parts: Parts,
) -> None:
    target = {"region": "cn-east-3", "namespace": "team", "override": True}
    body = {"image": "team/web:v1", "source_region": "cn-north-4", "targets": [target]}
    sync = order(parts, body)[1]["syncs"][0]["id"]
    wish(parts, sync, "cancel")

    _, found = wish(parts, sync, "retry")

    assert (found["override"], found["rule"]) == (True, "(manual)")


def test_an_order_takes_over_from_what_is_under_way(parts: Parts) -> None:
    earlier = parts.push("team/web:v1").syncs[0].id

    _, found = order(parts, {"image": "team/web:v1", "source_region": "cn-north-4"})

    old = parts.client().get(f"/api/v1/syncs/{earlier}").get_json()
    assert ("superseded", found["syncs"][0]["id"]) == (old["state"], old["superseded_by"])


IMAGE = "image: must be namespace/repository:tag, with names that SWR allows"


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (
            {},
            [
                "image: Missing data for required field.",
                "source_region: Missing data for required field.",
            ],
        ),
        ({"image": "team/web", "source_region": "cn-north-4"}, [IMAGE]),
        ({"image": "Team/web:v1", "source_region": "cn-north-4"}, [IMAGE]),
        ({"image": 7, "source_region": "cn-north-4"}, [IMAGE]),
        (
            {"image": "other/web:v1", "source_region": "cn-north-4"},
            ["other/web:v1: no rule matches"],
        ),
        (
            {"image": "team/web:v1", "source_region": "mars"},
            ["source_region: mars is not a region under swr.regions"],
        ),
        (
            {"image": "team/web:v1", "source_region": "cn-east-3"},
            ["source_region: no sender is configured for cn-east-3: specify targets"],
        ),
        (
            {"image": "team/web:v1", "source_region": "cn-north-4", "targets": []},
            ["targets: Length must be between 1 and 100."],
        ),
        (
            {
                "image": "team/web:v1",
                "source_region": "cn-north-4",
                "targets": [
                    {"region": "mars", "namespace": "team"},
                    {"region": "cn-north-4", "namespace": "Team"},
                ],
            },
            [
                "targets.0: mars is not a region under swr.regions",
                "targets.1: the image is already in cn-north-4",
                'targets.1: SWR allows no organization named "Team"',
            ],
        ),
        (
            {"image": "team/web:v1", "source_region": "cn-north-4", "tragets": []},
            ["tragets: Unknown field."],
        ),
    ],
)
def test_an_order_that_cannot_be_carried_out_names_every_reason(
    parts: Parts, body: dict[str, Any], reasons: list[str]
) -> None:
    status, problem = order(parts, body)

    assert (422, reasons) == (status, problem["reasons"])
    assert parts.client().get("/api/v1/syncs").get_json()["items"] == []


def test_json_that_is_nested_too_deeply_is_a_problem_too(parts: Parts) -> None:
    answer = parts.client(OPERATE).post(
        "/api/v1/syncs", data=b"[" * 100_000, content_type="application/json"
    )

    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
