"""A recorder, and what it tells."""

from collections.abc import Iterator

import pytest

from swrhook.ledger.database import Database
from swrhook.ledger.recorder import Recorder
from tests.factories import FakeOutcomes, FakeScheduler
from tests.ledger.recording import CLOCK


@pytest.fixture
def scheduler() -> FakeScheduler:
    return FakeScheduler()


@pytest.fixture
def outcomes() -> FakeOutcomes:
    return FakeOutcomes()


@pytest.fixture
def recorder(
    database: Database, scheduler: FakeScheduler, outcomes: FakeOutcomes
) -> Iterator[Recorder]:
    recorder = Recorder(database, scheduler, outcomes, CLOCK)
    yield recorder
    recorder.close()
