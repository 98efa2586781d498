"""Syncs succeed with every kind of credential, also when it expires or is revoked."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from swrhook.config.model import (
    AgencyCredentials,
    Credentials,
    KeyCredentials,
    PasswordCredentials,
    PodCredentials,
    Region,
    Swr,
)
from swrhook.ledger.database import Database
from swrhook.ledger.kept_state import RefusedCredentials
from swrhook.model import State
from swrhook.simulator import RunningSimulator, start
from swrhook.simulator.model import DEMO, POD_TOKEN
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Network
from tests.factories import LANE, run_lane
from tests.worker.harness import WorkerHarness

KINDS = ("password", "aksk", "ecs_agency", "pod_identity")
RENEWED = {"password": "tokens", "ecs_agency": "securitykey", "pod_identity": "pod_identity"}


@pytest.fixture
def simulator(harness: WorkerHarness) -> Iterator[RunningSimulator]:
    regions = [LANE.source_region, LANE.target.region]
    with start(regions, delay=0, clock=harness.clock) as running:
        for number in range(3):
            running.state.seed(LANE.source_region, "team", "web/shop", f"v{number}")
        running.state.create_organization(LANE.target.region, "team")
        yield running


def credentials(kind: str, simulator: RunningSimulator, folder: Path) -> Credentials:
    if kind == "password":
        return PasswordCredentials(DEMO.name, DEMO.domain, DEMO.password)
    if kind == "aksk":
        return KeyCredentials(DEMO.key.access, DEMO.key.secret)
    if kind == "ecs_agency":
        return AgencyCredentials()
    (folder / "token").write_text(POD_TOKEN)
    return PodCredentials(simulator.pod_url, str(folder / "token"))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sync(
    kind: str,
    harness: WorkerHarness,
    simulator: RunningSimulator,
    database: Database,
    tmp_path: Path,
) -> Iterator[Callable[[str], State]]:
    """Push a tag, run its lane with the real client until nothing is due; return the state."""
    regions = {name: Region(name, url, name) for name, url in simulator.endpoints.items()}
    swr = Swr(simulator.iam_url, credentials(kind, simulator, tmp_path), regions)
    network = replace(Network(), metadata=simulator.metadata_url)
    client = SwrClient(swr, network, RefusedCredentials(database, harness.clock), harness.clock)
    runner = replace(harness.runner, gateway=replace(harness.runner.gateway, swr=client))

    def push_and_run(tag: str) -> State:
        [pushed] = harness.push(tag)
        while (due_at := run_lane(database, runner, LANE, harness.clock.time)) is not None:
            harness.clock.time = max(harness.clock.time, due_at)
        return harness.state(pushed)

    yield push_and_run
    client.close()


def test_a_tag_is_verified(sync: Callable[[str], State], simulator: RunningSimulator) -> None:
    assert sync("v0") is State.VERIFIED

    assert [call.status for call in simulator.state.calls(operation="sync_images")] == [200]


def test_an_expired_or_revoked_credential_is_renewed_without_a_failed_call(
    sync: Callable[[str], State], simulator: RunningSimulator, harness: WorkerHarness, kind: str
) -> None:
    sync("v0")
    harness.clock.advance(2 * 86_400)
    assert sync("v1") is State.VERIFIED
    simulator.state.accounts.revoke_tokens()
    assert sync("v2") is State.VERIFIED

    assert [call.status for call in simulator.state.calls(operation="sync_images")] == [200] * 3
    if kind in RENEWED:
        # A token is for one region, a key for both.
        count = 2 if kind == "password" else 1
        calls = simulator.state.calls(region="iam", operation=RENEWED[kind])
        assert len(calls) == 3 * count
