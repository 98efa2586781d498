"""The configuration in use: runs keep theirs to the end, and held lanes go on when they may."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from swrhook.config.model import Config, Pace
from swrhook.engine import CapacityLimit
from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import Occupancy
from swrhook.ledger.lane_session import LaneSession
from swrhook.ledger.lanes import Flow
from swrhook.ledger.syncs import not_configured
from swrhook.model import Urgency
from swrhook.service.active_configuration import Active, ActiveConfiguration, HeldLanes
from swrhook.worker.admission import Slot
from tests.factories import LANE, MINUTE, NOW, FakeClock, FakeScheduler, find, put, ready_lanes
from tests.worker.harness import WorkerHarness, config

FLOW = Flow.of(LANE, Urgency.FRESH, "harbor")
NOBODY = Occupancy()
UNUSED: Any = None


def do_nothing() -> None:
    pass


class Client:
    """A client that only knows whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


class Runner:
    """A runner that calls back during its run."""

    def __init__(self) -> None:
        self.during_run = do_nothing

    def run(self, session: LaneSession, slot: Slot) -> datetime:
        del session, slot
        self.during_run()
        return NOW


class Factory:
    """Makes a new client for each configuration, and keeps all that it made."""

    def __init__(self, harness: WorkerHarness) -> None:
        self._harness = harness
        self.clients: list[Client] = []
        self.runners: list[Runner] = []

    def make_active(self, config: Config, before: Active | None) -> Active:
        del before
        gateway = replace(self._harness.runner.gateway, config=config)
        client: Any = Client()
        runner: Any = Runner()
        looker: Any = runner
        self.clients.append(client)
        self.runners.append(runner)
        return Active(config, client, gateway, runner, looker)


@pytest.fixture
def harness(database: Database) -> WorkerHarness:
    return WorkerHarness(database)


@pytest.fixture
def factory(harness: WorkerHarness) -> Factory:
    return Factory(harness)


def test_a_reload_closes_no_client_during_a_run(factory: Factory) -> None:
    configuration = ActiveConfiguration(factory, config())
    seen = []

    def reload() -> None:
        configuration.use(config(batch=7))
        seen.append(factory.clients[0].is_closed)

    factory.runners[0].during_run = reload

    configuration.run(UNUSED, UNUSED)

    assert seen == [False]
    assert [client.is_closed for client in factory.clients] == [True, False]
    assert configuration.current().options.batch == 7


def test_room_is_reserved_by_the_limits_in_use_now(factory: Factory) -> None:
    configuration = ActiveConfiguration(factory, config(pace=Pace(in_flight_per_target=1)))
    assert isinstance(configuration.reserve(FLOW, NOBODY), Slot)
    assert isinstance(configuration.reserve(FLOW, NOBODY), CapacityLimit)

    configuration.use(config(pace=Pace(in_flight_per_target=2)))

    # What runs already counts: a reload forgets none of it.
    assert isinstance(configuration.reserve(FLOW, NOBODY), Slot)
    assert isinstance(configuration.reserve(FLOW, NOBODY), CapacityLimit)


def test_the_processes_share_the_pace_across_reloads(factory: Factory) -> None:
    configuration = ActiveConfiguration(factory, config(pace=Pace(per_second=20)))

    configuration.set_share(4)

    assert {endpoint.per_second for endpoint in configuration.endpoints()} == {5}
    configuration.use(config(pace=Pace(per_second=40)))
    assert {endpoint.per_second for endpoint in configuration.endpoints()} == {10}


# Lanes that are held because their region is not configured


@pytest.fixture
def scheduler() -> FakeScheduler:
    return FakeScheduler()


@pytest.fixture
def held(database: Database, scheduler: FakeScheduler) -> HeldLanes:
    return HeldLanes(database, scheduler, FakeClock())


def test_lanes_go_on_when_their_region_is_configured_again(
    held: HeldLanes, database: Database, scheduler: FakeScheduler
) -> None:
    reason = not_configured("cn-east-3")
    waiting = put(database, reason=reason, due_at=NOW + MINUTE)
    other = put(database, lane=replace(LANE, repository="other"), due_at=NOW + MINUTE)

    held.resume(before=config("cn-north-4"), after=config("cn-north-4", "cn-east-3"))

    assert ready_lanes(database) == [LANE]
    assert [find(database, sync.id).due_at for sync in (waiting, other)] == [NOW, NOW + MINUTE]
    assert scheduler.woken == 1


def test_a_reload_that_adds_no_region_wakes_nothing(
    held: HeldLanes, database: Database, scheduler: FakeScheduler
) -> None:
    put(database, reason=not_configured("cn-east-3"), due_at=NOW + MINUTE)

    held.resume(before=config("cn-north-4", "cn-east-3"), after=config("cn-north-4"))

    assert ready_lanes(database) == []
    assert scheduler.woken == 0
