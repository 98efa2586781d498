"""What is found where something is wrong in SWR, told by the simulator."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from swrhook.config.model import PasswordCredentials
from swrhook.model import Target
from swrhook.simulator import RunningSimulator, start
from swrhook.simulator.model import Fault
from swrhook.swr.client import SwrClient
from swrhook.usecases.online_check import (
    CheckResult,
    Level,
    RulePlaces,
    number_of_questions,
    run_checks,
)
from tests.factories import FakeClock
from tests.swr.parts import DEMO, NETWORK, MemoryOfRefused, logins, swr

WEST, EAST = "cn-north-4", "cn-east-3"
PLACES = RulePlaces(
    [WEST, EAST], [Target(WEST, "group")], [Target(EAST, "group")], [(WEST, EAST)], untold=[]
)


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with start([WEST, EAST], delay=0.0) as running:
        for region in (WEST, EAST):
            running.state.seed(region, "group", "web/shop", "v1", None)
        yield running


def ask(
    simulator: RunningSimulator,
    places: RulePlaces = PLACES,
    *,
    credentials: PasswordCredentials = DEMO,
    refused: MemoryOfRefused | None = None,
    behind: timedelta = timedelta(),
    **endpoints: str,
) -> list[CheckResult]:
    urls = {
        **simulator.endpoints,
        **{name.replace("_", "-"): url for name, url in endpoints.items()},
    }
    client = SwrClient(
        swr(urls, credentials, simulator.iam_url),
        NETWORK,
        refused or MemoryOfRefused(),
        FakeClock(datetime.now(UTC) - behind),
    )
    asked: list[None] = []
    found = run_checks(client, places, lambda: asked.append(None))
    client.close()
    assert number_of_questions(places) == len(asked)
    return found


def told(found: list[CheckResult], level: Level) -> list[tuple[str, str]]:
    return [(each.about, each.message) for each in found if each.level is level]


def fault(simulator: RunningSimulator, region: str, operation: str, **how: Any) -> None:
    simulator.state.faults.add([Fault(region=region, operation=operation, **how)])


def test_nothing_is_found_where_nothing_is_wrong(simulator: RunningSimulator) -> None:
    found = ask(simulator)

    assert told(found, Level.OK) == [
        ("region cn-north-4", "answers, and accepts the credentials"),
        ("region cn-north-4", "synchronizes to cn-east-3"),
        ("organization cn-north-4/group", "exists, and may be read"),
        ("organization cn-north-4/group", "tags and sync jobs can be read"),
        ("region cn-east-3", "answers, and accepts the credentials"),
        ("organization cn-east-3/group", "exists, and may be written to"),
        ("organization cn-east-3/group", "tags can be read"),
    ]
    assert len(found) == 7


def test_nothing_is_changed(simulator: RunningSimulator) -> None:
    ask(simulator)

    assert {"GET"} == {call.method for call in simulator.state.calls() if call.region != "iam"}
    assert simulator.state.calls(operation="sync_images") == []


def test_a_wrong_password_is_tried_once(simulator: RunningSimulator) -> None:
    wrong = replace(DEMO, password="wrong")
    refused = MemoryOfRefused()

    found = ask(simulator, credentials=wrong, refused=refused)
    again = ask(simulator, credentials=wrong, refused=refused)

    assert logins(simulator) == [401]
    [(about, message)] = told(found, Level.PROBLEM)
    assert (about, message.startswith("HTTP.401: Unauthorized.")) == ("region cn-north-4", True)
    assert ("region cn-east-3", "not asked: IAM refuses the credentials") in told(
        found, Level.UNKNOWN
    )
    [(_, message)] = told(again, Level.PROBLEM)
    assert "it is not tried again" in message


def test_a_missing_organization_is_a_problem(simulator: RunningSimulator) -> None:
    found = ask(simulator, replace(PLACES, targets=[Target(EAST, "nobody")]))

    assert told(found, Level.PROBLEM) == [("organization cn-east-3/nobody", "does not exist")]


def test_an_organization_of_somebody_else_is_a_problem(simulator: RunningSimulator) -> None:
    foreign = [{"errorCode": "SVCSTG.SWR.4039001", "errorMessage": "not yours"}]
    fault(simulator, EAST, "namespaces", status=403, body=foreign)

    found = ask(simulator)

    assert told(found, Level.PROBLEM) == [
        ("organization cn-east-3/group", "belongs to another account")
    ]


def test_an_organization_that_may_only_be_read_is_no_target(simulator: RunningSimulator) -> None:
    reader = {"id": 1, "name": "group", "creator_name": "x", "auth": 1}
    for region in (WEST, EAST):
        fault(simulator, region, "namespaces", status=200, body=reader)

    found = ask(simulator)

    assert told(found, Level.PROBLEM) == [
        ("organization cn-east-3/group", "the IAM user may only read in it")
    ]


@pytest.mark.parametrize(
    ("operation", "region", "message"),
    [
        ("namespaces", EAST, "SVCSTG.SWR.4030170: the IAM user lacks a right: no (request "),
        ("repos", EAST, "its tags cannot be read, so that syncs to it end as «accepted», "),
        ("tag", EAST, "its tags cannot be read, so that syncs to it end as «accepted», "),
        ("sync_job", WEST, "its tags or sync jobs cannot be read, so that calls are made "),
    ],
)
def test_a_right_that_is_missing_is_a_warning(
    simulator: RunningSimulator, operation: str, region: str, message: str
) -> None:
    forbidden = [{"errorCode": "SVCSTG.SWR.4030170", "errorMessage": "no"}]
    fault(simulator, region, operation, status=403, body=forbidden)

    [(about, found)] = told(ask(simulator), Level.WARNING)

    assert (f"organization {region}/group", message) == (about, found[: len(message)])


def test_an_organization_that_cannot_be_asked_about_is_a_problem(
    simulator: RunningSimulator,
) -> None:
    fault(simulator, EAST, "namespaces", status=502)

    assert [about for about, _ in told(ask(simulator), Level.PROBLEM)] == [
        "organization cn-east-3/group"
    ]


def test_an_organization_without_images_says_nothing_of_reading(
    simulator: RunningSimulator,
) -> None:
    simulator.state.create_organization(EAST, "empty")

    found = ask(simulator, replace(PLACES, targets=[Target(EAST, "empty")]))

    message = "holds no repository: reading was not tried"
    assert [("organization cn-east-3/empty", message)] == told(found, Level.UNKNOWN)


def test_a_region_that_is_not_synchronized_to_is_a_warning(simulator: RunningSimulator) -> None:
    fault(simulator, WEST, "regions", status=200, body=[{"regionID": WEST}])

    message = "SWR does not list cn-east-3 among those that it synchronizes to"
    assert [("region cn-north-4", message)] == told(ask(simulator), Level.WARNING)


@pytest.mark.parametrize("status", [403, 404])
def test_where_a_region_synchronizes_to_may_be_untold(
    simulator: RunningSimulator, status: int
) -> None:
    fault(simulator, WEST, "regions", status=status, body={"error_code": "APIGW.0101"})

    message = "SWR does not say where this region synchronizes to"
    assert [("region cn-north-4", message)] == told(ask(simulator), Level.UNKNOWN)


def test_an_unreachable_endpoint_delays_no_other(simulator: RunningSimulator) -> None:
    found = ask(simulator, cn_east_3="http://127.0.0.1:9")

    [(about, message)] = told(found, Level.PROBLEM)
    assert (about, message.startswith("connect: 127.0.0.1:9")) == ("region cn-east-3", True)
    assert ("organization cn-east-3/group", "not asked: see its region") in told(
        found, Level.UNKNOWN
    )


def test_a_region_that_iam_does_not_know_is_a_problem(simulator: RunningSimulator) -> None:
    places = replace(PLACES, regions=[WEST, EAST, "la-south-2"])

    [(about, message)] = told(
        ask(simulator, places, la_south_2="http://127.0.0.1:9"), Level.PROBLEM
    )

    assert (about, message.startswith("IAM.1109: ")) == ("region la-south-2", True)


@pytest.mark.parametrize(("behind", "word"), [(60, "behind"), (-60, "ahead of")])
def test_a_clock_that_differs_is_a_warning(
    simulator: RunningSimulator, behind: int, word: str
) -> None:
    warned = told(ask(simulator, behind=timedelta(seconds=behind)), Level.WARNING)

    assert [about for about, _ in warned] == ["region cn-north-4", "region cn-east-3"]
    assert all(f"s {word} SWR's" in message for _, message in warned)


def test_what_depends_on_the_image_is_not_asked(simulator: RunningSimulator) -> None:
    found = ask(simulator, replace(PLACES, untold=[Target(EAST, "{repository}")]))

    message = "depends on the image that is pushed: not asked"
    assert [("organization cn-east-3/{repository}", message)] == told(found, Level.UNKNOWN)
