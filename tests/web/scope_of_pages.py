"""What a token that is limited to organizations sees and changes in the dashboard."""

import re
from collections.abc import Callable

from tests.web.harness import form_key, signed_in
from tests.web.scope_scene import ALONE, MIXED, TEAM, Scene, status, sync_of


def overview(scene: Scene) -> None:
    answer = scene.page("GET", "/")
    assert (status(answer), answer.location) == (303, "/syncs")


def page_of(path: str) -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        answer = scene.page("GET", path)
        assert status(answer) == 200
        assert "team-a/web" in answer.text
        assert "team-b" not in answer.text

    return check


def file_of_repositories(scene: Scene) -> None:
    for query in ("", "?image=web"):
        answer = scene.page("GET", f"/repositories.csv{query}")
        assert status(answer) == 200
        assert ",team-a,web," in answer.text
        assert "team-b" not in answer.text


def page_of_sync(scene: Scene) -> None:
    assert status(scene.page("GET", f"/syncs/{sync_of(scene.own)}")) == 200
    assert status(scene.page("GET", f"/syncs/{sync_of(scene.foreign)}")) == 404


def page_action(name: str) -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        assert status(scene.page("POST", f"/syncs/{sync_of(scene.foreign)}/{name}")) == 404
        assert status(scene.page("POST", f"/syncs/{sync_of(scene.own)}/{name}")) in {303, 409}

    return check


def page_of_selected(name: str) -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        answer = scene.page("POST", f"/syncs/{name}", sync=sync_of(scene.foreign))
        assert "0.1" in answer.headers["Location"]  # none was changed, one was refused

    return check


def page_of_order(scene: Scene) -> None:
    region = {"source_region": "cn-north-4"}
    assert status(scene.page("POST", "/syncs", image="team-b/web:v3", **region)) == 403
    assert status(scene.page("POST", "/syncs", image="team-a/web:v3", **region)) == 303


def page_of_new_repair(scene: Scene) -> None:
    for kind, repositories, expected in (
        ("backfill", "team-a/web", 303),
        ("backfill", "team-a/web team-b/web", 403),
        ("reconcile", "", 403),
    ):
        answer = scene.page("POST", "/repairs", kind=kind, repositories=repositories)
        assert status(answer) == expected


def page_of_repair(method: str, suffix: str) -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        for foreign in (scene.foreign_repair, scene.whole_repair):
            assert status(scene.page(method, f"/repairs/{foreign}{suffix}")) == 404
        assert status(scene.page(method, f"/repairs/{scene.own_repair}{suffix}")) in {200, 303, 409}

    return check


def page_of_delivery(scene: Scene) -> None:
    assert status(scene.page("GET", f"/deliveries/{scene.foreign.delivery}")) == 404
    own = scene.page("GET", f"/deliveries/{scene.own.delivery}").text
    mixed = scene.page("GET", f"/deliveries/{scene.mixed.delivery}").text
    assert (ALONE in own, MIXED in mixed, "team-b" in mixed) == (True, False, False)
    assert ("team-a/web:v2" in mixed, "Replay" in own, "Replay" in mixed) == (True, True, False)


def page_replay(scene: Scene) -> None:
    foreign, mixed = scene.foreign.delivery, scene.mixed.delivery
    assert status(scene.page("POST", f"/deliveries/{foreign}/replay")) == 404
    assert status(scene.page("POST", f"/deliveries/{mixed}/replay")) == 403


def page_of_explain(scene: Scene) -> None:
    assert status(scene.page("GET", "/explain?image=team-b/web:v1")) == 404
    own = scene.page("GET", "/explain?image=team-a/web:v2")
    assert status(own) == 200
    assert [word for word in ("team-b", "theirs", "secret-org") if word in own.text] == []


def page_of_help(scene: Scene) -> None:
    links = set(re.findall(r'href="(/[a-z-]+)"', scene.page("GET", "/help").text))

    assert links - {"/help"} == {
        *("/syncs", "/deliveries", "/repositories", "/repairs", "/explain")
    }


def language_switch(scene: Scene) -> None:
    answer = scene.page("POST", "/language", language="zh-CN")
    assert (answer.status_code, answer.location) == (303, "/")


def signing_in_and_out(scene: Scene) -> None:
    client = signed_in(scene.harness, TEAM)
    page = client.get("/syncs")
    assert [word for word in ("Overview", ">Rules<", "what-if") if word in page.text] == []
    assert status(client.post("/sign-out", data={"form_key": form_key(page)})) == 303
    assert status(client.get("/syncs")) == 303
