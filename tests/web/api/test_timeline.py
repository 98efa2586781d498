"""GET /api/v1/syncs/<sync_id>/timeline."""

from swrhook.syncs.states import Event
from tests.web.harness import EAST, HONG_KONG, WebHarness


def test_a_timeline_has_the_steps_and_the_other_targets(harness: WebHarness) -> None:
    receipt = harness.push("team/web:v1", EAST, HONG_KONG)
    east, hong_kong = receipt.syncs
    harness.happen(east.id, Event.VERIFY_WITHOUT_CALL)
    client = harness.client()

    timeline = client.get(f"/api/v1/syncs/{east.id}/timeline").get_json()

    assert timeline["sync"] == client.get(f"/api/v1/syncs/{east.id}").get_json()
    assert [other["id"] for other in timeline["others"]] == [hong_kong.id]
    assert [step["title"] for step in timeline["steps"]] == ["Received", "Matched", "Verified"]
    assert timeline["steps"][0]["delivery"] == receipt.delivery


def test_a_timeline_is_english_for_every_client(harness: WebHarness) -> None:
    sync = harness.push("team/web:v1").syncs[0].id

    chinese = {"Accept-Language": "zh-CN"}
    answer = harness.client().get(f"/api/v1/syncs/{sync}/timeline", headers=chinese)

    assert answer.get_json()["steps"][0]["text"] == 'The sender "ci" announced the tag.'


def test_an_unknown_sync_has_none(harness: WebHarness) -> None:
    answer = harness.client().get("/api/v1/syncs/nothing/timeline")

    assert (answer.status_code, answer.get_json()["detail"]) == (
        404,
        "there is no sync with this id",
    )
