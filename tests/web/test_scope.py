"""A token that is limited to organizations: what it sees and may do, route by route.

The ledger has deliveries of team-a (the token's own), of team-b, and a mixed one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import pytest
from werkzeug.test import TestResponse

from swrhook.config import parse
from swrhook.config.model import Access, AccessToken, Gate
from swrhook.model import Outcome, Target
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from tests.web.harness import (
    CONFIG,
    EAST,
    NOW,
    OPERATE,
    WebHarness,
    form_key,
    image_entry,
    signed_in,
)

TEAM = "the-token-of-team-a-is-long"
OURS = ("team-a", "team-a-*")
RULES = """\
rules:
  - {name: ours, when: {namespace: [team-a, secret-org]}, sync: [{region: cn-east-3, namespace: a}]}
  - {name: theirs, when: {namespace: team-b}, sync: [{region: cn-east-3, namespace: b}]}
"""
# Beside `ci`, which may push to every organization.
SENDER = """\
  ours:
    dialect: generic
    region: cn-north-4
    image: {namespace: team-a}
    auth: {scheme: bearer, secrets: [the-secret-of-team-a]}
  allowed:
    dialect: generic
    region: cn-north-4
    allow: {namespaces: [team-a, team-a-web]}
    auth: {scheme: bearer, secrets: [a-secret-of-team-a]}
  mixed:
    dialect: generic
    region: cn-north-4
    allow: {namespaces: [team-a, team-b]}
    auth: {scheme: bearer, secrets: [the-secret-of-both]}
  wide:
    dialect: generic
    region: cn-north-4
    allow: {namespaces: [team-a-*]}
    auth: {scheme: bearer, secrets: [the-secret-of-many]}
  theirs:
    dialect: generic
    region: cn-north-4
    image: {namespace: team-b}
    auth: {scheme: bearer, secrets: [the-secret-of-team-b]}
