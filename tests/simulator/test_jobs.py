from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from swrhook.simulator import RunningSimulator

Swr = Callable[..., requests.Response]
REPO = "/namespaces/group/repos/busybox"
RULE = {"remoteRegionId": "cn-east-3", "remoteNamespace": "group"}


@pytest.fixture
def sim(sim: RunningSimulator) -> RunningSimulator:
    sim.state.seed("cn-north-4", "group", "busybox", "v1")
    return sim


def sync(swr: Swr, *tags: str) -> None:
    swr("POST", f"{REPO}/sync_images", json=RULE | {"imageTag": tags})


def test_jobs_are_listed_newest_first_with_their_status(
    sim: RunningSimulator, swr: Swr, advance: Callable[[float], None]
) -> None:
    sync(swr, "v1", "v2")
    advance(2)
    response = swr("GET", f"{REPO}/sync_job?filter=limit::10|offset::0")

    jobs = response.json()
    assert response.headers["Content-Range"] == "0-2/2"
    assert [(job["tag"], job["status"]) for job in jobs] == [("v2", "failed"), ("v1", "success")]
    assert sim.state.users[0].id == jobs[1].pop("syncOperatorId")
    assert sim.state.users[0].domain_id == jobs[1].pop("domainID")
    assert jobs[1] == {
        "id": 1,
        "namespace": "group",
        "repoName": "busybox",
        "tag": "v1",
        "status": "success",
        "override": False,
        "remoteNamespace": "group",
        "remoteRegionId": "cn-east-3",
        "syncOperatorName": "demo",
        "domainName": "demo",
        "createdAt": "2026-01-02T03:04:05Z",
        "updatedAt": "2026-01-02T03:04:07Z",
    }


def test_jobs_are_paged_and_ordered(swr: Swr) -> None:
    sync(swr, "v1", "v2", "v3")
    response = swr("GET", f"{REPO}/sync_job?filter=limit::1|offset::1|order::asc")

    assert [job["tag"] for job in response.json()] == ["v2"]
    assert response.headers["Content-Range"] == "1-1/3"


def test_only_jobs_of_the_repository_are_listed(sim: RunningSimulator, swr: Swr) -> None:
    sim.state.seed("cn-north-4", "group", "other", "v1")
    sync(swr, "v1")

    path = "/namespaces/group/repos/other/sync_job?filter=limit::10|offset::0"
    assert swr("GET", path).json() == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?limit=10&offset=0",
        "?filter=",
        "?filter=limit::10",
        "?filter=offset::0",
        "?filter=limit::0|offset::0",
        "?filter=limit::x|offset::0",
        "?filter=limit::10|offset::0|order::down",
        "?filter=limit::10|offset::0|tag::v1",
    ],
)
def test_the_filter_is_mandatory_with_limit_and_offset(swr: Swr, query: str) -> None:
    response = swr("GET", f"{REPO}/sync_job{query}")

    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "SVCSTG.SWR.4001025")


def test_a_rule_is_created_listed_and_deleted(swr: Swr) -> None:
    created = swr("POST", f"{REPO}/sync_repo", json=RULE | {"syncAuto": True})
    [rule] = swr("GET", f"{REPO}/sync_repo").json()
    deleted = swr("DELETE", f"{REPO}/sync_repo", json=RULE)

    assert [created.status_code, deleted.status_code] == [200, 200]
    assert (
        rule["repoName"],
        rule["remoteRegionId"],
        rule["syncAuto"],
    ) == ("busybox", "cn-east-3", True)
    assert swr("GET", f"{REPO}/sync_repo").json() == []


def test_a_rule_that_is_not_automatic_is_not_listed(swr: Swr) -> None:
    swr("POST", f"{REPO}/sync_repo", json=RULE)

    assert swr("GET", f"{REPO}/sync_repo").json() == []


def test_a_second_rule_for_a_target_is_refused(swr: Swr) -> None:
    answers = [swr("POST", f"{REPO}/sync_repo", json=RULE).status_code for _ in range(2)]

    assert answers == [200, 400]


def test_deleting_an_unknown_rule_is_a_bad_request_with_a_list_of_errors(swr: Swr) -> None:
    response = swr("DELETE", f"{REPO}/sync_repo", json=RULE)

    [error] = response.json()["errors"]
    assert (response.status_code, error["errorCode"]) == (400, "SVCSTG.SWR.4001158")


def test_many_threads_see_each_tag_when_it_is_due(
    sim: RunningSimulator, swr: Swr, advance: Callable[[float], None]
) -> None:

    tags = [f"t{number}" for number in range(100)]
    for tag in tags:
        sim.state.seed("cn-north-4", "group", "busybox", tag)
    sync(swr, *tags)
    advance(2)

    def digest(tag: str) -> Any:
        return sim.state.digest("cn-east-3", "group", "busybox", tag)

    with ThreadPoolExecutor(16) as pool:
        assert None not in list(pool.map(digest, tags))
