"""A canary while others change what it looks at."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from swrhook.clock import SystemClock
from swrhook.model import Lane, Target
from swrhook.simulator import Fault, RunningSimulator, start
from swrhook.swr.client import SwrClient
from swrhook.usecases.canary import Canary, LastAnswer, Probe
from swrhook.usecases.online_check import Level
from tests.swr.clients import DEMO, NETWORK, MemoryOfRefused, swr

WEST, EAST = "cn-north-4", "cn-east-3"
IMAGE = ("group", "web/shop", "v1")


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with start([WEST, EAST], delay=0.0) as running:
        running.state.seed(WEST, *IMAGE)
        yield running


def test_a_tag_that_somebody_else_pushed_meanwhile_is_not_removed(
    simulator: RunningSimulator,
) -> None:
    # Without a listed job, the canary waits for one after the tag has arrived.
    simulator.state.faults.add([Fault(operation="sync_images", job_shown="hidden")])
    client = SwrClient(
        swr(simulator.endpoints, DEMO, simulator.iam_url), NETWORK, MemoryOfRefused(), SystemClock()
    )
    pushed: list[str] = []

    def push_another_image(_seconds: float) -> None:
        if not pushed:
            pushed.append(simulator.state.seed(EAST, *IMAGE).digest)

    lane = Lane(WEST, "group", "web/shop", Target(EAST, "group"), override=False)
    probe = Probe(lane, "v1", clean=True)
    deadline = timedelta(minutes=1)
    canary = Canary(client, LastAnswer(), probe, deadline, SystemClock(), push_another_image)
    canary.run()
    client.close()

    assert [result.message for result in canary.results if result.level is Level.WARNING] == [
        "cn-east-3/group/web/shop:v1 has changed meanwhile: it is not removed"
    ]
    assert pushed == [simulator.state.digest(EAST, *IMAGE)]
