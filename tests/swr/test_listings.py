import json

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.simulator import RunningSimulator
from swrhook.swr.listings import (
    RepositoryPage,
    read_organizations,
    read_repository_page,
    repositories_path,
)
from tests.factories import FakeClock
from tests.swr.clients import answer, simulated

WEST = "cn-north-4"


def test_organizations_and_repositories_are_listed_page_by_page(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    for number in range(102):
        simulator.state.seed(WEST, "group", f"app{number:03}", "v1")
    simulator.state.seed(WEST, "other", "web/shop", "v1")
    client = simulated(simulator, clock)

    first = client.repository_page(WEST, "group", 0)
    rest = client.repository_page(WEST, "group", first.count)

    assert client.organizations(WEST) == ["group", "other"]
    assert (first.names[0], first.count, first.is_last) == ("app000", 100, False)
    assert rest == RepositoryPage(["app100", "app101"], 2)
    assert rest.is_last


def test_names_that_swr_does_not_allow_and_other_organizations_are_left_out() -> None:
    items = [
        {"namespace": "team", "name": "web"},
        {"namespace": "team", "name": "../web"},
        {"namespace": "team-b", "name": "web"},
        {"name": "web"},
        7,
    ]

    assert read_repository_page(answer(200, json.dumps(items).encode()), "team") == RepositoryPage(
        ["web"], 5
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"namespaces": [{"name": "team"}, {"name": "Not!"}, {}, 1]}', ["team"]),
        (b'{"namespaces": null}', []),
        (b"{}", []),
        (b"null", []),
    ],
)
def test_any_list_of_organizations_is_read(body: bytes, expected: list[str]) -> None:
    assert read_organizations(answer(200, body)) == expected


def test_an_error_is_raised() -> None:
    for response in (answer(403), answer(200, b'{"namespaces": 1}'), answer(200, b"<html>")):
        with pytest.raises(SwrError):
            read_organizations(response)
    with pytest.raises(SwrError) as caught:
        repositories_path("../team", 0)
    assert caught.value.kind is Kind.PERMANENT
