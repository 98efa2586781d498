from collections.abc import Iterator

import pytest

from swrhook.simulator import RunningSimulator, start
from tests.swr.parts import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Iterator[RunningSimulator]:
    """IAM and two regions, all at the clock's time."""
    with start(["cn-north-4", "cn-east-3"], delay=0.0, clock=clock) as running:
        yield running
