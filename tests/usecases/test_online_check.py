"""The checks against the simulator, with one thing wrong in SWR at a time."""

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
    count_checks,
    run_checks,
)
from swrhook.usecases.rule_scope import RuleScope
from tests.factories import FakeClock
from tests.swr.clients import DEMO, NETWORK, MemoryOfRefused, logins, swr

WEST, EAST = "cn-north-4", "cn-east-3"
SCOPE = RuleScope(
    [WEST, EAST],
    [Target(WEST, "group")],
    [Target(EAST, "group")],
    [(WEST, EAST)],
    unresolved_targets=[],
)


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with start([WEST, EAST], delay=0.0) as running:
        for region in (WEST, EAST):
            running.state.seed(region, "group", "web/shop", "v1", None)
        yield running


def check(
    simulator: RunningSimulator,
    scope: RuleScope = SCOPE,
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
    calls: list[None] = []
    results = run_checks(client, scope, lambda: calls.append(None))
    client.close()
    assert count_checks(scope) == len(calls)
    return results


def messages(results: list[CheckResult], level: Level) -> list[tuple[str, str]]:
    return [(result.about, result.message) for result in results if result.level is level]


def fault(simulator: RunningSimulator, region: str, operation: str, **how: Any) -> None:
    simulator.state.faults.add([Fault(region=region, operation=operation, **how)])


def test_a_correct_configuration_gives_only_ok_results(simulator: RunningSimulator) -> None:
    results = check(simulator)

    assert messages(results, Level.OK) == [
        ("region cn-north-4", "answers, and accepts the credentials"),
        ("region cn-north-4", "synchronizes to cn-east-3"),
        ("organization cn-north-4/group", "exists, and may be read"),
        ("organization cn-north-4/group", "tags and sync jobs can be read"),
        ("region cn-east-3", "answers, and accepts the credentials"),
        ("organization cn-east-3/group", "exists, and may be written to"),
        ("organization cn-east-3/group", "tags can be read"),
    ]
    assert len(results) == 7


def test_the_checks_change_nothing_in_swr(simulator: RunningSimulator) -> None:
    check(simulator)

    assert {call.method for call in simulator.state.calls() if call.region != "iam"} == {"GET"}
    assert simulator.state.calls(operation="sync_images") == []


def test_a_wrong_password_is_tried_only_once(simulator: RunningSimulator) -> None:
    wrong = replace(DEMO, password="wrong")
    refused = MemoryOfRefused()

    results = check(simulator, credentials=wrong, refused=refused)
    again = check(simulator, credentials=wrong, refused=refused)

    assert logins(simulator) == [401]
    [(about, message)] = messages(results, Level.PROBLEM)
    assert (about, message.startswith("HTTP.401: Unauthorized.")) == ("region cn-north-4", True)
    assert ("region cn-east-3", "not checked: IAM refuses the credentials") in messages(
        results, Level.UNKNOWN
    )
    [(_, message)] = messages(again, Level.PROBLEM)
    assert "it is not tried again" in message


def test_a_missing_organization_is_a_problem(simulator: RunningSimulator) -> None:
    results = check(simulator, replace(SCOPE, targets=[Target(EAST, "nobody")]))

    assert messages(results, Level.PROBLEM) == [("organization cn-east-3/nobody", "does not exist")]


def test_an_organization_of_another_account_is_a_problem(simulator: RunningSimulator) -> None:
    foreign = [{"errorCode": "SVCSTG.SWR.4039001", "errorMessage": "not yours"}]
    fault(simulator, EAST, "namespaces", status=403, body=foreign)

    results = check(simulator)

    assert messages(results, Level.PROBLEM) == [
        ("organization cn-east-3/group", "belongs to another account")
    ]


def test_read_access_to_a_target_organization_is_a_problem(simulator: RunningSimulator) -> None:
    reader = {"id": 1, "name": "group", "creator_name": "x", "auth": 1}
    for region in (WEST, EAST):
        fault(simulator, region, "namespaces", status=200, body=reader)

    results = check(simulator)

    assert messages(results, Level.PROBLEM) == [
        ("organization cn-east-3/group", "the IAM user has read access only")
    ]


@pytest.mark.parametrize(
    ("operation", "region", "message"),
    [
        ("namespaces", EAST, "SVCSTG.SWR.4030170: the IAM user lacks a right: no (request "),
        ("repos", EAST, "its tags cannot be read, so syncs to it end as `unverified`: "),
        ("tag", EAST, "its tags cannot be read, so syncs to it end as `unverified`: "),
        ("sync_job", WEST, "its tags or sync jobs cannot be read, so calls are made "),
    ],
)
def test_a_missing_permission_is_a_warning(
    simulator: RunningSimulator, operation: str, region: str, message: str
) -> None:
    forbidden = [{"errorCode": "SVCSTG.SWR.4030170", "errorMessage": "no"}]
    fault(simulator, region, operation, status=403, body=forbidden)

    [(about, text)] = messages(check(simulator), Level.WARNING)

    assert (f"organization {region}/group", message) == (about, text[: len(message)])


def test_an_organization_that_cannot_be_read_is_a_problem(
    simulator: RunningSimulator,
) -> None:
    fault(simulator, EAST, "namespaces", status=502)

    assert [about for about, _ in messages(check(simulator), Level.PROBLEM)] == [
        "organization cn-east-3/group"
    ]


def test_reading_is_not_checked_in_an_empty_organization(
    simulator: RunningSimulator,
) -> None:
    simulator.state.create_organization(EAST, "empty")

    results = check(simulator, replace(SCOPE, targets=[Target(EAST, "empty")]))

    message = "contains no repository: reading was not checked"
    assert messages(results, Level.UNKNOWN) == [("organization cn-east-3/empty", message)]


def test_a_target_region_that_swr_does_not_list_is_a_warning(simulator: RunningSimulator) -> None:
    fault(simulator, WEST, "regions", status=200, body=[{"regionID": WEST}])

    message = "SWR does not list cn-east-3 among the regions that it synchronizes to"
    assert messages(check(simulator), Level.WARNING) == [("region cn-north-4", message)]


@pytest.mark.parametrize("status", [403, 404])
def test_unreported_sync_targets_are_unknown(simulator: RunningSimulator, status: int) -> None:
    fault(simulator, WEST, "regions", status=status, body={"error_code": "APIGW.0101"})

    message = "SWR does not say which regions this one can synchronize to"
    assert messages(check(simulator), Level.UNKNOWN) == [("region cn-north-4", message)]


def test_an_unreachable_endpoint_does_not_stop_the_other_checks(
    simulator: RunningSimulator,
) -> None:
    results = check(simulator, cn_east_3="http://127.0.0.1:9")

    [(about, message)] = messages(results, Level.PROBLEM)
    assert (about, message.startswith("connect: 127.0.0.1:9")) == ("region cn-east-3", True)
    assert ("organization cn-east-3/group", "not checked: see its region") in messages(
        results, Level.UNKNOWN
    )


def test_a_region_unknown_to_iam_is_a_problem(simulator: RunningSimulator) -> None:
    scope = replace(SCOPE, regions=[WEST, EAST, "la-south-2"])

    [(about, message)] = messages(
        check(simulator, scope, la_south_2="http://127.0.0.1:9"), Level.PROBLEM
    )

    assert (about, message.startswith("IAM.1109: ")) == ("region la-south-2", True)


@pytest.mark.parametrize(("behind", "word"), [(60, "behind"), (-60, "ahead of")])
def test_a_clock_difference_is_a_warning(
    simulator: RunningSimulator, behind: int, word: str
) -> None:
    warned = messages(check(simulator, behind=timedelta(seconds=behind)), Level.WARNING)

    assert [about for about, _ in warned] == ["region cn-north-4", "region cn-east-3"]
    assert all(f"s {word} SWR's" in message for _, message in warned)


def test_a_target_that_depends_on_the_image_is_not_checked(simulator: RunningSimulator) -> None:
    results = check(simulator, replace(SCOPE, unresolved_targets=[Target(EAST, "{repository}")]))

    message = "depends on the pushed image: not checked"
    assert messages(results, Level.UNKNOWN) == [("organization cn-east-3/{repository}", message)]


@pytest.mark.parametrize(
    "answer",
    [{"status": 404}, {"status": 405}, {"error": "APIGW.0101"}, {"error": "SVCSTG.SWR.4040083"}],
)
def test_a_region_that_cannot_show_a_tag_is_named(
    simulator: RunningSimulator, answer: dict[str, Any]
) -> None:
    simulator.state.faults.add([Fault(region=EAST, operation="tag", **answer)])

    results = check(simulator)

    message = (
        "tags can be read; a single tag is looked up in the list: the region has no operation to"
        " show it"
    )
    assert ("organization cn-east-3/group", message) in messages(results, Level.OK)
    assert messages(results, Level.WARNING) == []


def test_a_list_without_digests_is_named(simulator: RunningSimulator) -> None:
    without = Fault(region=EAST, operation="tags", without_members=("digest",))
    simulator.state.faults.add([without])

    message = "tags can be read; each tag is looked up by itself: the list shows no digests"
    assert ("organization cn-east-3/group", message) in messages(check(simulator), Level.OK)


def test_a_region_that_shows_no_digest_at_all_is_a_warning(simulator: RunningSimulator) -> None:
    simulator.state.faults.add([Fault(region=EAST, without_members=("digest",))])

    [(about, message)] = messages(check(simulator), Level.WARNING)
    assert about == "organization cn-east-3/group"
    assert "without a digest" in message
