from collections.abc import Callable

import pytest
import requests

from swrhook.simulator import RunningSimulator

Swr = Callable[..., requests.Response]
REPO = "/namespaces/group/repos/web$api"
DIGEST = "sha256:" + "7" * 64


@pytest.fixture
def sim(sim: RunningSimulator, advance: Callable[[float], None]) -> RunningSimulator:
    for tag in ("b", "a", "c", "a1"):
        sim.state.seed("cn-north-4", "group", "web/api", tag, DIGEST)
        advance(1)
    return sim


def tags(response: requests.Response) -> list[str]:
    return [tag["Tag"] for tag in response.json()]


def refusal(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()[0]["errorCode"].removeprefix("SVCSTG.SWR.")


def test_tags_are_listed_newest_first_with_their_digests(swr: Swr) -> None:
    response = swr("GET", f"{REPO}/tags")

    newest = response.json()[0]
    assert tags(response) == ["a1", "c", "a", "b"]
    assert response.headers["Content-Range"] == "0-4/4"
    assert (newest["digest"], newest["updated"]) == (DIGEST, "2026-01-02T03:04:08Z")
    assert newest["path"] == "swr.cn-north-4.myhuaweicloud.com/group/web/api:a1"
    assert "tag" not in newest


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=2&offset=1", ["c", "a"]),
        ("limit=1000&offset=4", []),
        ("order_column=updated_at&order_type=asc", ["b", "a", "c", "a1"]),
        ("order_column=tag&order_type=asc", ["a", "a1", "b", "c"]),
        ("tag=a", ["a1", "a"]),
        ("filter=offset::0|limit::1|order_column::updated_at|order_type::asc|tag::a", ["a"]),
        ("tag=b&filter=tag::c", ["c"]),
    ],
)
def test_a_list_of_tags_is_paged_ordered_and_filtered(
    swr: Swr, query: str, expected: list[str]
) -> None:
    assert tags(swr("GET", f"{REPO}/tags?{query}")) == expected


def test_the_content_range_has_the_total_number_of_tags(swr: Swr) -> None:
    assert swr("GET", f"{REPO}/tags?limit=2&offset=1").headers["Content-Range"] == "1-2/4"


def test_a_page_has_100_tags_by_default(sim: RunningSimulator, swr: Swr) -> None:
    for number in range(120):
        sim.state.seed("cn-north-4", "group", "big", f"t{number}")

    assert len(swr("GET", "/namespaces/group/repos/big/tags").json()) == 100
    assert len(swr("GET", "/namespaces/group/repos/big/tags?limit=1000&offset=0").json()) == 120


def test_a_limit_without_an_offset_is_ignored(swr: Swr) -> None:
    assert len(swr("GET", f"{REPO}/tags?limit=2").json()) == 4


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("offset=0", "4001025"),
        ("limit=1001&offset=0", "4001025"),
        ("limit=0&offset=0", "4001025"),
        ("limit=-1&offset=0", "4001025"),
        ("order_column=tag", "4001096"),
        ("order_type=asc", "4001096"),
        ("order_column=size&order_type=asc", "4001096"),
    ],
)
def test_a_query_that_the_reference_does_not_allow_is_refused(
    swr: Swr, query: str, code: str
) -> None:
    assert refusal(swr("GET", f"{REPO}/tags?{query}")) == (400, code)


def test_a_single_tag_has_a_lower_case_key(swr: Swr) -> None:
    shown = swr("GET", f"{REPO}/tags/c").json()

    assert (shown["tag"], shown["digest"]) == ("c", DIGEST)
    assert "Tag" not in shown


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{REPO}/tags/nothing", (404, "4040048")),
        (f"{REPO}/tags/-x", (400, "4009021")),
        ("/namespaces/group/repos/nothing/tags/v1", (404, "4040010")),
        ("/namespaces/group/repos/nothing/tags", (404, "4040010")),
        ("/namespaces/group/repos/nothing", (404, "4040010")),
        ("/namespaces/nobody/repos/web$api/tags", (404, "4040058")),
        ("/namespaces/Group/repos/web$api/tags", (400, "4001028")),
    ],
)
def test_an_unknown_tag_or_repository_is_not_found(
    swr: Swr, path: str, expected: tuple[int, str]
) -> None:
    assert refusal(swr("GET", path)) == expected


