from collections.abc import Iterator

import pytest

from swrhook.simulator import RunningSimulator, start
from tests.factories import FakeClock
from tests.swr.clients import NOW


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[RunningSimulator]:
    """IAM and two regions, all at the clock's time."""
    with start(["cn-north-4", "cn-east-3"], delay=0.0, clock=clock) as running:
        yield running
