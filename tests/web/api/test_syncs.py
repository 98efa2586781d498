from collections.abc import Sequence
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from swrhook.errors import Kind, SwrError
from swrhook.ledger.tables import syncs
from swrhook.model import State
from swrhook.syncs.states import Event
from tests.web.harness import DIGEST, EAST, HONG_KONG, NOW, WebHarness

HOUR = timedelta(hours=1)
RANGE = "limit: Must be greater than or equal to 1 and less than or equal to 1000."
IMAGE = "image: must be namespace/repository or namespace/repository:tag"
SINCE = "since: must be a time like 2026-01-31T12:00:00Z, or a duration like 30m, 24h or 7d"
STATES = ", ".join(State)


def images(client: FlaskClient, query: str) -> Sequence[str]:
    answer = client.get(f"/api/v1/syncs?{query}")
    assert answer.status_code == 200, answer.get_json()
    return [
        f"{s['repository']}:{s['tag']}>{s['target_region']}" for s in answer.get_json()["items"]
    ]


def test_a_sync_has_the_documented_members_in_order(harness: WebHarness) -> None:
    receipt = harness.push("team/web:v1")
    error = SwrError(Kind.PERMANENT, "SVCSTG.SWR.4000000", "no such organization", remedy="make it")
    harness.happen(receipt.syncs[0].id, Event.REJECT_BEFORE_CALL, error)
    now = NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    answer = harness.client().get("/api/v1/syncs")

    expected = {
        "id": receipt.syncs[0].id,
        "sender": "ci",
        "namespace": "team",
        "repository": "web",
        "tag": "v1",
        "digest": DIGEST,
        "source_region": "cn-north-4",
        "target_region": "cn-east-3",
        "target_namespace": "team",
        "override": False,
        "state": "rejected",
        "reason": "no such organization",
        "attempts": 0,
        "error": {
            "code": "SVCSTG.SWR.4000000",
            "message": "no such organization",
            "remedy": "make it",
        },
        "rule": "all",
        "rules_version": "0123456789ab",
        "delivery": receipt.delivery,
        "superseded_by": None,
        "created_at": now,
        "updated_at": now,
        "due_at": None,
        "verified_at": None,
        "observed_at": None,
        "observed_digest": None,
        "drift": None,
        "paused": None,
    }
    assert answer.get_json() == {"items": [expected], "next": None}
    assert list(expected) == list(answer.get_json()["items"][0])
    assert list(answer.get_json()) == ["items", "next"]


def test_a_sync_that_is_called_for_has_no_due_time(harness: WebHarness) -> None:
    sync = harness.push("team/web:v1").syncs[0].id
    client = harness.client()
    shown = [client.get(f"/api/v1/syncs/{sync}").get_json()]
    for event in (Event.CLAIM, Event.TRIGGER):
        harness.happen(sync, event)
        shown.append(client.get(f"/api/v1/syncs/{sync}").get_json())

    states = ["pending", "calling", "triggered"]
    assert [each["state"] for each in shown] == states
    assert [each["due_at"] is None for each in shown] == [False, True, False]


def test_a_sync_can_be_read_by_id(harness: WebHarness) -> None:
    sync = harness.push("team/web:v1").syncs[0]
    client = harness.client()

    assert (
        client.get("/api/v1/syncs").get_json()["items"][0]
        == client.get(f"/api/v1/syncs/{sync.id}").get_json()
    )
    assert client.get("/api/v1/syncs/01J00000000000000000000000").status_code == 404


def test_a_superseded_sync_names_the_one_that_replaced_it(
    harness: WebHarness,
) -> None:
    earlier = harness.push("team/web:v1", digest=DIGEST).syncs[0].id
    later = harness.push("team/web:v1", digest=DIGEST.replace("a", "b")).syncs[0].id

    sync = harness.client().get(f"/api/v1/syncs/{earlier}").get_json()

    assert (sync["error"], sync["state"], sync["superseded_by"]) == (None, "superseded", later)


