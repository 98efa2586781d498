"""Reading SWR's own rules, from the simulator and from answers of other shapes."""

import json

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.model import Target
from swrhook.simulator import Fault, RunningSimulator
from swrhook.simulator.jobs import Image
from swrhook.simulator.model import Target as SimulatedTarget
from swrhook.swr.auto_syncs import auto_syncs_path, read_auto_syncs
from swrhook.syncs.auto_sync import AutoSync
from tests.factories import FakeClock
from tests.swr.clients import answer, simulated

WEST, EAST = "cn-north-4", "cn-east-3"
RULE = {"remoteRegionId": EAST, "remoteNamespace": "team", "syncAuto": True, "override": True}


def test_the_rules_of_a_repository_are_read(simulator: RunningSimulator, clock: FakeClock) -> None:
    simulator.state.seed(WEST, "group", "web/shop", "v1")
    image = Image(WEST, "group", "web/shop")
    for namespace, auto in (("group", True), ("by-hand", False)):
        target = SimulatedTarget(EAST, namespace, override=True)
        simulator.state.rules.add(image, target, auto=auto, at=clock.now())
    client = simulated(simulator, clock)

    assert client.auto_syncs(WEST, "group", "web/shop") == [
        AutoSync(Target(EAST, "group"), override=True)
    ]
    assert client.auto_syncs(WEST, "group", "unknown") == []


def test_reading_rules_may_be_forbidden(simulator: RunningSimulator, clock: FakeClock) -> None:
    simulator.state.seed(WEST, "group", "web/shop", "v1")
    simulator.state.faults.add([Fault(WEST, "sync_repo", error="SVCSTG.SWR.4030170")])

    with pytest.raises(SwrError) as caught:
        simulated(simulator, clock).auto_syncs(WEST, "group", "web/shop")

    assert caught.value.kind is Kind.CONFIGURATION


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, []),
        ([], []),
        ([RULE], [AutoSync(Target(EAST, "team"), override=True)]),
        ([{**RULE, "override": "yes"}], [AutoSync(Target(EAST, "team"), override=False)]),
        ([{**RULE, "syncAuto": False}], []),
        ([{**RULE, "remoteNamespace": None}, 1, "x", None], []),
    ],
)
def test_any_list_is_read(content: object, expected: list[AutoSync]) -> None:
    assert read_auto_syncs(answer(200, json.dumps(content).encode())) == expected


def test_what_is_not_a_list_is_refused() -> None:
    with pytest.raises(SwrError) as caught:
        read_auto_syncs(answer(200, b'{"rules": []}'))

    assert caught.value.kind is Kind.TRANSIENT


def test_the_path_has_a_dollar_for_a_slash() -> None:
    path = "/v2/manage/namespaces/group/repos/web$shop/sync_repo"

    assert path == auto_syncs_path("group", "web/shop")
