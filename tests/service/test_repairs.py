"""`backfill` and `reconcile` against the real service: killed, overtaken, repaired."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import requests

from swrhook import simulator
from swrhook.simulator import Fault
from tests.json_lines import json_lines
from tests.programs import PATIENCE, ROOT, TOKEN, Served
from tests.service.conftest import SOURCE, TARGET
from tests.waiting import eventually

TAGS = 250


@pytest.fixture
def full(swr: simulator.RunningSimulator) -> simulator.RunningSimulator:
    """The regions, with 250 tags in team/large that nobody announced; each call takes a while."""
    for number in range(TAGS):
        swr.state.seed(SOURCE, "team", "large", f"old-{number}")
    swr.state.faults.add([Fault(SOURCE, "sync_images", delay=0.3)])
    return swr


def command(service: Served, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "SWRHOOK_URL": service.url, "SWRHOOK_TOKEN": TOKEN}
    return subprocess.run(
        [sys.executable, "-m", "swrhook", *arguments],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


def tags_called(swr: simulator.RunningSimulator) -> list[list[str]]:
    """Return the tags of each sync_images call, in the order of the calls."""
    bodies: list[Any] = [call.body for call in swr.state.calls(operation="sync_images")]
    return [body["imageTag"] for body in bodies]


def started(service: Served, repair: str) -> int:
    """Agree to a plan; return the status."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{service.url}/api/v1/backfill/{repair}/start"
    return requests.post(url, headers=headers, timeout=10).status_code


def test_a_backfill_survives_a_kill_and_a_fresh_push_overtakes_it(
    service: Served, full: simulator.RunningSimulator
) -> None:
    service.start()
    planned = command(service, "backfill", "team/large")  # stdin is empty: the confirmation fails
    (repair,) = service.get("/api/v1/backfill")["items"]
    assert (planned.returncode, repair["state"]) == (1, "planned")
    assert "250 syncs to create: 3 calls of sync_images" in planned.stderr

    assert started(service, repair["id"]) == 202
    assert eventually(lambda: tags_called(full))
    full.state.seed(SOURCE, "team", "large", "fresh")
    assert service.deliver("ci", {"image": "team/large:fresh"}).status_code == 202
    service.kill()
    service.start()
    resumed = command(service, "backfill", "resume", repair["id"], "--yes", "--json")

    assert resumed.returncode == 0, resumed.stderr
    shown = json.loads(resumed.stdout)
    assert (shown["state"], shown["results"]) == ("done", {"verified": TAGS})
    calls = tags_called(full)
    assert "fresh" not in calls[0]
    assert "fresh" not in calls[-1]
    assert "fresh" in {tag for call in calls for tag in call}


def test_what_was_deleted_at_a_target_is_found_and_brought_back(
    service: Served, swr: simulator.RunningSimulator
) -> None:
    service.start()
    service.deliver("ci", {"image": "team/app:v1"})
    service.wait_until_ended(1)
    there = swr.state.store(TARGET).tag("team", "app", "v1")
    assert there is not None
    swr.state.remove(TARGET, there)

    reported = command(service, "reconcile", "--report", "--json")
    mended = command(service, "reconcile", "team/app", "--json")
    again = command(service, "reconcile", "--report")

    assert [
        (result.returncode, found["drift"], found["tag"], found["state"])
        for result in (reported, mended)
        for found in json_lines(result.stdout)
        if found["tag"] == "v1"
    ] == [(1, "missing", "v1", None), (0, "missing", "v1", "verified")]
    assert swr.state.digest(TARGET, "team", "app", "v1") is not None
    assert again.returncode == 0, again.stderr
