"""Requests and responses of the client, against the simulator."""

import json
from dataclasses import replace
from typing import Literal

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.simulator import Fault, RunningSimulator
from tests.factories import FakeClock
from tests.swr.clients import DIGEST, LANE, client_of, logins, simulated
from tests.swr.loopback import Loopback, Received, Reply

WEST, EAST = "cn-north-4", "cn-east-3"


def test_a_synchronized_tag_is_at_the_target(simulator: RunningSimulator, clock: FakeClock) -> None:
    client = simulated(simulator, clock)
    seeded = simulator.state.seed(WEST, "group", "web/shop", "v1")
    assert client.show_tag(EAST, "group", "web/shop", "v1") is None

    client.sync_images(LANE, ["v1"])

    assert seeded.digest == client.show_tag(WEST, "group", "web/shop", "v1")
    assert seeded.digest == client.show_tag(EAST, "group", "web/shop", "v1")
    [job] = client.sync_jobs(WEST, "group", "web/shop")
    assert (job.tag, job.status, job.target) == ("v1", "success", LANE.target)
    assert clock.now() == job.created_at


def test_the_regions_are_listed_where_swr_reports_them(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    client = simulated(simulator, clock)
    assert frozenset(simulator.endpoints) == client.regions(WEST)

    for status in (403, 404):
        simulator.state.faults.add([Fault(WEST, status=status, times=1)])
        assert client.regions(WEST) is None


@pytest.mark.parametrize("body", ["empty_list", "tags", "nothing"])
def test_every_documented_body_of_a_success_is_accepted(
    simulator: RunningSimulator, clock: FakeClock, body: Literal["empty_list", "tags", "nothing"]
) -> None:
    simulator.state.configure(replace(simulator.state.settings, accepted_body=body))
    simulator.state.seed(WEST, "group", "web/shop", "v1")
    simulator.state.seed(WEST, "group", "web/shop", "v2")

    simulated(simulator, clock).sync_images(LANE, ["v1", "v2"])

    [call] = simulator.state.calls(operation="sync_images")
    assert call.body == {
        "imageTag": ["v1", "v2"],
        "override": False,
        "remoteNamespace": "group",
        "remoteRegionId": EAST,
    }


@pytest.mark.parametrize("shape", ["array", "errors", "object"])
def test_every_shape_of_error_is_understood(
    simulator: RunningSimulator, clock: FakeClock, shape: Literal["array", "errors", "object"]
) -> None:
    simulator.state.configure(replace(simulator.state.settings, error_shape=shape))

    with pytest.raises(SwrError) as caught:
        simulated(simulator, clock).sync_images(LANE, ["v1"])

    assert caught.value.kind is Kind.NOT_YET
    assert caught.value.code.startswith("SVCSTG.SWR.404")


def test_the_failed_tags_are_in_the_error(simulator: RunningSimulator, clock: FakeClock) -> None:
    for tag in ("v1", "v2"):
        simulator.state.seed(WEST, "group", "web/shop", tag)
    simulator.state.faults.add([Fault(failed_tags=("v2",))])

    with pytest.raises(SwrError) as caught:
        simulated(simulator, clock).sync_images(LANE, ["v1", "v2"])

    assert caught.value.failed_tags == {"v2"}


@pytest.mark.parametrize("total", [True, False])
def test_tags_are_searched_on_every_page(*, total: bool) -> None:
    names = [f"v{number}" for number in range(250)]

    def answer(request: Received) -> Reply:
        offset = int(request.path.partition("offset=")[2].partition("&")[0])
        page = [{"Tag": name, "digest": DIGEST} for name in names[offset : offset + 100]]
        headers = {"Content-Range": f"{offset}-{len(page)}/250"} if total else {}
        return Reply(200, json.dumps(page).encode(), headers)

    with Loopback(answer) as swr:
        client = client_of(swr.url)
        assert client.list_tags(WEST, "group", "shop", ["v99"]) == {"v99": DIGEST}
        assert len(swr.received) == 1
        digests = client.list_tags(WEST, "group", "shop", ["v0", "v249"])
        assert digests == {"v0": DIGEST, "v249": DIGEST}
        assert len(swr.received) == 1 + 3
        assert client.list_tags(WEST, "group", "shop", ["nowhere"]) == {}
        assert 1 + 3 + (3 if total else 4) == len(swr.received)
        assert client.list_tags(WEST, "group", "shop", []) == {}


def test_a_server_without_paging_gets_at_most_two_requests() -> None:
    page = json.dumps([{"Tag": "v1", "digest": DIGEST}]).encode()
    with Loopback(lambda _: Reply(200, page)) as swr:
        assert client_of(swr.url).list_tags(WEST, "g", "shop", ["v1", "v2"]) == {"v1": DIGEST}

    assert len(swr.received) == 2


def test_the_pages_of_the_simulator_are_read(simulator: RunningSimulator, clock: FakeClock) -> None:
    first = simulator.state.seed(WEST, "group", "shop", "first")
    for number in range(120):
        clock.advance(seconds=1)
        last = simulator.state.seed(WEST, "group", "shop", f"v{number}")
    client = simulated(simulator, clock)

    assert client.list_tags(WEST, "group", "shop", {"v119"}) == {"v119": last.digest}
    assert len(simulator.state.calls(operation="tags")) == 1  # the newest are on the first page
    assert client.list_tags(WEST, "group", "shop", {"first", "none"}) == {"first": first.digest}
    assert len(simulator.state.calls(operation="tags")) == 1 + 2
    assert client.list_tags(WEST, "group", "unknown", {"v1"}) == {}


def test_only_an_existing_organization_is_reported(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    client = simulated(simulator, clock)

    assert client.has_namespace(EAST, "group")
    assert not client.has_namespace(EAST, "nobody")


@pytest.mark.parametrize(
    ("status", "body", "exists"),
    [
        (200, b'{"id":1422,"name":"group","creator_name":"user","auth":7}', True),
        (200, b'{"id":1422,"name":"group","creator_name":"user","auth":1}', True),
        (404, b'[{"errorCode":"SVCSTG.SWR.4041061","errorMessage":"The organization"}]', False),
        (404, b"", False),
        (403, b'[{"errorCode":"SVCSTG.SWR.4039001","errorMessage":"not yours"}]', False),
        (401, b'{"errorCode":"SVCSTG.SWR.4011064","errorMessage":"x"}', False),
    ],
)
def test_an_organization_exists_and_is_ours_or_not(
    status: int, body: bytes, *, exists: bool
) -> None:
    with Loopback(lambda _: Reply(status, body)) as swr:
        assert client_of(swr.url).has_namespace(WEST, "group") is exists


def test_a_region_that_is_not_configured_is_not_called(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    with pytest.raises(SwrError) as caught:
        simulated(simulator, clock).show_tag("eu-west-101", "group", "shop", "v1")

    assert (caught.value.kind, caught.value.code) == (Kind.CONFIGURATION, "region")
    assert logins(simulator) == []
