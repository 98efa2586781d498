"""A token that is limited to organizations: what it sees and may do, route by route.

The ledger has deliveries of team-a (the token's own), of team-b, and a mixed one.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from swrhook.model import Target
from swrhook.rules.glob import Glob
from tests.web.harness import EAST, NOW, OPERATE, WebHarness, image_entry
from tests.web.scope_of_api import (
    availability,
    begin,
    document,
    explain,
    gate,
    list_of_deliveries,
    list_of_syncs,
    one_delivery,
    one_sync,
    order,
    repair,
    repairs,
    replay,
    senders,
    sync_action,
    timeline,
    wait,
)
from tests.web.scope_of_pages import (
    file_of_repositories,
    language_switch,
    overview,
    page_action,
    page_of,
    page_of_delivery,
    page_of_explain,
    page_of_help,
    page_of_new_repair,
    page_of_order,
    page_of_repair,
    page_of_selected,
    page_of_sync,
    page_replay,
    signing_in_and_out,
)
from tests.web.scope_scene import (
    ALONE,
    MIXED,
    OURS,
    TEAM,
    Scene,
    hook,
    limited,
    open_to_all,
    refused,
    refused_page,
    status,
    sync_of,
)


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
    ("GET", "/help"): page_of_help,
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


def test_pages_of_repairs_follow_each_other(scene: Scene) -> None:
    own = [scene.own_repair]
    for _ in range(3):
        for repository in ("team-a/web", "team-b/web"):
            body = {"repositories": [repository]}
            answer = scene.harness.client(OPERATE).post("/api/v1/backfill", json=body)
            if repository == "team-a/web":
                own.insert(0, answer.get_json()["id"])
    shown, after = [], ""
    for _ in own:
        page = scene.api("GET", f"backfill?limit=1{after}").get_json()
        shown += [repair["id"] for repair in page["items"]]
        after = f"&cursor={page['next']}"

    assert (shown, page["next"]) == (own, None)
