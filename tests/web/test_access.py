from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from swrhook.config import parse
from swrhook.config.model import Access, AccessToken
from tests.web.harness import ADMIN, CONFIG, NOW, OPERATE, READ, SECRET, WebHarness

PATH = "/api/v1/syncs"
OPEN = {
    "/healthz",
    "/readyz",
    "/hooks/<sender>",
    "/hooks/<sender>/<secret>",
    "/gate",  # off by default; test_gate.py has its tokens
    "/gate/<token>",
    "/api/docs",
    "/api/docs/<path:filename>",
    "/sign-in",
    "/language",
    "/sign-in/callback",
    "/sign-in/provider",
    "/static/<path:filename>",
}


def routes(harness: WebHarness) -> Sequence[Rule]:
    return list(harness.web.url_map.iter_rules())


def test_every_route_but_hooks_and_health_needs_a_token(harness: WebHarness) -> None:
    client = harness.client(token=None)
    answers = {
        (rule.rule, method): client.open(rule.rule, method=method)
        for rule in routes(harness)
        for method in rule.methods or ()
        if rule.rule not in OPEN
    }

    paths = {rule for rule, _ in answers}
    assert {"/metrics", "/api/openapi.json", "/api/v1/syncs/<sync_id>", "/", "/rules"} < paths
    assert set() == {route for route, answer in answers.items() if not is_refusal(answer)}


def is_refusal(answer: TestResponse) -> bool:
    """Tell whether the answer asks for a token: 401, or a redirect of a page to the form."""
    return answer.status_code == 401 or (
        answer.status_code == 303 and answer.location.partition("?")[0] == "/sign-in"
    )


def test_a_route_added_later_needs_a_token_too(harness: WebHarness) -> None:
    web = harness.own_web()
    web.add_url_rule("/new", view_func=lambda: "new", methods=["GET", "POST"])
    read = {"Authorization": f"Bearer {READ}"}
    operate = {"Authorization": f"Bearer {OPERATE}"}
    client = web.test_client()

    assert client.get("/new").status_code == 401
    assert client.get("/new", headers=read).status_code == 200
    assert client.post("/new", headers=read).status_code == 403
    assert client.post("/new", headers=operate).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_open_and_answers_head(harness: WebHarness, path: str) -> None:
    client = harness.client(token=None)

    assert client.get(path).status_code == 200
    head = client.head(path)
    assert (head.status_code, head.data) == (200, b"")


def test_hooks_need_the_senders_secret_and_no_token(harness: WebHarness) -> None:
    body = {"image": "team/web:v1"}

    assert harness.client(SECRET).post("/hooks/ci", json=body).status_code == 202
    assert harness.client(ADMIN).post("/hooks/ci", json=body).status_code == 401


@pytest.mark.parametrize("token", [READ, OPERATE, ADMIN])
def test_every_role_may_read(harness: WebHarness, token: str) -> None:
    assert harness.client(token).get(PATH).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        f"Bearer {READ}x",
        f"Bearer {READ[:-1]}",
        f"Bearer {READ.upper()}",
        f"Basic {READ}",
        READ,
        "Bearer r\xe9ad",
        f"Bearer {READ} {READ}",
        f"Bearer {SECRET}",
    ],
)
def test_an_unknown_token_is_refused(harness: WebHarness, header: str) -> None:
    answer = harness.client(token=None).get(PATH, headers={"Authorization": header})

    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert (
        answer.headers["WWW-Authenticate"].replace("realm=swrhook", 'realm="swrhook"')
        == 'Bearer realm="swrhook"'
    )


def test_the_scheme_is_case_insensitive(harness: WebHarness) -> None:
    headers = {"Authorization": f"bearer {READ}"}

    assert harness.client(token=None).get(PATH, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}]
)
def test_without_configured_tokens_every_request_is_refused(
    harness: WebHarness, header: dict[str, str]
) -> None:
    harness.let_access_be(Access())

    assert harness.client(token=None).get(PATH, headers=header).status_code == 401


def test_a_token_may_be_configured_as_its_hash(harness: WebHarness) -> None:
    digest = sha256(READ.encode()).hexdigest()
    text = CONFIG.replace(READ, f"sha256:{digest}")
    harness.config = parse(text.encode(), file="f", environ={}, read_file=lambda _path: "")

    assert harness.client(READ).get(PATH).status_code == 200
    for wrong in (digest, f"sha256:{digest}"):
        assert harness.client(wrong).get(PATH).status_code == 401


def test_a_token_is_valid_until_its_end(harness: WebHarness) -> None:
    [token, *_] = harness.config.access.tokens
    hour = timedelta(hours=1)
    statuses = []
    for not_after in (NOW + hour, NOW - hour):
        harness.let_access_be(Access([replace(token, not_after=not_after)]))
        statuses.append(harness.client(READ).get(PATH).status_code)

    assert statuses == [200, 401]


def test_no_token_is_never_a_token(harness: WebHarness) -> None:
    harness.let_access_be(Access([AccessToken("empty", "admin", sha256(b"").digest())]))

    assert harness.client("").get(PATH).status_code == 401


def test_a_changed_configuration_takes_effect_with_the_next_request(harness: WebHarness) -> None:
    client = harness.client(READ)
    before = client.get(PATH).status_code
    harness.let_access_be(Access([AccessToken("new", "read", sha256(b"another").digest())]))

    assert (before, client.get(PATH).status_code) == (200, 401)


def test_public_metrics_open_no_other_route(harness: WebHarness) -> None:
    client = harness.client(token=None)
    before = client.get("/metrics").status_code
    harness.let_access_be(Access(metrics_public=True))

    assert (
        before,
        client.get("/metrics").status_code,
        client.get(PATH).status_code,
    ) == (401, 200, 401)


def test_refusals_are_counted_by_reason(harness: WebHarness) -> None:
    web = harness.own_web()
    web.add_url_rule("/new", view_func=lambda: "new", methods=["POST"])
    client = web.test_client()
    client.get(PATH)
    client.post("/new", headers={"Authorization": f"Bearer {READ}"})

    text = harness.metrics.text().decode()

    assert 'swrhook_access_denied_total{reason="unauthenticated"} 1.0' in text
    assert 'swrhook_access_denied_total{reason="forbidden"} 1.0' in text
