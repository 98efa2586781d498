from collections.abc import Callable
from typing import Any

import pytest
import requests

from swrhook.simulator import RunningSimulator

Swr = Callable[..., requests.Response]
DIGEST = "sha256:" + "7" * 64
TAG = {"region": "cn-east-3", "namespace": "team", "repository": "web/api", "tag": "v1"}
TIMES = {"created": "2026-01-02T03:04:05Z", "updated": "2026-01-02T03:04:05Z"}


def test_a_tag_is_seeded_with_its_organization_and_listed(
    sim: RunningSimulator, control: Swr
) -> None:
    answer = control("PUT", "/tags", TAG | {"digest": DIGEST})

    assert (
        answer.status_code,
        answer.json(),
    ) == (200, TAG | TIMES | {"digest": DIGEST, "index": False})
    assert [answer.json()] == control("GET", "/tags?region=cn-east-3").json()
    assert control("GET", "/tags?region=cn-north-4").json() == []
    assert sim.state.store("cn-east-3").has_organization("team")


def test_tags_without_a_digest_get_different_ones(control: Swr) -> None:
    seeded = control("POST", "/tags", [TAG, TAG | {"tag": "v2"}, TAG]).json()

    assert len({tag["digest"] for tag in seeded}) == 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"region": "atlantis"}, "unknown region atlantis"),
        ({"namespace": "Team"}, "0.namespace: Not an organization's name."),
        ({"tag": "-"}, "0.tag: Not a tag."),
        ({"digest": "sha256:1"}, "0.digest: Not a digest."),
        ({"tga": "v1"}, "0.tga: Unknown field."),
    ],
)
def test_an_invalid_tag_is_refused(control: Swr, change: dict[str, str], expected: str) -> None:
    answer = control("PUT", "/tags", TAG | change)

    assert answer.status_code == 400
    assert expected in answer.json()["error"]


def test_tags_that_match_the_query_are_deleted(control: Swr) -> None:
    control("PUT", "/tags", [TAG, TAG | {"tag": "v2"}, TAG | {"region": "cn-north-4"}])

    assert control("DELETE", "/tags?region=cn-east-3&tag=v1").json() == {"deleted": 1}
    assert control("DELETE", "/tags").json() == {"deleted": 2}


def test_a_body_names_the_tags_to_delete(control: Swr) -> None:
    other = TAG | {"repository": "web/shop"}
    control("PUT", "/tags", [TAG, TAG | {"tag": "v2"}, other, other | {"region": "cn-north-4"}])

    assert control("DELETE", "/tags", TAG).json() == {"deleted": 1}
    both = [{"tag": "v2"}, {"region": "cn-north-4"}]
    assert control("DELETE", "/tags?namespace=team", both).json() == {"deleted": 2}
    assert [tag["repository"] for tag in control("GET", "/tags").json()] == ["web/shop"]


@pytest.mark.parametrize("body", [{}, {"tag": None}, {"tga": "v1"}, [{}], "v1", 1])
def test_a_body_that_names_no_tag_deletes_none(control: Swr, body: Any) -> None:
    control("PUT", "/tags", TAG)

    assert control("DELETE", "/tags", body).status_code == 400
    assert len(control("GET", "/tags").json()) == 1


def test_an_organization_is_created_in_one_region_or_in_all(control: Swr) -> None:
    control("POST", "/organizations", {"region": "cn-east-3", "namespace": "one"})
    control("POST", "/organizations", {"region": "*", "namespace": "all"})
    listed = control("GET", "/organizations").json()

    assert [o["namespace"] for o in listed if o["region"] == "cn-east-3"] == ["all", "group", "one"]
    assert sum(o["namespace"] == "all" for o in listed) == 3


def test_calls_are_recorded_without_secrets(
    control: Swr, swr: Swr, token: Callable[[str], str]
) -> None:
    swr("POST", "/namespaces?x=1", json={"namespace": "team"})
    swr("GET", "/namespaces/a$b", region="cn-east-3")
    listed = control("GET", "/calls?region=cn-north-4&operation=namespaces&path=namespace")

    assert listed.json()[0].pop("took_ms") >= 0
    [call] = listed.json()
    assert call.pop("took_ms") == 0
    assert call == {
        "serial": 2,
        "time": "2026-01-02T03:04:05Z",
        "region": "cn-north-4",
        "operation": "namespaces",
        "method": "POST",
        "path": "/v2/manage/namespaces",
        "query": "x=1",
        "body": {"namespace": "team"},
        "token_region": "cn-north-4",
        "faults": [],
        "status": 201,
    }
    everything = control("GET", "/calls").text
    assert token("cn-north-4") not in everything
    assert "password" not in everything


