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
from swrhook.syncs.discovery import DiscoveredRepository
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
    assert [(one.name, one.tags, one.tag_count) for one in rest.repositories] == [
        ("app100", ["v1"], 1),
        ("app101", ["v1"], 1),
    ]
    assert (rest.count, rest.total) == (2, 102)
    assert rest.is_last


def test_names_that_swr_does_not_allow_and_other_organizations_are_left_out() -> None:
    items = [
        {"namespace": "team", "name": "web"},
        {"namespace": "team", "name": "../web"},
        {"namespace": "team-b", "name": "web"},
        {"name": "web"},
        7,
    ]

    page = read_repository_page(answer(200, json.dumps(items).encode()), "team")

    assert page == RepositoryPage([DiscoveredRepository("web", [], None, None)], 5)


def test_the_last_changed_repository_is_listed_first(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    for name in ("b", "a", "c"):
        simulator.state.seed(WEST, "group", name, "v1")
        clock.advance(2)

    page = simulated(simulator, clock).repository_page(WEST, "group", 0, changed_first=True)

    assert page.names == ["c", "a", "b"]
    times = [repository.updated_at for repository in page.repositories]
    assert times == sorted(filter(None, times), reverse=True)


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