@pytest.fixture
def client(harness: WebHarness) -> FlaskClient:
    """Four deliveries, the oldest first; web:v1 goes to two targets."""
    old = harness.push("team/web:v1", EAST, HONG_KONG, ago=3 * HOUR).syncs
    harness.push("team/web:v2", HONG_KONG, ago=2 * HOUR)
    harness.push("team/db/main:v1", ago=HOUR)
    rejected = harness.push("other/web:v1").syncs[0]
    harness.happen(old[0].id, Event.VERIFY_WITHOUT_CALL)
    harness.happen(rejected.id, Event.REJECT_BEFORE_CALL)
    return harness.client()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=verified", ["web:v1>cn-east-3"]),
        ("state=verified&state=rejected", ["web:v1>cn-east-3", "web:v1>cn-east-3"]),
        ("state=cancelled", []),
        ("region=cn-east-3", ["web:v1>cn-east-3", "db/main:v1>cn-east-3", "web:v1>cn-east-3"]),
        ("region=cn-east-3&state=rejected", ["web:v1>cn-east-3"]),
        (
            "region=cn-east-3&state=verified&state=pending",
            ["db/main:v1>cn-east-3", "web:v1>cn-east-3"],
        ),
        ("region=nowhere", []),
        ("namespace=team-hk", ["web:v2>ap-southeast-1", "web:v1>ap-southeast-1"]),
        ("namespace=team-hk&region=cn-east-3", []),
        ("image=team/web:v2", ["web:v2>ap-southeast-1"]),
        ("image=team/db/main", ["db/main:v1>cn-east-3"]),
        ("image=team/web&region=cn-east-3", ["web:v1>cn-east-3"]),
        ("image=team/web&state=verified", ["web:v1>cn-east-3"]),
        ("image=team/we", []),
        ("since=90m", ["web:v1>cn-east-3", "db/main:v1>cn-east-3"]),
        ("since={an_hour_ago}", ["web:v1>cn-east-3", "db/main:v1>cn-east-3"]),
        ("since=2999-01-01T00:00:00+08:00", []),
    ],
)
def test_filters(client: FlaskClient, query: str, expected: Sequence[str]) -> None:
    an_hour_ago = (NOW - HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert sorted(expected) == sorted(images(client, query.format(an_hour_ago=an_hour_ago)))


def test_lists_are_sorted_newest_first(client: FlaskClient) -> None:
    ids = [item["id"] for item in client.get("/api/v1/syncs").get_json()["items"]]

    assert len(ids) == 5
    assert sorted(ids, reverse=True) == ids


@pytest.mark.parametrize(
    "query",
    ["", "&state=verified&state=pending&state=rejected", "&region=cn-east-3", "&image=team/web"],
)
def test_pages_have_neither_gaps_nor_repetitions(
    client: FlaskClient, harness: WebHarness, query: str
) -> None:
    expected = [item["id"] for item in client.get(f"/api/v1/syncs?{query}").get_json()["items"]]
    ids: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"/api/v1/syncs?limit=1{query}{cursor}").get_json()
        ids += [item["id"] for item in page["items"]]
        # What comes in meanwhile does not disturb the pages that follow.
        harness.push(f"team/web:new{len(ids)}")
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    assert expected == ids


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("limit=0", RANGE),
        ("limit=1001", RANGE),
        ("limit=x", "limit: Not a valid integer."),
        ("state=pending&state=lost", f"state: Must be one of: {STATES}."),
        ("regoin=x", "regoin: Unknown field."),
        ("image=web", IMAGE),
        ("image=team/web:", IMAGE),
        ("since=yesterday", SINCE),
        ("since=2026-01-31T12:00:00", SINCE),
        ("since=0001-01-01T00:00:00%2B08:00", SINCE),
        ("cursor=x", "cursor: must be the `next` of another page."),
    ],
)
def test_an_invalid_parameter_is_refused_with_the_reason(
    harness: WebHarness, query: str, reason: str
) -> None:
    answer = harness.client().get(f"/api/v1/syncs?{query}")

    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert answer.get_json()["reasons"] == [reason]


def test_the_syncs_of_a_rule_are_searched_from_the_newest_on(harness: WebHarness) -> None:
    for tag in ("v1", "v2", "v3"):
        harness.push(f"team/web:{tag}")
    with harness.database.write() as connection:
        connection.execute(update(syncs).where(syncs.c.tag != "v2").values(rule="other"))
    client = harness.client()
    first = client.get("/api/v1/syncs?rule=other&limit=1").get_json()
    second = client.get(f"/api/v1/syncs?rule=other&limit=1&cursor={first['next']}").get_json()

    assert [page["items"][0]["tag"] for page in (first, second)] == ["v3", "v1"]
    assert second["next"] is None