def test_a_tag_pushed_again_keeps_its_creation_time(sim: RunningSimulator, swr: Swr) -> None:
    sim.state.seed("cn-north-4", "group", "web/api", "b")
    shown = swr("GET", f"{REPO}/tags/b").json()

    assert (shown["created"], shown["updated"]) == ("2026-01-02T03:04:05Z", "2026-01-02T03:04:09Z")
    assert shown["digest"] != DIGEST


def test_a_repository_is_shown_without_its_tags(swr: Swr) -> None:
    shown = swr("GET", REPO).json()

    assert (shown["name"], shown["num_images"]) == ("web/api", 4)
    assert "tags" not in shown


def test_a_repository_without_tags_remains(sim: RunningSimulator, swr: Swr) -> None:
    tag = sim.state.seed("cn-north-4", "group", "gone", "v1")
    sim.state.remove("cn-north-4", tag)

    assert swr("GET", "/namespaces/group/repos/gone/tags").json() == []
    assert swr("GET", "/namespaces/group/repos/gone").status_code == 200


def test_repositories_are_listed_with_their_tags(sim: RunningSimulator, swr: Swr) -> None:
    sim.state.seed("cn-north-4", "other", "web", "v1")
    everything = swr("GET", "/repos")
    query = "namespace=group&name=web&limit=10&offset=0&order_column=name&order_type=asc"
    [repo] = swr("GET", f"/repos?{query}").json()

    assert [repo["name"] for repo in everything.json()] == ["web", "web/api"]
    assert everything.headers["Content-Range"] == "0-2/2"
    assert (
        repo["name"],
        repo["tags"],
        repo["total_range"],
    ) == ("web/api", ["a1", "c", "a", "b"], 1)


def test_repositories_are_paged_the_last_pushed_first(
    sim: RunningSimulator, swr: Swr, advance: Callable[[float], None]
) -> None:
    for name in ("one", "two", "three"):
        advance(1)
        sim.state.seed("cn-north-4", "team", name, "v1")
    advance(1)
    sim.state.remove("cn-north-4", sim.state.seed("cn-north-4", "team", "one", "v2"))
    advance(60)

    pages = [
        swr(
            "GET",
            f"/repos?namespace=team&limit=2&offset={offset}&order_column=updated_time&order_type=desc",
        )
        for offset in (0, 2)
    ]

    assert [
        [(repo["name"], repo["num_images"], repo["updated_at"][-3:]) for repo in page.json()]
        for page in pages
    ] == [[("one", 1, "13Z"), ("three", 1, "12Z")], [("two", 1, "11Z")]]
    assert [page.headers["Content-Range"] for page in pages] == ["0-2/3", "2-1/3"]


@pytest.mark.parametrize("column", ["tag", "updated_at"])
def test_a_list_of_tags_reflects_pushes_and_deletions(
    sim: RunningSimulator, swr: Swr, column: str
) -> None:
    def listed() -> list[str]:
        query = f"filter=offset::0|limit::9|order_column::{column}|order_type::asc"
        tags = swr("GET", f"/namespaces/team/repos/again/tags?{query}").json()
        return [tag["Tag"] for tag in tags]

    first = sim.state.seed("cn-north-4", "team", "again", "v1")
    seen = [listed()]
    sim.state.seed("cn-north-4", "team", "again", "v2")
    seen.append(listed())
    sim.state.remove("cn-north-4", first)
    seen.append(listed())

    assert seen == [["v1"], ["v1", "v2"], ["v2"]]
