from collections.abc import Callable

import requests

from swrhook.simulator import RunningSimulator

Swr = Callable[..., requests.Response]


def test_organizations_are_created_listed_and_shown(swr: Swr) -> None:
    created = swr("POST", "/namespaces", json={"namespace": "team-a"})
    listed = swr("GET", "/namespaces").json()["namespaces"]

    assert (created.status_code, created.content) == (201, b"")
    assert [item["name"] for item in listed] == ["group", "team-a"]
    assert listed[1] == swr("GET", "/namespaces/team-a").json()
    assert tuple(listed[1][key] for key in ("name", "creator_name", "auth")) == (
        "team-a",
        "demo",
        7,
    )


def test_an_organization_exists_in_one_region_only(swr: Swr) -> None:
    swr("POST", "/namespaces", json={"namespace": "team-a"})
    response = swr("GET", "/namespaces/team-a", region="cn-east-3")

    assert (response.status_code, response.json()[0]["errorCode"]) == (404, "SVCSTG.SWR.4040058")


def test_an_existing_organization_is_not_created_again(swr: Swr) -> None:
    response = swr("POST", "/namespaces", json={"namespace": "group"})

    assert (response.status_code, response.json()[0]["errorCode"]) == (409, "SVCSTG.SWR.4090060")


def test_an_organization_must_have_a_valid_name(swr: Swr) -> None:
    response = swr("POST", "/namespaces", json={"namespace": "Team"})

    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "SVCSTG.SWR.4001028")


def test_a_reserved_organization_cannot_be_created(swr: Swr, control: Swr) -> None:
    response = swr("POST", "/namespaces", json={"namespace": "library"})
    seeded = control("PUT", "/organizations", {"region": "*", "namespace": "library"})

    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "SVCSTG.SWR.4001028")
    assert seeded.status_code == 400


def test_the_quota_limits_the_organizations_of_each_region(swr: Swr, control: Swr) -> None:
    for number in range(4):
        assert swr("POST", "/namespaces", json={"namespace": f"team-{number}"}).status_code == 201
    refused = swr("POST", "/namespaces", json={"namespace": "one-more"})
    elsewhere = swr("POST", "/namespaces", json={"namespace": "one-more"}, region="cn-east-3")
    control("PUT", "/settings", {"organization_quota": 6})

    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "SVCSTG.SWR.4000097")
    assert elsewhere.status_code == 201
    assert swr("POST", "/namespaces", json={"namespace": "one-more"}).status_code == 201


def test_organizations_are_filtered_by_name(swr: Swr) -> None:
    swr("POST", "/namespaces", json={"namespace": "team-a"})
    listed = swr("GET", "/namespaces?filter=namespace::team|mode::visible").json()

    assert [item["name"] for item in listed["namespaces"]] == ["team-a"]


def test_regions_are_listed(swr: Swr) -> None:
    expected = [{"regionID": name} for name in ("cn-north-4", "cn-east-3", "ap-southeast-1")]

    assert expected == swr("GET", "/regions").json()


def test_features_and_quotas_are_shown_for_the_own_project(
    swr: Swr, login: Callable[..., requests.Response], sim: RunningSimulator
) -> None:
    project = login().json()["token"]["project"]["id"]
    other = login("cn-east-3").json()["token"]["project"]["id"]
    [quota] = swr("GET", f"/projects/{project}/quotas").json()["quotas"]

    assert swr("GET", f"/projects/{project}/feature-gates").json()["enable_image_sync"]
    assert (quota["quota_key"], quota["used"]) == ("namespace", 1)
    assert swr("GET", f"/projects/{other}/quotas").status_code == 403
    assert sim.state.store("cn-north-4").organizations() == ["group"]
