"""A service with two organizations, and a token that is limited to one of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from werkzeug.test import TestResponse

from swrhook.config import parse
from swrhook.config.model import Access, AccessToken
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from tests.web.harness import CONFIG, WebHarness, form_key, signed_in

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


def status(answer: TestResponse) -> int:
    return answer.status_code


def ids(answer: TestResponse) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {item["id"] for item in answer.get_json()["items"]}


def own_syncs(scene: Scene) -> set[str]:
    return {sync.id for sync in (*scene.own.syncs, *scene.mixed.syncs) if "team-a/" in sync.image}


def sync_of(receipt: Any) -> str:
    return str(receipt.syncs[0].id)


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


def hook(scene: Scene) -> None:
    """A token opens no hook, whatever it is limited to."""
    assert status(scene.harness.client(TEAM).post("/hooks/ci", json={})) == 401
