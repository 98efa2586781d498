"""Requests byte by byte, and the parsing of responses, by the SWR API reference."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Target
from swrhook.swr import protocol, tags
from swrhook.swr.protocol import Organization, SyncJob
from tests.swr.clients import LANE, NO_TAG, NOW, answer

# "Manually Synchronizing Images", 2025-08-06: Example Request.
DOCUMENTED_BODY = """{
  "imageTag" : [ "V1" ],
  "override" : true,
  "remoteNamespace" : "sdsad",
  "remoteRegionId" : "region1"
}"""
FOREIGN = b'[{"errorCode":"SVCSTG.SWR.4039001","errorMessage":"not yours"}]'
NO_ORGANIZATION = b'[{"errorCode":"SVCSTG.SWR.4041061","errorMessage":"The organization"}]'


def test_the_request_is_the_documented_example() -> None:
    lane = Lane("cn-north-4", "group", "busybox", Target("region1", "sdsad"), override=True)

    path, body = protocol.sync_images_request(lane, ["V1"])

    assert path == "/v2/manage/namespaces/group/repos/busybox/sync_images"
    assert list(json.loads(DOCUMENTED_BODY).items()) == list(json.loads(body).items())
    assert json.dumps(json.loads(DOCUMENTED_BODY), separators=(",", ":")).encode() == body


def test_override_is_sent_when_it_is_false() -> None:
    _, body = protocol.sync_images_request(LANE, ["v1", "v2"])

    assert json.loads(body) == {
        "imageTag": ["v1", "v2"],
        "override": False,
        "remoteNamespace": "group",
        "remoteRegionId": "cn-east-3",
    }


def test_a_slash_in_a_repository_is_a_dollar_on_the_wire() -> None:
    home = "/v2/manage/namespaces/group/repos/web$shop$api"

    assert f"{home}/tags/v1" == tags.tag_path("group", "web/shop/api", "v1")
    assert (
        f"{home}/tags?limit=100&offset=200&order_column=updated_at&order_type=desc"
        == tags.tags_path("group", "web/shop/api", 200)
    )
    assert (
        f"{home}/sync_job?filter=limit::100%7Coffset::0%7Corder::desc"
        == protocol.sync_jobs_path("group", "web/shop/api")
    )
    assert protocol.namespace_path("group") == "/v2/manage/namespaces/group"


@pytest.mark.parametrize(
    ("namespace", "repository", "tag"),
    [
        ("..", "shop", "v1"),
        ("group/repos", "shop", "v1"),
        ("group", "../../namespaces", "v1"),
        ("group", "shop?x=1", "v1"),
        ("group", "shop", "../v1"),
        ("group", "shop", "v1\r\nX: y"),
        ("group", "shop", "sha256:00"),
    ],
)
def test_no_name_can_change_the_path(namespace: str, repository: str, tag: str) -> None:
    with pytest.raises(SwrError) as caught:
        tags.tag_path(namespace, repository, tag)

    assert (caught.value.kind, caught.value.code) == (Kind.PERMANENT, "name")


def test_no_request_is_made_for_an_invalid_organization_name() -> None:
    with pytest.raises(SwrError, match="SWR does not allow the name"):
        protocol.namespace_path("Group")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"[]"),
        (200, b""),
        (200, b" \r\n"),
        (200, b'["v1"]'),  # says nothing about v2
        (200, b'["v1","v2"]'),
        (200, b"{}"),
        (200, b"null"),
        (202, b"[]"),
    ],
)
def test_a_2xx_means_that_all_tags_were_triggered(status: int, body: bytes) -> None:
    protocol.check_triggered(answer(status, body), ["v1", "v2"])


@given(
    status=st.integers(100, 999),
    listed=st.lists(st.one_of(st.sampled_from(["v1", "v2", "v9"]), st.text()), max_size=5),
)
def test_a_list_of_tags_marks_them_as_failed_except_with_a_2xx(
    status: int, listed: list[str]
) -> None:
    read = answer(status, json.dumps(listed).encode())
    if 200 <= status < 300:
        protocol.check_triggered(read, ["v1", "v2"])
        return
    with pytest.raises(SwrError) as caught:
        protocol.check_triggered(read, ["v1", "v2"])
    assert {"v1", "v2"} & set(listed) == caught.value.failed_tags


@pytest.mark.parametrize("status", [400, 404, 500])
def test_the_error_lists_the_failed_tags(status: int) -> None:
    with pytest.raises(SwrError) as caught:
        protocol.check_triggered(answer(status, b'["v2"]'), ["v1", "v2"])

    assert caught.value.failed_tags == {"v2"}
    assert f"HTTP.{status}" == caught.value.code
    assert caught.value.message == "SWR reports failed tags: v2"


@pytest.mark.parametrize("body", [b"[]", b'["Internal error"]', b'["v9"]', b'["v1", 2]'])
def test_a_list_without_our_tags_means_that_all_failed(body: bytes) -> None:
    with pytest.raises(SwrError) as caught:
        protocol.check_triggered(answer(500, body), ["v1", "v2"])

    assert frozenset() == caught.value.failed_tags
    assert caught.value.kind is Kind.TRANSIENT


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"<html>Welcome to the hotel</html>", Kind.TRANSIENT, "protocol"),
        (b"[" * 100_000, Kind.TRANSIENT, "protocol"),
        (b'{"error_code":"APIGW.0308","error_msg":"x"}', Kind.THROTTLED, "APIGW.0308"),
        (b'[{"errorCode":"SVCSTG.SWR.4040010"}]', Kind.NOT_YET, "SVCSTG.SWR.4040010"),
        (b'{"errorCode":"SVCSTG.SWR.9"}', Kind.TRANSIENT, "SVCSTG.SWR.9"),
    ],
)
def test_a_200_that_reports_an_error_raises_it(body: bytes, kind: Kind, code: str) -> None:
    with pytest.raises(SwrError) as caught:
        protocol.check_triggered(answer(200, body), ["v1"])

    assert (caught.value.kind, caught.value.code) == (kind, code)


def test_sync_jobs_are_read() -> None:
    job = {
        "id": 123,
        "tag": "v1",
        "status": "failed",
        "remoteNamespace": "group2",
        "remoteRegionId": "cn-east-3",
        "createdAt": "2026-01-02T03:04:05Z",
    }
    listed = [job, {**job, "tag": None}, {**job, "createdAt": "soon", "status": "running"}, "x"]

    jobs = protocol.read_sync_jobs(answer(200, json.dumps(listed).encode()))

    target = Target("cn-east-3", "group2")
    assert [
        SyncJob("v1", "failed", target, NOW),
        SyncJob("v1", "running", target, None),
    ] == jobs
    assert protocol.read_sync_jobs(answer(404, NO_TAG)) == []


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, b'{"errorCode":"SVCSTG.SWR.4039002","errorMessage":"x"}', Kind.CONFIGURATION),
        (403, b'{"error_code":"APIGW.0302","error_msg":"x"}', Kind.CONFIGURATION),
        (503, b"", Kind.TRANSIENT),
        (200, b"{}", Kind.TRANSIENT),
    ],
)
def test_a_forbidden_organization_is_not_reported_as_missing(
    status: int, body: bytes, kind: Kind
) -> None:
    with pytest.raises(SwrError) as caught:
        protocol.read_organization(answer(status, body))

    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("status", "body", "refuses"),
    [
        (401, b"", True),
        (401, b'{"error_code":"APIGW.0307","error_msg":"x"}', True),
        (400, b'[{"errorCode":"SVCSTG.SWR.4001048"}]', True),
        (403, b'[{"errorCode":"SVCSTG.SWR.4031043"}]', True),
        (401, b'[{"errorCode":"SVCSTG.SWR.4011064"}]', False),
        (403, b"", False),
        (400, b"", False),
        (200, b"[]", False),
        (500, b"", False),
    ],
)
def test_which_responses_refuse_the_credential(status: int, body: bytes, *, refuses: bool) -> None:
    assert protocol.refuses_credential(answer(status, body)) is refuses


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"name":"group","auth":7}', Organization(ours=True, auth=7)),
        (200, b'{"name":"group","auth":"7"}', Organization(ours=True)),
        (403, FOREIGN, Organization(ours=False)),
        (404, b"", None),
    ],
)
def test_our_access_to_an_organization_is_read(
    status: int, body: bytes, expected: Organization | None
) -> None:
    assert protocol.read_organization(answer(status, body)) == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'[{"name":"web/shop","namespace":"group"}]', ["web/shop"]),
        (200, b'[{"name":"web/shop","namespace":"other"}]', []),
        (200, b'[{"name":"../shop","namespace":"group"}]', []),
        (200, b"null", []),
        (404, b"", []),
    ],
)
def test_the_valid_repositories_of_the_organization_are_read(
    status: int, body: bytes, expected: list[str]
) -> None:
    assert list(protocol.read_repositories(answer(status, body), "group")) == expected


@pytest.mark.parametrize(
    ("status", "body", "sync_targets"),
    [
        (200, b'[{"regionID":"cn-north-4"},{"regionID":7},3]', frozenset({"cn-north-4"})),
        (403, b"", None),
        (404, b'{"error_code":"APIGW.0101"}', None),
    ],
)
def test_sync_targets_and_clock_offset_of_a_region_are_read(
    status: int, body: bytes, sync_targets: frozenset[str] | None
) -> None:
    date = {"date": "Fri, 02 Jan 2026 03:04:35 GMT"}
    info = protocol.read_region_info(answer(status, body, date))

    assert (sync_targets, timedelta(seconds=30)) == (info.sync_targets, info.clock_ahead)
    assert protocol.read_region_info(answer(status, body)).clock_ahead is None


@pytest.mark.parametrize("status", [401, 429, 502])
def test_an_outage_of_a_region_is_an_error(status: int) -> None:
    with pytest.raises(SwrError):
        protocol.read_region_info(answer(status))


def test_no_name_can_change_a_query() -> None:
    with pytest.raises(SwrError):
        protocol.repositories_path("group&limit=9")
