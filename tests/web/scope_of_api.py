"""What a token that is limited to organizations sees and changes over the API."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from swrhook.config.model import Gate
from swrhook.model import Outcome
from tests.web.harness import image_entry
from tests.web.scope_scene import TEAM, Scene, ids, own_syncs, status, sync_of


def list_of_syncs(scene: Scene) -> None:
    assert ids(scene.api("GET", "syncs")) == own_syncs(scene)
    assert ids(scene.api("GET", "syncs?image=team-b/web")) == set()
    assert ids(scene.api("GET", "syncs?state=pending&region=cn-east-3")) == own_syncs(scene)
    delivery = f"syncs?delivery={scene.mixed.delivery}"
    assert ids(scene.api("GET", delivery)) <= own_syncs(scene)
    first = scene.api("GET", "syncs?limit=1").get_json()
    second = scene.api("GET", f"syncs?limit=1&cursor={first['next']}").get_json()
    assert {page["items"][0]["id"] for page in (first, second)} == own_syncs(scene)
    assert second["next"] is None


def one_sync(scene: Scene) -> None:
    assert status(scene.api("GET", f"syncs/{sync_of(scene.own)}")) == 200
    assert status(scene.api("GET", f"syncs/{sync_of(scene.foreign)}")) == 404


def timeline(scene: Scene) -> None:
    own = scene.api("GET", f"syncs/{sync_of(scene.own)}/timeline")
    assert (status(own), "team-b" in own.text) == (200, False)
    assert status(scene.api("GET", f"syncs/{sync_of(scene.foreign)}/timeline")) == 404


def sync_action(name: str) -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        foreign = f"syncs/{sync_of(scene.foreign)}"
        assert status(scene.api("POST", f"{foreign}/{name}")) == 404
        assert status(scene.api("POST", f"syncs/{sync_of(scene.own)}/{name}")) in {202, 409}
        state = scene.harness.client().get(f"/api/v1/{foreign}").get_json()["state"]
        assert state == "pending"

    return check


def order(scene: Scene) -> None:
    def ask(image: str, *namespaces: str) -> int:
        targets = [{"region": "cn-east-3", "namespace": name} for name in namespaces]
        body: dict[str, Any] = {"image": image, "source_region": "cn-north-4"}
        body |= {"targets": targets} if targets else {}
        return status(scene.api("POST", "syncs", json=body))

    assert ask("team-a/web:v3") == 202
    assert ask("team-a/web:v3", "team-a") == 202
    assert ask("team-a/web:v3", "team-b") == 403
    assert ask("team-b/web:v3") == 403


def list_of_deliveries(scene: Scene) -> None:
    answer = scene.api("GET", "deliveries")
    assert ids(answer) == {scene.own.delivery, scene.mixed.delivery}
    assert "team-b" not in answer.text
    assert ids(scene.api("GET", "deliveries?sender=ci&outcome=accepted&since=1h")) == ids(answer)
    assert ids(scene.api("GET", "deliveries?outcome=ignored")) == set()
    first = scene.api("GET", "deliveries?limit=1").get_json()
    second = scene.api("GET", f"deliveries?limit=1&cursor={first['next']}").get_json()
    assert [page["items"][0]["id"] for page in (first, second)] == [
        scene.mixed.delivery,
        scene.own.delivery,
    ]
    assert second["next"] is None


def one_delivery(scene: Scene) -> None:
    assert status(scene.api("GET", f"deliveries/{scene.own.delivery}")) == 200
    assert status(scene.api("GET", f"deliveries/{scene.foreign.delivery}")) == 404
    mixed = scene.api("GET", f"deliveries/{scene.mixed.delivery}")
    assert "team-b" not in mixed.text
    shown = mixed.get_json()
    assert [push["image"] for push in shown["pushes"]] == ["team-a/web:v2"]
    assert {*shown["syncs"]} == own_syncs(scene) - {sync_of(scene.own)}
    assert (shown["pushes_total"], shown["syncs_total"]) == (1, 1)
    assert shown["reason"] == "team-a/web:v2: no rule matches"


def replay(scene: Scene) -> None:
    assert status(scene.api("POST", f"deliveries/{scene.foreign.delivery}/replay")) == 404
    assert status(scene.api("POST", f"deliveries/{scene.mixed.delivery}/replay")) == 403
    entry = replace(image_entry("team-a/web:v9", outcome=Outcome.IGNORED), external_id="45")
    own = scene.harness.record(entry)
    assert status(scene.api("POST", f"deliveries/{own.delivery}/replay")) == 202


def senders(scene: Scene) -> None:
    answer = scene.api("GET", "senders").get_json()
    assert [sender["name"] for sender in answer["items"]] == ["ours", "allowed"]


def wait(scene: Scene) -> None:
    assert status(scene.api("GET", "wait?image=team-a/web:v1&timeout=0")) == 408
    foreign = scene.api("GET", "wait?image=team-b/web:v1&timeout=0")
    assert (status(foreign), foreign.get_json()["syncs"]) == (404, [])


def explain(scene: Scene) -> None:
    assert status(scene.api("GET", "explain?image=team-b/web:v1")) == 404
    assert status(scene.api("GET", "explain?image=web:v1&sender=theirs")) == 404
    mixed = scene.api("GET", "explain?image=team-a/web:v2")
    assert status(mixed) == 200
    assert [word for word in ("team-b", "theirs", "secret-org") if word in mixed.text] == []
    assert '"ours"' in mixed.text


def repairs(kind: str) -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        visible = {scene.own_repair} if kind == "backfill" else set()
        assert ids(scene.api("GET", kind)) == visible
        # A page is full, and no cursor is the id of a repair of others.
        for limit in (1, 2):
            page = scene.api("GET", f"{kind}?limit={limit}")
            assert (ids(page), page.get_json()["next"]) == (visible, None)

    return check


def begin(kind: str) -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        for repositories, expected in ((["team-a/web"], 202), (["team-a/web", "team-b/web"], 403)):
            body = {"repositories": repositories}
            assert status(scene.api("POST", kind, json=body)) == expected
        if kind == "reconcile":
            assert status(scene.api("POST", kind, json={})) == 403

    return check


def repair(kind: str, method: str, suffix: str) -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        for foreign in (scene.foreign_repair, scene.whole_repair):
            assert status(scene.api(method, f"{kind}/{foreign}{suffix}")) == 404
        if kind == "backfill":
            expected = {200, 202, 409}
            assert status(scene.api(method, f"{kind}/{scene.own_repair}{suffix}")) in expected

    return check


def document(scene: Scene) -> None:
    assert status(scene.harness.client(TEAM).get("/api/openapi.json")) == 200


def availability(scene: Scene) -> None:
    def ask(image: str) -> set[int]:
        body = {"images": [image], "namespace": "nowhere"}
        return {
            status(scene.api("GET", f"availability?image={image}&namespace=nowhere")),
            status(scene.api("POST", "availability", json=body)),
        }

    assert ask("team-a/web:v1") == {404}
    assert ask("team-b/web:v1") == {403}
    # Where nothing leads, it would be asked whether the other team's image of this name is there.
    digest = f"team-a/web@sha256:{'0' * 64}"
    for image in ("team-a/web:v1", digest):
        place = {"region": "cn-east-3", "namespace": "team-b"}
        query = {"image": image, **place}
        assert status(scene.api("GET", "availability", query_string=query)) == 403
        body = {"images": [image], **place}
        assert status(scene.api("POST", "availability", json=body)) == 403


def gate(path: str) -> Callable[[Scene], None]:
    """Return the check of a route that is for all organizations, and has its own authentication."""

    def check(scene: Scene) -> None:
        scene.harness.config = replace(scene.harness.config, gate=Gate(mode="deny"))
        assert status(scene.harness.client(TEAM).post(path, json={})) == 403

    return check
