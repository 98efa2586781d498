"""The world of the tests of unlike regions."""

from collections.abc import Iterator

import pytest

from swrhook.config.model import Region, Swr
from swrhook.ledger.database import Database
from swrhook.simulator import start
from tests.factories import LANE
from tests.reliability.world import PASSWORD, SOURCE, TARGET, World
from tests.worker.harness import WorkerHarness


@pytest.fixture
def world(harness: WorkerHarness) -> Iterator[World]:
    with start([SOURCE, TARGET], delay=1, organizations=(), clock=harness.clock) as simulator:
        regions = {name: Region(name, url, name) for name, url in simulator.endpoints.items()}
        world = World(simulator, harness, Swr(simulator.iam_url, PASSWORD, regions))
        simulator.state.create_organization(TARGET, LANE.target.namespace)
        simulator.state.create_organization(SOURCE, LANE.namespace)
        yield world


@pytest.fixture
def harness(database: Database) -> WorkerHarness:
    return WorkerHarness(database)
