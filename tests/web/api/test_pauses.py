"""/api/v1/pause, /resume and /pauses: who may, what they answer, and where a pause is shown."""

import pytest

from tests.web.harness import (
    ADMIN,
    OPERATE,
    READ,
    WebHarness,
    form_key,
    listed_syncs,
    signed_in,
    writes,
)


def test_a_paused_region_is_shown_everywhere_until_it_is_resumed(harness: WebHarness) -> None:
    client = harness.client(OPERATE)
    sync_id = harness.push("team/web:v1").syncs[0].id
    body = {"region": "cn-east-3", "until": "2h", "reason": "maintenance"}
    assert harness.client(READ).post("/api/v1/pause", json=body).status_code == 403

    answer = client.post("/api/v1/pause", json=body)

    assert answer.status_code == 202, answer.text
    pause = answer.get_json()
    assert (pause["kind"], pause["name"], pause["by"]) == ("region", "cn-east-3", "ops")
    assert client.get("/api/v1/pauses").get_json() == {"items": [pause], "next": None}
    [listed] = listed_syncs(harness)
    shown = {name: pause[name] for name in ("kind", "name", "since", "until", "reason")}
    assert (listed["paused"], listed["due_at"]) == (shown, None)
    assert listed["reason"].startswith("region cn-east-3 is paused until ")
    explained = client.get("/api/v1/explain?image=team/web:v1").get_json()
    assert listed["reason"] in explained["summary"]
    pages = signed_in(harness, OPERATE)
    assert "Region cn-east-3 is paused until " in pages.get("/").text
    assert "is paused until " in pages.get(f"/syncs/{sync_id}").text

    key = form_key(pages.get("/pauses"))
    form = {"form_key": key, "kind": "region", "name": "cn-east-3"}
    assert pages.post("/pauses/resume", data=form).status_code == 303
    assert listed_syncs(harness)[0]["paused"] is None
    assert client.post("/api/v1/resume", json={"region": "cn-east-3"}).status_code == 409
    changes = [write[2:4] for write in reversed(writes(harness)) if "sign-in" not in write[2]]
    assert changes == [
        ("POST /api/v1/pause", None),
        ("POST /api/v1/pause", "region cn-east-3"),
        ("POST /pauses/resume", "region cn-east-3"),
        ("POST /api/v1/resume", "region cn-east-3"),
    ]


def test_a_second_pause_changes_the_first(harness: WebHarness) -> None:
    pages, client = signed_in(harness, ADMIN), harness.client(OPERATE)
    form = {"form_key": form_key(pages.get("/pauses")), "kind": "rule", "name": "all"}
    assert pages.post("/pauses", data={**form, "until": "1h"}).status_code == 303

    client.post("/api/v1/pause", json={"rule": "all", "reason": "longer"})

    [pause] = client.get("/api/v1/pauses").get_json()["items"]
    assert (pause["until"], pause["reason"]) == (None, "longer")
    assert pages.post("/pauses", data={**form, "until": "soon"}).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"region": "cn-east-3", "rule": "all"},
        {"region": "mars"},
        {"rule": "none"},
        {"sender": "nobody"},
        {"rule": "all", "until": "2020-01-01T00:00:00Z"},
        {"rule": "all", "until": "9999d"},
    ],
)
def test_a_wrong_pause_is_refused(harness: WebHarness, body: dict[str, str]) -> None:
    answer = harness.client(OPERATE).post("/api/v1/pause", json=body)

    assert answer.status_code == 422, answer.text