def test_calls_of_all_kinds_are_recorded(sim: RunningSimulator, swr: Swr, control: Swr) -> None:
    swr("GET", "/nothing")
    swr("POST", "/namespaces", data=b"{no json", headers={"X-Auth-Token": "made-up"})

    recorded = [(c.operation, c.status, c.body, c.token_region) for c in sim.state.calls()]
    assert recorded == [
        ("tokens", 201, None, None),
        ("unknown", 404, None, "cn-north-4"),
        ("namespaces", 401, "{no json", None),
    ]
    assert control("DELETE", "/calls").json() == {}
    assert sim.state.calls() == []


def test_jobs_are_listed(sim: RunningSimulator, swr: Swr, control: Swr) -> None:
    sim.state.seed("cn-north-4", "group", "web", "v1")
    body = {"imageTag": ["v1"], "remoteNamespace": "group", "remoteRegionId": "cn-east-3"}
    swr("POST", "/namespaces/group/repos/web/sync_images", json=body)
    [job] = control("GET", "/jobs").json()

    target = {"region": "cn-east-3", "namespace": "group", "override": False}
    assert (job["tag"], job["status"], job["target"]) == ("v1", "waiting", target)
    assert job["due"] == "2026-01-02T03:04:07Z"


def test_settings_are_shown_and_changed(sim: RunningSimulator, control: Swr) -> None:
    changed = control("PUT", "/settings", {"delay": 7}).json()

    assert 7 == changed["delay"] == sim.state.settings.delay
    assert changed == control("GET", "/settings").json() == control("GET", "/").json()["settings"]
    assert control("PUT", "/settings", {"delay": -1}).status_code == 400


def test_tokens_are_revoked(swr: Swr, control: Swr) -> None:
    swr("GET", "/regions")

    assert control("DELETE", "/tokens").json() == {"killed": 1}
    assert swr("GET", "/regions").status_code == 401


def test_faults_are_replaced_added_and_deleted(control: Swr) -> None:
    first = control("PUT", "/faults", {"status": 500, "failed_tags": ["v1"]}).json()
    second = control("POST", "/faults", [{"delay": 1, "times": 2}]).json()

    assert [fault["failed_tags"] for fault in first] == [["v1"]]
    assert [fault["status"] for fault in second] == [500, None]
    assert len(control("PUT", "/faults", [{"delay": 2}]).json()) == 1
    assert [] == control("DELETE", "/faults").json() == control("GET", "/faults").json()


def test_a_reset_restores_the_initial_state(sim: RunningSimulator, swr: Swr, control: Swr) -> None:
    swr("GET", "/regions")
    control("PUT", "/tags", TAG)
    control("PUT", "/settings", {"delay": 7})
    control("PUT", "/faults", [{"status": 500, "operation": "tag"}, {"delay": 0}])
    body = {"imageTag": ["v1"], "remoteNamespace": "group", "remoteRegionId": "cn-north-4"}
    swr("POST", "/namespaces/team/repos/web$api/sync_images", region="cn-east-3", json=body)
    assert control("POST", "/reset").status_code == 200

    state = sim.state
    assert [
        state.calls(),
        state.jobs(),
        state.faults.all(),
        control("GET", "/tags").json(),
    ] == [[], [], [], []]
    assert (state.settings.delay, state.store("cn-east-3").organizations()) == (2, ["group"])
    assert swr("GET", "/regions").status_code == 401


def test_the_control_api_is_on_every_port_and_not_recorded(
    sim: RunningSimulator, session: requests.Session
) -> None:
    urls = [sim.iam_url, *sim.endpoints.values()]
    answers: list[Any] = [session.get(f"{url}/_sim/", timeout=10).json() for url in urls]

    assert answers[0]["regions"] == ["cn-north-4", "cn-east-3", "ap-southeast-1"]
    assert len({str(answer) for answer in answers}) == 1
    assert sim.state.calls() == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("PATCH", "/tags")])
def test_an_unknown_path_or_method_is_an_error_in_json(
    control: Swr, method: str, path: str
) -> None:
    assert control(method, path).json()["error"]
