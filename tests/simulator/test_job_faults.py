"""Tests of faults that change how jobs end, or how they are reported."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import requests

from swrhook.simulator import RunningSimulator, SyncJob

Swr = Callable[..., requests.Response]
REPO = "/namespaces/group/repos/busybox"
TARGET = {"remoteNamespace": "group", "remoteRegionId": "cn-east-3"}


@pytest.fixture
def sim(sim: RunningSimulator) -> RunningSimulator:
    for tag in ("v1", "v2"):
        sim.state.seed("cn-north-4", "group", "busybox", tag)
    return sim


@pytest.fixture
def synchronized(
    sim: RunningSimulator, swr: Swr, control: Swr, advance: Callable[[float], None]
) -> Callable[..., Sequence[SyncJob]]:
    """Return a function that copies two tags under a fault, and returns the jobs later."""

    def run(fault: dict[str, Any], *, seconds: float = 2) -> Sequence[SyncJob]:
        control("PUT", "/faults", fault)
        body = TARGET | {"imageTag": ["v1", "v2"]}
        assert swr("POST", f"{REPO}/sync_images", json=body).status_code == 200
        advance(seconds)
        return sim.state.jobs()

    return run


def reported(swr: Swr) -> dict[str, str]:
    jobs = swr("GET", f"{REPO}/sync_job?filter=limit::100|offset::0").json()
    return {job["tag"]: job["status"] for job in jobs}


def copied(sim: RunningSimulator) -> list[str]:
    tags = ("v1", "v2")
    return [tag for tag in tags if sim.state.digest("cn-east-3", "group", "busybox", tag)]


@pytest.mark.parametrize("outcome", ["failed", "timeout", "cancel", "existed"])
def test_a_fault_may_end_a_job_without_a_copy(
    sim: RunningSimulator, swr: Swr, synchronized: Callable[..., object], outcome: str
) -> None:
    synchronized({"job": outcome, "tag": "v1"})

    assert reported(swr) == {"v1": outcome, "v2": "success"}
    assert copied(sim) == ["v2"]


def test_a_fault_may_keep_a_job_running_forever(
    sim: RunningSimulator, swr: Swr, synchronized: Callable[..., object]
) -> None:
    synchronized({"job": "never", "tag": "v1"}, seconds=80_000)

    assert reported(swr) == {"v1": "running", "v2": "success"}
    assert copied(sim) == ["v2"]


def test_a_fault_may_delay_a_job(
    sim: RunningSimulator,
    swr: Swr,
    synchronized: Callable[..., object],
    advance: Callable[[float], None],
) -> None:
    synchronized({"job_delay": 60, "tag": "v1"})
    early = reported(swr)
    advance(60)

    assert early == {"v1": "waiting", "v2": "success"}
    assert copied(sim) == ["v1", "v2"]


def test_a_fault_may_report_a_wrong_state_of_a_job(
    sim: RunningSimulator, swr: Swr, synchronized: Callable[..., object]
) -> None:
    synchronized({"job_shown": "failed", "tag": "v1"})

    assert reported(swr) == {"v1": "failed", "v2": "success"}
    assert copied(sim) == ["v1", "v2"]


def test_a_tag_may_appear_after_its_job_reports_success(
    sim: RunningSimulator, swr: Swr, synchronized: Callable[..., object]
) -> None:
    synchronized({"job_shown": "success", "job_delay": 60, "tag": "v1"})

    assert reported(swr) == {"v1": "success", "v2": "success"}
    assert copied(sim) == ["v2"]


def test_a_fault_may_hide_a_job(
    sim: RunningSimulator, swr: Swr, synchronized: Callable[..., Sequence[SyncJob]]
) -> None:
    jobs = synchronized({"job_shown": "hidden", "tag": "v1"})

    assert reported(swr) == {"v2": "success"}
    assert ["v1", "v2"] == copied(sim) == [job.tag for job in jobs]


@pytest.mark.parametrize(("error", "status"), [("SVCSTG.SWR.4030170", 403), ("APIGW.0101", 404)])
def test_a_fault_may_forbid_listing_jobs(control: Swr, swr: Swr, error: str, status: int) -> None:
    control("PUT", "/faults", {"operation": "sync_job", "error": error})

    assert swr("GET", f"{REPO}/sync_job?filter=limit::1|offset::0").status_code == status


def test_a_fault_may_make_a_region_unreadable(
    sim: RunningSimulator, control: Swr, swr: Swr
) -> None:
    sim.state.seed("cn-east-3", "group", "busybox", "v1")
    control("PUT", "/faults", {"region": "cn-east-3", "error": "SVCSTG.SWR.4030170"})

    assert [
        swr("GET", f"{REPO}/tags", region=region).status_code
        for region in ("cn-east-3", "cn-north-4")
    ] == [403, 200]


def test_a_fault_hits_as_many_jobs_as_configured(
    sim: RunningSimulator, synchronized: Callable[..., Sequence[SyncJob]]
) -> None:
    jobs = synchronized({"job": "failed", "times": 1})
    [call] = sim.state.calls(operation="sync_images")

    assert [job.status for job in jobs] == ["failed", "success"]
    assert call.faults == ("fault-1",)


def test_an_index_is_marked_and_is_an_index_at_the_target(
    control: Swr, swr: Swr, synchronized: Callable[..., object]
) -> None:
    seed = {"region": "cn-north-4", "namespace": "group", "repository": "busybox", "tag": "v1"}
    control("PUT", "/tags", seed | {"index": True})
    synchronized({"job_delay": 0})
    tags = swr("GET", f"{REPO}/tags?limit=2&offset=0", region="cn-east-3").json()

    assert {tag["Tag"]: tag["tag_type"] for tag in tags} == {"v1": 1, "v2": 0}
    assert {tag["Tag"]: "manifests" in tag["manifest"] for tag in tags} == {
        "v1": True,
        "v2": False,
    }


def test_a_rewritten_index_keeps_its_images(
    sim: RunningSimulator, swr: Swr, control: Swr, synchronized: Callable[..., object]
) -> None:
    seed = {"region": "cn-north-4", "namespace": "group", "repository": "busybox", "tag": "v1"}
    control("PUT", "/tags", seed | {"index": True})
    control("PUT", "/settings", {"rewrite_indexes": True})

    synchronized({"delay": 0})

    copies, originals = (
        {tag["Tag"]: tag for tag in swr("GET", f"{REPO}/tags", region=region).json()}
        for region in ("cn-east-3", "cn-north-4")
    )
    assert copies["v2"]["digest"] == originals["v2"]["digest"]
    assert copies["v1"]["digest"] != originals["v1"]["digest"]
    assert copies["v1"]["manifest"] == originals["v1"]["manifest"]
    assert len(json.loads(copies["v1"]["manifest"])["manifests"]) == 2
    synchronized({"delay": 0})
    assert {job.status for job in sim.state.jobs()} == {"success"}