"""
ALONE = "a body of team-a alone"
MIXED = "a body that names team-b"


@dataclass
class Scene:
    """The ids of what is in the ledger, and a client for the API with each token."""

    harness: WebHarness
    own: Any
    foreign: Any
    mixed: Any
    own_repair: str
    foreign_repair: str
    whole_repair: str

    def api(self, method: str, path: str, **more: Any) -> TestResponse:
        return self.harness.client(TEAM).open(f"/api/v1/{path}", method=method, **more)

    def page(self, method: str, path: str, **form: str) -> TestResponse:
        client = signed_in(self.harness, TEAM)
        key = form_key(client.get("/syncs"))
        data = {"form_key": key, **form} if method == "POST" else None
        return client.open(path, method=method, data=data)


def limited(harness: WebHarness, *patterns: str, role: str = "admin") -> None:
    text = f"{CONFIG[: CONFIG.index('rules:')]}{SENDER}{RULES}"
    config = parse(text.encode(), file="f", environ={}, read_file=lambda _path: "")
    namespaces = Namespaces(tuple(Glob(pattern) for pattern in patterns))
    token = AccessToken("team", role, sha256(TEAM.encode()).digest(), namespaces=namespaces)
    harness.config = replace(config, access=Access([*config.access.tokens, token]))


@pytest.fixture
def scene(harness: WebHarness) -> Scene:
    limited(harness, *OURS)
    operator = harness.client(OPERATE)

    def backfill(*repositories: str) -> str:
        body = {"repositories": list(repositories)}
        return str(operator.post("/api/v1/backfill", json=body).get_json()["id"])

    own, foreign = image_entry("team-a/web:v1", EAST), image_entry("team-b/web:v1", EAST)
    theirs = [replace(own.pushes[0], namespace="team-b", tag="v2")]
    mixed = replace(
        own,
        pushes=[replace(own.pushes[0], tag="v2"), *theirs],
        planned=[
            replace(own.planned[0], push=replace(push, tag="v2"))
            for push in (own.pushes[0], theirs[0])
        ],
        reason="team-b/web:v2: rule theirs (shadow) would sync; team-a/web:v2: no rule matches",
        body=MIXED.encode(),
        external_id="43",
    )
    whole = operator.post("/api/v1/reconcile", json={}).get_json()["id"]
    return Scene(
        harness,
        harness.record(replace(own, body=ALONE.encode())),
        harness.record(replace(foreign, external_id="44")),
        harness.record(mixed),
        backfill("team-a/web"),
        backfill("team-a/web", "team-b/web"),
        str(whole),
    )


def status(answer: TestResponse) -> int:
    return answer.status_code


def ids(answer: TestResponse) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {item["id"] for item in answer.get_json()["items"]}


def own_syncs(scene: Scene) -> set[str]:
    return {sync.id for sync in (*scene.own.syncs, *scene.mixed.syncs) if "team-a/" in sync.image}


def sync_of(receipt: Any) -> str:
    return str(receipt.syncs[0].id)


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
        for repositories, expected in (
            (["team-a/web"], 202),
            (["team-a/web", "team-b/web"], 403),
        ):
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


def refused(path: str, method: str = "GET") -> Callable[[Scene], None]:
    """Return the check of a route that is not for such a token, whatever its role."""

    def check(scene: Scene) -> None:
        answer = scene.harness.client(TEAM).open(path, method=method, json=None)
        assert status(answer) == 403
        assert "limited to organizations" in answer.get_json()["detail"]

    return check


def refused_page(path: str, method: str = "GET") -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        assert status(scene.page(method, path, candidate="rules: []")) == 403

    return check


def open_to_all(path: str, expected: int = 200) -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        with scene.harness.web.test_client().get(path) as answer:
            assert answer.status_code == expected

    return check


def document(scene: Scene) -> None:
    assert status(scene.harness.client(TEAM).get("/api/openapi.json")) == 200


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


def language_switch(scene: Scene) -> None:
    answer = scene.page("POST", "/language", language="zh-CN")
    assert (answer.status_code, answer.location) == (303, "/")


def signing_in_and_out(scene: Scene) -> None:
    client = signed_in(scene.harness, TEAM)
    page = client.get("/syncs")
    assert [word for word in ("Overview", ">Rules<", "what-if") if word in page.text] == []
    assert status(client.post("/sign-out", data={"form_key": form_key(page)})) == 303
    assert status(client.get("/syncs")) == 303


def hook(scene: Scene) -> None:
    """A token opens no hook, whatever it is limited to."""
    assert status(scene.harness.client(TEAM).post("/hooks/ci", json={})) == 401


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


# Every route and method has its check here: a new route fails the test below until it has one.
CHECKS: dict[tuple[str, str], Callable[[Scene], None]] = {
    ("GET", "/"): overview,
    ("GET", "/api/docs"): open_to_all("/api/docs"),
    ("GET", "/api/docs/<path:filename>"): open_to_all("/api/docs/swagger-ui.css"),
    ("GET", "/api/openapi.json"): document,
    ("GET", "/api/v1/audit"): refused("/api/v1/audit"),
    ("GET", "/api/v1/availability"): availability,
    ("POST", "/api/v1/availability"): availability,
    ("GET", "/api/v1/backfill"): repairs("backfill"),
    ("POST", "/api/v1/backfill"): begin("backfill"),
    ("GET", "/api/v1/backfill/<repair_id>"): repair("backfill", "GET", ""),
    ("POST", "/api/v1/backfill/<repair_id>/cancel"): repair("backfill", "POST", "/cancel"),
    ("POST", "/api/v1/backfill/<repair_id>/start"): repair("backfill", "POST", "/start"),
    ("GET", "/api/v1/backfill/<repair_id>/tags"): repair("backfill", "GET", "/tags"),
    ("GET", "/api/v1/coverage"): refused("/api/v1/coverage"),
    ("GET", "/api/v1/deliveries"): list_of_deliveries,
    ("GET", "/api/v1/deliveries/<delivery_id>"): one_delivery,
    ("POST", "/api/v1/deliveries/<delivery_id>/replay"): replay,
    ("GET", "/api/v1/drain"): refused("/api/v1/drain"),
    ("POST", "/api/v1/drain"): refused("/api/v1/drain", "POST"),
    ("GET", "/api/v1/explain"): explain,
    ("GET", "/api/v1/reconcile"): repairs("reconcile"),
    ("POST", "/api/v1/reconcile"): begin("reconcile"),
    ("GET", "/api/v1/reconcile/<repair_id>"): repair("reconcile", "GET", ""),
    ("POST", "/api/v1/reconcile/<repair_id>/cancel"): repair("reconcile", "POST", "/cancel"),
    ("GET", "/api/v1/reconcile/<repair_id>/tags"): repair("reconcile", "GET", "/tags"),
    ("GET", "/api/v1/pauses"): refused("/api/v1/pauses"),
    ("POST", "/api/v1/pause"): refused("/api/v1/pause", "POST"),
    ("POST", "/api/v1/resume"): refused("/api/v1/resume", "POST"),
    ("GET", "/api/v1/rules/pending"): refused("/api/v1/rules/pending"),
    ("POST", "/api/v1/rules/accept"): refused("/api/v1/rules/accept", "POST"),
    ("GET", "/api/v1/rules"): refused("/api/v1/rules"),
    ("GET", "/api/v1/senders"): senders,
    ("GET", "/api/v1/notifications"): refused("/api/v1/notifications"),
    ("GET", "/api/v1/notifications/<notification_id>"): refused("/api/v1/notifications/01A"),
    ("POST", "/api/v1/notifications/<notification_id>/retry"): refused(
        "/api/v1/notifications/01A/retry", "POST"
    ),
    ("GET", "/api/v1/notifications/channels"): refused("/api/v1/notifications/channels"),
    ("POST", "/api/v1/notifications/test"): refused("/api/v1/notifications/test", "POST"),
    ("GET", "/api/v1/stats"): refused("/api/v1/stats"),
    ("GET", "/api/v1/syncs"): list_of_syncs,
    ("POST", "/api/v1/syncs"): order,
    ("GET", "/api/v1/syncs/<sync_id>"): one_sync,
    ("GET", "/api/v1/syncs/<sync_id>/timeline"): timeline,
    ("POST", "/api/v1/syncs/<sync_id>/cancel"): sync_action("cancel"),
    ("POST", "/api/v1/syncs/<sync_id>/retry"): sync_action("retry"),
    ("GET", "/api/v1/wait"): wait,
    ("POST", "/api/v1/whatif"): refused("/api/v1/whatif", "POST"),
    ("GET", "/coverage"): refused_page("/coverage"),
    ("GET", "/audit"): refused_page("/audit"),
    ("POST", "/rules/accept"): refused_page("/rules/accept", "POST"),
    ("GET", "/pauses"): refused_page("/pauses"),
    ("POST", "/pauses"): refused_page("/pauses", "POST"),
    ("POST", "/pauses/resume"): refused_page("/pauses/resume", "POST"),
    ("GET", "/notifications"): refused_page("/notifications"),
    ("POST", "/notifications/test/<channel>"): refused_page("/notifications/test/ops", "POST"),
    ("POST", "/notifications/<notification_id>/retry"): refused_page(
        "/notifications/01A/retry", "POST"
    ),
    ("GET", "/deliveries"): page_of("/deliveries"),
    ("GET", "/deliveries/<delivery_id>"): page_of_delivery,
    ("POST", "/deliveries/<delivery_id>/replay"): page_replay,
    ("GET", "/explain"): page_of_explain,
    ("GET", "/healthz"): open_to_all("/healthz"),
    ("POST", "/gate"): gate("/gate"),
    ("POST", "/gate/<token>"): gate(f"/gate/{TEAM}"),
    ("POST", "/hooks/<sender>"): hook,
    ("POST", "/hooks/<sender>/<secret>"): hook,
    ("GET", "/metrics"): refused("/metrics"),
    ("GET", "/readyz"): open_to_all("/readyz"),
    ("GET", "/repairs"): page_of("/repairs"),
    ("POST", "/repairs"): page_of_new_repair,
    ("GET", "/repairs/<repair_id>"): page_of_repair("GET", ""),
    ("POST", "/repairs/<repair_id>/cancel"): page_of_repair("POST", "/cancel"),
    ("POST", "/repairs/<repair_id>/start"): page_of_repair("POST", "/start"),
    ("GET", "/repositories"): page_of("/repositories"),
    ("GET", "/repositories.csv"): file_of_repositories,
    ("GET", "/rules"): refused_page("/rules"),
    ("GET", "/sign-in/callback"): open_to_all("/sign-in/callback", 404),
    ("GET", "/sign-in/provider"): open_to_all("/sign-in/provider", 404),
    ("GET", "/sign-in"): signing_in_and_out,
    ("POST", "/sign-in"): signing_in_and_out,
    ("POST", "/language"): language_switch,
    ("POST", "/sign-out"): signing_in_and_out,
    ("GET", "/static/<path:filename>"): open_to_all("/static/dashboard.css"),
    ("GET", "/syncs"): page_of("/syncs"),
    ("POST", "/syncs"): page_of_order,
    ("POST", "/syncs/cancel"): page_of_selected("cancel"),
    ("POST", "/syncs/retry"): page_of_selected("retry"),
    ("GET", "/syncs/<sync_id>"): page_of_sync,
    ("POST", "/syncs/<sync_id>/cancel"): page_action("cancel"),
    ("POST", "/syncs/<sync_id>/retry"): page_action("retry"),
    ("GET", "/tokens"): refused_page("/tokens"),
    ("GET", "/what-if"): refused_page("/what-if"),
    ("POST", "/what-if"): refused_page("/what-if", "POST"),
}


def test_every_route_has_a_check(harness: WebHarness) -> None:
    routes = {
        (method, rule.rule)
        for rule in harness.web.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes == CHECKS.keys()


@pytest.mark.parametrize("route", CHECKS, ids=" ".join)
def test_a_limited_token_sees_and_changes_only_its_organizations(
    scene: Scene, route: tuple[str, str]
) -> None:
    CHECKS[route](scene)


def test_a_route_added_later_refuses_a_limited_token(harness: WebHarness) -> None:
    limited(harness, *OURS)
    harness.own_web().add_url_rule("/new", view_func=lambda: "new")

    assert [status(harness.client(token).get("/new")) for token in (TEAM, OPERATE)] == [403, 200]


def test_a_pattern_matches_as_in_rules(scene: Scene) -> None:
    """`_` and `%` are no wildcards, `*` and `?` are."""
    names = ["team-a-1", "team-a_1", "team-ab", "teamxa-1"]
    for name in names:
        scene.harness.record(replace(image_entry(f"{name}/app:v1", EAST), external_id=name))

    for pattern in ("team-a_*", "team-?", "t*-1", "*", "none-*"):
        limited(scene.harness, pattern)
        shown = scene.api("GET", "syncs?limit=1000").get_json()["items"]
        pushed = scene.api("GET", "deliveries?limit=1000").get_json()["items"]
        matching = {name for name in [*names, "team-a", "team-b"] if Glob(pattern).matches(name)}
        assert {sync["namespace"] for sync in shown} == matching
        images = {push["image"] for delivery in pushed for push in delivery["pushes"]}
        assert {image.partition("/")[0] for image in images} == matching


def test_a_limited_token_needs_the_role_too(scene: Scene) -> None:
    limited(scene.harness, *OURS, role="read")

    assert status(scene.api("POST", f"syncs/{sync_of(scene.own)}/cancel")) == 403


def test_a_target_may_be_anywhere(scene: Scene) -> None:
    """The limit is on the source: where a team's images go is the rules' decision."""
    entry = image_entry("team-a/app:v1", Target("cn-east-3", "shared"))
    receipt = scene.harness.record(replace(entry, external_id="46", received_at=NOW))

    assert status(scene.api("GET", f"syncs/{sync_of(receipt)}")) == 200


def test_pages_of_repairs_skip_those_of_others(scene: Scene) -> None:
    seen: list[str] = []
    own = [scene.own_repair, *(begin_backfill(scene, "team-a/web") for _ in range(2))]
    begin_backfill(scene, "team-b/web")
    cursor: str | None = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page = scene.api("GET", f"backfill?limit=1{more}").get_json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]

    assert seen == sorted(own, reverse=True)


def begin_backfill(scene: Scene, repository: str) -> str:
    body = {"repositories": [repository]}
    answer = scene.harness.client(OPERATE).post("/api/v1/backfill", json=body)
    return str(answer.get_json()["id"])
