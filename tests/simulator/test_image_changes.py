from collections.abc import Callable
from typing import Any

import pytest
import requests

from swrhook.simulator import RunningSimulator

Swr = Callable[..., requests.Response]
REPOS = "/namespaces/group/repos"
REPO = f"{REPOS}/web$shop"


def code_of(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()[0]["errorCode"].rpartition(".")[2]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (REPOS, {"is_public": True}, (400, "4001014")),
        (REPOS, {"repository": "web/shop"}, (400, "4001014")),
        (REPOS, {"repository": "Web", "is_public": True}, (400, "4001029")),
        (REPOS, {"repository": "web", "is_public": "yes"}, (400, "4000014")),
        (REPOS, {"repository": "web", "is_public": True, "category": "toys"}, (400, "4000014")),
        (
            "/namespaces/nobody/repos",
            {"repository": "web", "is_public": True},
            (404, "4040058"),
        ),
    ],
)
def test_a_repository_that_is_not_valid_is_refused(
    swr: Swr, path: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert code_of(swr("POST", path, json=body)) == expected


def test_a_repository_with_a_tag_is_not_deleted(sim: RunningSimulator, swr: Swr) -> None:
    sim.state.seed("cn-north-4", "group", "web/shop", "v1")

    assert code_of(swr("DELETE", REPO)) == (406, "4060012")
    assert swr("DELETE", f"{REPO}/tags/v1").status_code == 204
    assert swr("DELETE", REPO).status_code == 204
    assert code_of(swr("DELETE", REPO)) == (404, "4040010")


def test_an_existing_tag_is_replaced_only_with_override(sim: RunningSimulator, swr: Swr) -> None:
    first = sim.state.seed("cn-north-4", "group", "web/shop", "v1").digest
    second = sim.state.seed("cn-north-4", "group", "web/shop", "v2").digest
    body = {"source_tag": "v1", "destination_tag": "v2"}

    assert code_of(swr("POST", f"{REPO}/tags", json=body)) == (409, "4090006")
    assert second == sim.state.digest("cn-north-4", "group", "web/shop", "v2")
    assert swr("POST", f"{REPO}/tags", json=body | {"override": True}).status_code == 201
    assert first == sim.state.digest("cn-north-4", "group", "web/shop", "v2")


def test_a_tag_that_does_not_exist_is_neither_copied_nor_deleted(
    sim: RunningSimulator, swr: Swr
) -> None:
    sim.state.seed("cn-north-4", "group", "web/shop", "v1")
    body = {"source_tag": "v9", "destination_tag": "v10"}

    assert code_of(swr("POST", f"{REPO}/tags", json=body)) == (404, "4040048")
    assert code_of(swr("DELETE", f"{REPO}/tags/v9")) == (404, "4040048")
