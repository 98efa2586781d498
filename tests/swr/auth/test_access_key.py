"""The access key of the configuration: signed requests, and refusals."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from swrhook.config.model import KeyCredentials
from swrhook.errors import Kind, SwrError
from swrhook.simulator import Fault, RunningSimulator
from swrhook.simulator.model import DEMO as USER
from swrhook.swr.auth.lockout import fingerprint
from swrhook.swr.client import SwrClient
from tests.factories import FakeClock
from tests.swr.clients import KEY, LANE, NETWORK, NOW, MemoryOfRefused, logins, simulated, swr
from tests.swr.loopback import Loopback, Received, Reply

WEST, EAST = "cn-north-4", "cn-east-3"
WRONG = replace(KEY, secret_key="a-secret-that-is-wrong")
INCORRECT = "Incorrect IAM authentication information: "


def look(client: SwrClient, region: str = WEST) -> object:
    return client.show_tag(region, "group", "web/shop", "v1")


def failed(client: SwrClient, region: str = WEST) -> SwrError:
    with pytest.raises(SwrError) as caught:
        look(client, region)
    return caught.value


def refuses(reason: str, **more: Any) -> Fault:
    body = {"error_code": "APIGW.0301", "error_msg": INCORRECT + reason}
    return Fault(region=WEST, status=401, body=body, **more)


def test_requests_signed_with_a_key_are_accepted(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    seeded = simulator.state.seed(WEST, "group", "web/shop", "v1")
    client = simulated(simulator, clock, credentials=KEY)

    client.sync_images(LANE, ["v1"])

    assert seeded.digest == look(client, EAST)
    assert client.list_tags(WEST, "group", "web/shop", ["v1"]) == {"v1": seeded.digest}
    assert [job.status for job in client.sync_jobs(WEST, "group", "web/shop")] == ["success"]
    assert client.has_namespace(EAST, "group")
    assert logins(simulator) == []


def test_a_project_is_looked_up_once_for_each_region(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    client = simulated(simulator, clock, credentials=KEY)

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(partial(look, client), [WEST, EAST] * 10)) == {None}

    assert {f"name={WEST}", f"name={EAST}"} == {
        call.query for call in simulator.state.calls(operation="projects")
    }
    assert logins(simulator, "projects") == [200, 200]


def test_a_project_unknown_to_iam_is_an_error_of_the_login(clock: FakeClock) -> None:
    with Loopback(lambda _: Reply(200, b'{"projects":[]}')) as iam:
        client = SwrClient(swr({WEST: iam.url}, KEY, iam.url), NETWORK, MemoryOfRefused(), clock)
        error = failed(client)

    assert (error.kind, error.code) == (Kind.AUTHENTICATION, "project")
    assert "no project named cn-north-4" in error.message


def test_a_temporary_key_may_have_a_large_security_token(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    simulator.state.configure(replace(simulator.state.settings, token_size=32 * 1024))
    key = simulator.state.accounts.issue_key(USER, timedelta(days=1)).key
    credentials = KeyCredentials(key.access, key.secret, key.security_token)

    assert key.security_token is not None
    assert len(key.security_token) == 32 * 1024
    assert look(simulated(simulator, clock, credentials=credentials)) is None


def test_a_wrong_key_is_tried_once_across_regions_and_processes(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    ledger = MemoryOfRefused()
    clients = [simulated(simulator, clock, credentials=WRONG, refused=ledger) for _ in range(3)]

    with ThreadPoolExecutor(10) as pool:
        first = list(pool.map(partial(failed, clients[0]), [WEST, EAST] * 10))
    clock.advance(hours=1)
    later = [failed(client) for client in clients]

    assert logins(simulator, "projects") == [401]
    assert len(simulator.state.calls()) == 1
    assert {error.kind for error in (*first, *later)} == {Kind.AUTHENTICATION}
    assert {error.code for error in later} == {"refused"}
    assert [fingerprint(WRONG, simulator.iam_url)] == list(ledger.refused)
    assert look(simulated(simulator, clock, credentials=KEY, refused=ledger)) is None


@pytest.mark.parametrize(
    "reason",
    [
        "ak AKXX not exist",
        "Get secretKey failed,ak:AKXX,err:ak not exist",
        "verify aksk signature fail,canonicalRequest:POST|/v2/",
    ],
)
def test_a_refused_key_is_not_used_again(
    simulator: RunningSimulator, clock: FakeClock, reason: str
) -> None:
    ledger = MemoryOfRefused()
    client = simulated(simulator, clock, credentials=KEY, refused=ledger)
    look(client)
    simulator.state.faults.add([refuses(reason, times=1)])

    assert failed(client).code == "APIGW.0301"
    assert failed(client).code == "refused"

    [refusal] = ledger.refused.values()
    assert refusal.again_at is None
    assert len(simulator.state.calls(operation="tag")) == 2


def test_a_locked_key_is_tried_again_after_ten_minutes(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    client = simulated(simulator, clock, credentials=KEY)
    look(client)
    simulator.state.faults.add([refuses("AK access failed to reach the limit,forbidden", times=1)])

    assert failed(client).code == "APIGW.0301"
    clock.advance(minutes=9)
    assert "not tried again before 03:14 UTC" in failed(client).message
    clock.advance(minutes=1)
    assert look(client) is None


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_wrong_clock_does_not_refuse_the_key(
    simulator: RunningSimulator, clock: FakeClock, minutes: int
) -> None:
    ledger = MemoryOfRefused()
    ours = FakeClock(clock.now() + timedelta(minutes=minutes))

    error = failed(simulated(simulator, ours, credentials=KEY, refused=ledger))

    assert error.kind is Kind.AUTHENTICATION
    assert "signature expired" in error.message
    assert "this machine's clock" in error.remedy
    assert ledger.refused == {}


def test_a_401_of_a_proxy_does_not_refuse_the_key(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    ledger = MemoryOfRefused()
    client = simulated(simulator, clock, credentials=KEY, refused=ledger)
    simulator.state.faults.add([Fault(region=WEST, times=1, status=401, body="<html>proxy")])

    assert failed(client).kind is Kind.AUTHENTICATION
    assert ledger.refused == {}
    assert look(client) is None


def test_the_request_is_sent_as_it_was_signed() -> None:
    def answer(received: Received) -> Reply:
        project = b'{"projects":[{"id":"0123","name":"cn-north-4"}]}'
        return Reply(200, project if received.path.startswith("/v3/") else b"[]")

    with Loopback(answer) as server:
        client = SwrClient(
            swr({WEST: server.url}, KEY, server.url), NETWORK, MemoryOfRefused(), FakeClock(NOW)
        )
        client.sync_images(LANE, ["v1"])

    [_, received] = server.received
    assert received.path == "/v2/manage/namespaces/group/repos/web$shop/sync_images"
    assert server.url == f"http://{received.headers['Host']}"
    assert received.headers["X-Project-Id"] == "0123"
    assert received.headers["X-Sdk-Date"] == "20260102T030405Z"
    assert (
        "SignedHeaders=content-type;host;x-project-id;x-sdk-date,"
        in (received.headers["Authorization"])
    )
    assert "X-Auth-Token" not in received.headers
