"""/api/v1/availability: whether images are at their targets now."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from swrhook.ledger.observations import keep_observations
from swrhook.syncs.observations import Place, TagObservation
from swrhook.syncs.states import Event
from swrhook.usecases.availability.check import MOST_WAITING
from tests.web.harness import ASK, DIGEST, EAST, HONG_KONG, NOW, WebHarness

OTHER = "sha256:" + "b" * 64
IMAGE = "team/web:v1"
AT_SOURCE = Place("cn-north-4", "team", "web", "v1")
IN_EAST = Place("cn-east-3", "team", "web", "v1")
IN_HONG_KONG = Place("ap-southeast-1", "team-hk", "web", "v1")


def check(harness: WebHarness, query: str = "", image: str = IMAGE) -> tuple[int, Any]:
    answer = harness.client(ASK).get(f"/api/v1/availability?image={image}&{query}")
    return answer.status_code, answer.get_json()


def states(answer: dict[str, Any]) -> dict[str, str]:
    return {item["region"]: item["state"] for item in answer["items"]}


def test_an_image_is_available_where_the_target_holds_what_the_source_does(
    harness: WebHarness,
) -> None:
    [sync] = harness.push(IMAGE, EAST).syncs
    harness.happen(sync.id, Event.VERIFY_WITHOUT_CALL)

    status, answer = check(harness)

    [item] = answer["items"]
    assert (status, list(item)) == (
        200,
        ["region", "namespace", "image", "state", "digest", "observed_at", "sync", "eta", "reason"],
    )
    observed_at = item.pop("observed_at")
    assert observed_at is not None
    assert item == {
        "region": "cn-east-3",
        "namespace": "team",
        "image": IMAGE,
        "state": "available",
        "digest": DIGEST,
        "sync": sync.id,
        "eta": None,
        "reason": None,
    }


def test_what_was_seen_lately_is_not_asked_again(harness: WebHarness) -> None:
    harness.push(IMAGE, EAST)

    assert [check(harness)[0], check(harness)[0]] == [200, 200]
    assert sorted(harness.looks) == sorted([AT_SOURCE, IN_EAST])


def test_what_is_too_old_is_asked_again(harness: WebHarness) -> None:
    harness.push(IMAGE, EAST)
    old = NOW - timedelta(minutes=1)
    with harness.database.write() as connection:
        places = (AT_SOURCE, IN_EAST)
        keep_observations(connection, [TagObservation(place, OTHER, old) for place in places])

    answer = check(harness)[1]

    assert answer["items"][0]["digest"] == DIGEST
    assert check(harness, "max_age=1h")[0] == 200
    assert len(harness.looks) == 2


def test_what_the_target_does_not_hold_is_pending_or_missing(harness: WebHarness) -> None:
    harness.held |= {IN_EAST: None, IN_HONG_KONG: None}
    east, hong_kong = harness.push(IMAGE, EAST, HONG_KONG).syncs
    harness.happen(hong_kong.id, Event.CANCEL)

    answer = check(harness)[1]

    assert states(answer) == {"cn-east-3": "pending", "ap-southeast-1": "missing"}
    etas = {item["sync"]: item["eta"] for item in answer["items"]}
    assert (etas[east.id] is None, etas[hong_kong.id]) == (False, None)


@pytest.mark.parametrize(
    ("image", "state"),
    [(IMAGE, "changed"), (f"{IMAGE}@{OTHER}", "available"), (f"{IMAGE}@{DIGEST}", "changed")],
)
def test_another_digest_is_changed(harness: WebHarness, image: str, state: str) -> None:
    harness.push(IMAGE, EAST)
    harness.held[IN_EAST] = OTHER

    assert states(check(harness, image=image)[1]) == {"cn-east-3": state}


def test_with_a_digest_the_source_is_not_asked(harness: WebHarness) -> None:
    harness.push(IMAGE, EAST)
    check(harness, image=f"{IMAGE}@{DIGEST}")

    assert harness.looks == [IN_EAST]


def test_a_digest_alone_is_looked_for_under_its_known_tags(harness: WebHarness) -> None:
    harness.push(IMAGE, EAST)
    check(harness)

    known = check(harness, "region=cn-east-3", image=f"team/web@{DIGEST}")
    unknown = check(harness, "region=cn-east-3", image=f"team/web@{OTHER}")

    assert (known[0], states(known[1])) == (200, {"cn-east-3": "available"})
    assert (unknown[0], unknown[1]["reasons"]) == (
        503,
        ["no tag with this digest is known: name its tag, too"],
    )


def test_an_image_that_was_never_announced_is_looked_for_where_the_rules_send_it(
    harness: WebHarness,
) -> None:
    status, answer = check(harness)

    assert (status, states(answer)) == (200, {"cn-east-3": "available"})
    assert answer["items"][0]["sync"] is None
    assert sorted(harness.looks) == sorted([AT_SOURCE, IN_EAST])


def test_a_region_can_be_asked_where_no_rule_leads(harness: WebHarness) -> None:
    status, answer = check(harness, "region=ap-southeast-1&namespace=others")

    assert (status, states(answer)) == (200, {"ap-southeast-1": "available"})
    assert harness.looks == [Place("ap-southeast-1", "others", "web", "v1")]


def test_an_image_without_a_target_is_404(harness: WebHarness) -> None:
    status, answer = check(harness, image="elsewhere/web:v1")

    assert (status, "specify the region" in answer["detail"]) == (404, True)


def test_many_images_are_checked_at_once(harness: WebHarness) -> None:
    harness.held[Place("cn-east-3", "team", "api", "v2")] = None
    body = {"images": [IMAGE, "team/api:v2"], "max_age": "1m"}

    answer = harness.client(ASK).post("/api/v1/availability", json=body)

    assert answer.status_code == 200
    assert [(item["image"], item["state"]) for item in answer.get_json()["items"]] == [
        (IMAGE, "available"),
        ("team/api:v2", "missing"),
    ]


@pytest.mark.parametrize(
    ("query", "image"),
    [
        ("", "team/web"),
        ("", "team/web:v1@sha256:short"),
        ("", "Team/web:v1"),
        ("max_age=soon", IMAGE),
        ("max_age=2d", IMAGE),
        ("nothing=1", IMAGE),
    ],
)
def test_wrong_parameters_are_422(harness: WebHarness, query: str, image: str) -> None:
    assert check(harness, query, image)[0] == 422


def test_only_so_many_requests_wait_and_they_end_when_the_process_drains(
    harness: WebHarness,
) -> None:
    harness.has_workers = False
    harness.push(IMAGE, EAST)
    answers: list[tuple[int, Any]] = []
    asking = [
        threading.Thread(target=lambda: answers.append(check(harness)))
        for _ in range(MOST_WAITING + 1)
    ]
    for thread in asking:
        thread.start()
    while not answers:  # all but one wait
        threading.Event().wait(0.01)
    harness.context.draining.begin(NOW)
    for thread in asking:
        thread.join(20)

    refused, *others = answers
    assert (refused[0], "wait for SWR" in refused[1]["detail"]) == (429, True)
    assert [status for status, _ in others] == [503] * MOST_WAITING
    [item] = others[0][1]["items"]
    assert (item["state"], item["reason"]) == (
        "unknown",
        "no worker has looked at cn-east-3/team/web:v1 in time",
    )


def test_a_fresh_answer_is_given_while_others_wait(harness: WebHarness) -> None:
    harness.push(IMAGE, EAST)
    check(harness)
    places = harness.context.availability._waiting  # noqa: SLF001  # all its places are taken
    for _ in range(MOST_WAITING):
        assert places.acquire(blocking=False)

    assert check(harness)[0] == 200
    assert check(harness, image="team/web:v2")[0] == 429


def test_a_token_of_the_role_ask_may_nothing_else(harness: WebHarness) -> None:
    client = harness.client(ASK)

    assert check(harness)[0] == 200
    for path in (
        "/api/v1/syncs",
        "/api/v1/wait?image=team/web:v1",
        "/metrics",
        "/api/openapi.json",
    ):
        assert client.get(path).status_code == 403
    assert client.post("/api/v1/syncs", json={}).status_code == 403


def test_an_availability_call_is_no_write(harness: WebHarness) -> None:
    harness.client(ASK).post("/api/v1/availability", json={"images": [IMAGE]})

    with harness.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM audit").scalar() == 0
