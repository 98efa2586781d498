"""GET /api/v1/wait: which syncs match, and how a wait ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import update

from swrhook.ledger.observations import keep_observations
from swrhook.ledger.tables import syncs
from swrhook.model import Outcome
from swrhook.service.gunicorn_workers import LEAVING
from swrhook.syncs.observations import Place, TagObservation
from swrhook.syncs.states import Event
from tests.web.harness import DIGEST, EAST, HONG_KONG, NOW, WebHarness

HOUR = timedelta(hours=1)
OTHER = "sha256:" + "b" * 64


def wait(
    harness: WebHarness, query: str = "timeout=0", image: str = "team/web:v1"
) -> tuple[int, Any]:
    answer = harness.client().get(f"/api/v1/wait?image={image}&max_age=24h&{query}")
    if answer.status_code != 200:
        assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.get_json()


def ids(answer: dict[str, Any]) -> set[str]:
    return {sync["id"] for sync in answer["syncs"]}


@contextmanager
def waiting(harness: WebHarness, query: str) -> Iterator[list[tuple[int, Any]]]:
    """Wait in a thread while the block runs; then the list has the answer."""
    answers: list[tuple[int, Any]] = []
    thread = Thread(target=lambda: answers.append(wait(harness, query)))
    thread.start()
    yield answers
    thread.join(20)


def test_a_wait_for_verified_syncs_is_200(harness: WebHarness) -> None:
    created = harness.push("team/web:v1", EAST, HONG_KONG).syncs
    for sync in created:
        harness.happen(sync.id, Event.VERIFY_WITHOUT_CALL)

    status, answer = wait(harness)

    assert (200, ["syncs"], {sync.id for sync in created}) == (status, list(answer), ids(answer))
    assert harness.client().get(f"/api/v1/syncs/{created[1].id}").get_json() in answer["syncs"]


def test_a_failed_sync_is_409_at_once_even_if_another_is_open(harness: WebHarness) -> None:
    created = harness.push("team/web:v1", EAST, HONG_KONG).syncs
    harness.happen(created[0].id, Event.REJECT_BEFORE_CALL)

    status, answer = wait(harness, "timeout=300")

    assert (409, 409, {sync.id for sync in created}) == (status, answer["status"], ids(answer))


@pytest.mark.parametrize(("digest", "kind"), [(None, "missing"), (OTHER, "changed")])
def test_a_verified_sync_whose_image_is_gone_is_409(
    harness: WebHarness, digest: str | None, kind: str
) -> None:
    created = harness.push("team/web:v1", EAST).syncs
    harness.happen(created[0].id, Event.VERIFY_WITHOUT_CALL)
    place = Place(EAST.region, EAST.namespace, "web", "v1")
    with harness.database.write() as connection:
        keep_observations(connection, [TagObservation(place, digest, NOW + HOUR)])

    status, answer = wait(harness, "timeout=300")

    assert (409, kind) == (status, answer["syncs"][0]["drift"]["kind"])
    assert "does not hold the image any more" in answer["detail"]


@pytest.mark.parametrize("event", [Event.CANCEL, Event.GIVE_UP, Event.MARK_MISSING])
def test_every_unverified_end_is_409(harness: WebHarness, event: Event) -> None:
    harness.happen(harness.push("team/web:v1").syncs[0].id, event)

    assert wait(harness)[0] == 409


def test_no_matching_sync_is_404_at_once(harness: WebHarness) -> None:
    harness.push("team/web:v2")

    status, answer = wait(harness, "timeout=300")

    assert (status, answer["syncs"]) == (404, [])


def test_a_timeout_is_408_with_the_syncs(harness: WebHarness) -> None:
    created = harness.push("team/web:v1").syncs

    status, answer = wait(harness, "timeout=1")

    assert (408, {created[0].id}) == (status, ids(answer))


def test_a_wait_ends_when_the_last_sync_is_verified(harness: WebHarness) -> None:
    created = harness.push("team/web:v1", EAST, HONG_KONG).syncs
    harness.happen(created[0].id, Event.VERIFY_WITHOUT_CALL)
    with waiting(harness, "timeout=300") as answers:
        harness.happen(created[1].id, Event.VERIFY_WITHOUT_CALL)

    [(status, answer)] = answers
    assert (200, {sync.id for sync in created}) == (status, ids(answer))


def test_only_the_latest_sync_to_each_target_counts(harness: WebHarness) -> None:
    old = harness.push("team/web:v1", EAST, digest=OTHER).syncs[0].id
    harness.happen(old, Event.REJECT_BEFORE_CALL)
    new = harness.push("team/web:v1", EAST).syncs[0].id
    harness.happen(new, Event.VERIFY_WITHOUT_CALL)

    status, answer = wait(harness)

    assert (status, ids(answer)) == (200, {new})


def test_region_limits_the_wait_to_one_target(harness: WebHarness) -> None:
    created = harness.push("team/web:v1", EAST, HONG_KONG).syncs
    harness.happen(created[0].id, Event.VERIFY_WITHOUT_CALL)

    assert wait(harness, "region=cn-east-3&timeout=0")[0] == 200
    assert wait(harness, "region=ap-southeast-1&timeout=0")[0] == 408
    assert wait(harness, "region=nowhere&timeout=0")[0] == 404


def test_an_earlier_push_of_the_tag_can_be_excluded(harness: WebHarness) -> None:
    yesterday = harness.push("team/web:v1", digest=OTHER, ago=24 * HOUR)
    harness.happen(yesterday.syncs[0].id, Event.VERIFY_WITHOUT_CALL)

    assert wait(harness)[0] == 200
    assert wait(harness, f"digest={DIGEST}&timeout=0")[0] == 404
    assert wait(harness, "since=1h&timeout=0")[0] == 404
    assert wait(harness, f"digest={OTHER}&timeout=0")[0] == 200
    assert wait(harness, f"delivery={yesterday.delivery}&timeout=0")[0] == 200
    today = harness.push("team/web:v1")
    for query in (f"digest={DIGEST}", "since=1h", f"delivery={today.delivery}"):
        status, answer = wait(harness, f"{query}&timeout=0")
        assert (408, {today.syncs[0].id}) == (status, ids(answer)), query


def test_a_duplicate_waits_for_the_syncs_of_its_original(harness: WebHarness) -> None:
    original = harness.push("team/web:v1")
    harness.push("team/web:v1")
    client = harness.client()
    [duplicate] = client.get("/api/v1/deliveries?outcome=duplicate").get_json()["items"]

    status, answer = wait(harness, f"delivery={duplicate['id']}&timeout=0")

    assert (408, {original.syncs[0].id}) == (status, ids(answer))


def test_a_wait_for_an_ignored_delivery_is_404(harness: WebHarness) -> None:
    ignored = harness.push("team/web:v1", outcome=Outcome.IGNORED).delivery

    assert wait(harness, f"delivery={ignored}&timeout=0")[0] == 404


def test_superseded_syncs_are_followed_to_the_last_one(harness: WebHarness) -> None:
    first = harness.push("team/web:v1", digest=OTHER)
    for letter in "cdef":
        harness.push("team/web:v1", digest=f"sha256:{letter * 64}")
    last = harness.push("team/web:v1").syncs[0].id
    harness.happen(last, Event.VERIFY_WITHOUT_CALL)

    for query in (f"digest={OTHER}", f"delivery={first.delivery}"):
        status, answer = wait(harness, f"{query}&timeout=0")
        assert (status, ids(answer)) == (200, {last}), query


def test_a_superseded_sync_whose_successor_is_deleted_is_409(harness: WebHarness) -> None:
    sync = harness.push("team/web:v1").syncs[0].id
    with harness.database.write() as connection:
        gone = {"superseded_by": "Z" * 26, "state": "superseded"}
        connection.execute(update(syncs).values(**gone))

    status, answer = wait(harness)

    assert (status, ids(answer)) == (409, {sync})


def test_a_sync_of_unknown_digest_counts_for_a_wait_by_digest(harness: WebHarness) -> None:
    sync = harness.push("team/web:v1", digest=None).syncs[0].id
    with waiting(harness, f"digest={DIGEST}&timeout=300") as answers, harness.database.write() as c:
        c.execute(update(syncs).values(called_digest=DIGEST, state="verified", verified_at=NOW))

    [(status, answer)] = answers
    assert (status, ids(answer)) == (200, {sync})


def test_a_sync_that_gets_another_digest_is_409(harness: WebHarness) -> None:
    sync = harness.push("team/web:v1", digest=None).syncs[0].id
    query = f"digest={DIGEST}&timeout=300"
    assert wait(harness, f"digest={DIGEST}&timeout=0")[0] == 408
    with waiting(harness, query) as answers, harness.database.write() as connection:
        connection.execute(update(syncs).values(called_digest=OTHER))

    [(status, answer)] = answers
    # Either order of the first poll and the change is possible.
    assert (status, ids(answer)) in [(409, {sync}), (404, set())]


def test_too_many_waits_are_429_with_retry_after(harness: WebHarness) -> None:
    harness.config = replace(harness.config, options=replace(harness.config.options, waits=0))
    sync = harness.push("team/web:v1").syncs[0].id

    answer = harness.client().get("/api/v1/wait?image=team/web:v1&timeout=300")

    assert (
        answer.status_code,
        answer.headers["Retry-After"],
        ids(answer.get_json()),
    ) == (429, "5", {sync})


def test_a_finished_wait_frees_its_slot(harness: WebHarness) -> None:
    harness.config = replace(harness.config, options=replace(harness.config.options, waits=1))
    harness.push("team/web:v1")

    assert [wait(harness)[0] for _ in range(3)] == [408, 408, 408]


def test_a_draining_process_ends_its_waits_with_408(harness: WebHarness) -> None:
    harness.push("team/web:v1")
    with waiting(harness, "timeout=300") as answers:
        harness.web.extensions[LEAVING].set()

    assert [status for status, _ in answers] == [408]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "image: Missing data for required field."),
        ("image=team/web", "image: must be namespace/repository:tag, with names that SWR allows"),
        (
            "image=team/web:v1&timeout=301",
            "timeout: Must be greater than or equal to 0 and less than or equal to 300.",
        ),
        ("image=team/web:v1&digest=x", "digest: must be like sha256:… in hex."),
        ("image=team/web:v1&regoin=x", "regoin: Unknown field."),
    ],
)
def test_an_invalid_parameter_is_refused(harness: WebHarness, query: str, reason: str) -> None:
    answer = harness.client().get(f"/api/v1/wait?{query}")

    assert (answer.status_code, answer.get_json()["reasons"]) == (422, [reason])


# What was proven has to be seen again


def strict_wait(harness: WebHarness, query: str = "timeout=20") -> tuple[int, Any]:
    answer = harness.client().get(f"/api/v1/wait?image=team/web:v1&{query}")
    return answer.status_code, answer.get_json()


def test_a_wait_has_verified_targets_observed_again(harness: WebHarness) -> None:
    created = harness.push("team/web:v1", EAST).syncs
    harness.happen(created[0].id, Event.VERIFY_WITHOUT_CALL)

    assert strict_wait(harness)[0] == 200
    assert harness.looks == [Place(EAST.region, EAST.namespace, "web", "v1")]


def test_a_wait_does_not_report_what_was_deleted_since(harness: WebHarness) -> None:
    created = harness.push("team/web:v1", EAST).syncs
    harness.happen(created[0].id, Event.VERIFY_WITHOUT_CALL)
    harness.held[Place(EAST.region, EAST.namespace, "web", "v1")] = None

    status, answer = strict_wait(harness)

    assert (status, answer["syncs"][0]["drift"]["kind"]) == (409, "missing")


def test_a_wait_is_not_over_before_somebody_has_looked(harness: WebHarness) -> None:
    harness.has_workers = False
    created = harness.push("team/web:v1", EAST).syncs
    harness.happen(created[0].id, Event.VERIFY_WITHOUT_CALL)

    status, answer = strict_wait(harness, "timeout=1")

    assert (408, "observed since the call began" in answer["detail"]) == (status, True)
    assert strict_wait(harness, "timeout=0&max_age=1h")[0] == 200
