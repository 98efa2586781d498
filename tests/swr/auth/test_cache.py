"""The credential cache: renewal in time, one fetch for all, pauses after failures."""

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from threading import Barrier, Event

from swrhook.errors import Kind
from swrhook.simulator import Fault, RunningSimulator
from tests.factories import FakeClock
from tests.swr.clients import (
    NOW,
    error_of,
    issued,
    logins,
    one_after_the_other,
    show_tag,
    simulated,
    tokens_of,
)
from tests.swr.loopback import Loopback, Received, Reply

WEST, EAST = "cn-north-4", "cn-east-3"


def test_during_an_outage_of_iam_the_old_token_is_used_until_it_expires(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    client = simulated(simulator, clock)
    show_tag(client)
    simulator.state.faults.add([Fault(region="iam", status=503)])
    clock.advance(hours=23)

    for _ in range(5):
        show_tag(client)
    assert logins(simulator) == [201, 503]
    clock.advance(seconds=31)
    show_tag(client)
    assert logins(simulator) == [201, 503, 503]

    clock.advance(hours=1)
    assert error_of(lambda: show_tag(client)).kind is Kind.TRANSIENT
    assert len(logins(simulator)) == 3 + 1


def test_concurrent_requests_fetch_one_token(simulator: RunningSimulator, clock: FakeClock) -> None:
    simulator.state.faults.add([Fault(region="iam", delay=0.2)])
    client = simulated(simulator, clock)
    start = Barrier(20)

    def ask(_: int) -> object:
        start.wait()
        return show_tag(client)

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(20))) == {None}

    assert logins(simulator) == [201]


def test_concurrent_requests_call_a_failing_iam_once(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    simulator.state.faults.add([Fault(region="iam", delay=0.2, status=503)])
    client = simulated(simulator, clock)
    start = Barrier(20)

    def ask(number: int) -> str:
        start.wait()
        return error_of(lambda: show_tag(client, (WEST, EAST)[number % 2])).code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(20))) == {"HTTP.503"}

    assert logins(simulator) == [503]
    clock.advance(seconds=2)
    simulator.state.faults.clear()
    assert show_tag(client) is None


def test_no_request_waits_for_a_renewal(clock: FakeClock) -> None:
    others_are_served = Event()

    def answer(_: Received) -> Reply:
        first = len(iam.received) == 1
        assert first or others_are_served.wait(10)
        return issued("T1" if first else "T2")

    with Loopback(answer) as iam, ThreadPoolExecutor(8) as pool:
        tokens = tokens_of(iam.url, clock)
        tokens.get(WEST)
        clock.advance(minutes=58)

        asked = as_completed([pool.submit(tokens.get, WEST) for _ in range(8)], timeout=10)
        got = [next(asked).result() for _ in range(7)]
        others_are_served.set()
        got += [next(asked).result()]

    assert got == ["T1"] * 7 + ["T2"]
    assert len(iam.received) == 2


def test_a_revoked_token_is_renewed_once(simulator: RunningSimulator, clock: FakeClock) -> None:
    seeded = simulator.state.seed(WEST, "group", "busybox", "v1")
    client = simulated(simulator, clock)
    show_tag(client)
    simulator.state.faults.add([Fault(region=WEST, delay=0.2)])
    simulator.state.accounts.revoke_tokens()
    start = Barrier(10)

    def ask(_: int) -> object:
        start.wait()
        return show_tag(client)

    with ThreadPoolExecutor(10) as pool:
        assert {seeded.digest} == set(pool.map(ask, range(10)))

    assert logins(simulator) == [201, 201]


def test_a_token_that_swr_always_refuses_is_renewed_once_a_minute(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    body = {"error_code": "APIGW.0307", "error_msg": "The token must be updated."}
    simulator.state.faults.add([Fault(region=WEST, status=401, body=body)])
    client = simulated(simulator, clock)

    for _ in range(3):
        error = error_of(lambda: show_tag(client))
        assert (error.kind, error.code) == (Kind.AUTHENTICATION, "APIGW.0307")
    assert logins(simulator) == [201, 201]

    clock.advance(seconds=61)
    error_of(lambda: show_tag(client))
    assert logins(simulator) == [201, 201, 201]


def test_a_failure_of_one_project_does_not_affect_the_others() -> None:
    def answer(request: Received) -> Reply:
        is_known = WEST.encode() in request.body
        return issued("T1") if is_known else Reply(400, b'{"error_code":"IAM.1109"}')

    clock = FakeClock(NOW)
    with Loopback(answer) as iam:
        tokens = tokens_of(iam.url, clock)

        for _ in range(3):
            assert error_of(lambda: tokens.get(EAST)).code == "IAM.1109"
        assert tokens.get(WEST) == "T1"

    assert len(iam.received) == 2


def test_the_retry_after_of_iam_is_respected(clock: FakeClock) -> None:
    throttled = Reply(429, b'{"error_code":"IAM.0012"}', {"Retry-After": "20"})
    with Loopback(one_after_the_other(throttled, issued("T1"))) as iam:
        tokens = tokens_of(iam.url, clock)
        assert error_of(lambda: tokens.get(WEST)).retry_after == 20.0
        clock.advance(seconds=19)
        error_of(lambda: tokens.get(EAST))
        assert len(iam.received) == 1

        clock.advance(seconds=2)

        assert tokens.get(WEST) == "T1"


def test_a_pause_ends_when_the_clock_is_set_back(clock: FakeClock) -> None:
    with Loopback(one_after_the_other(Reply(503), issued("T1"))) as iam:
        tokens = tokens_of(iam.url, clock)
        error_of(lambda: tokens.get(WEST))

        clock.advance(days=-1)

        assert tokens.get(WEST) == "T1"


def test_a_short_lived_token_is_used_for_half_its_lifetime(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    simulator.state.configure(replace(simulator.state.settings, token_ttl=60.0))
    client = simulated(simulator, clock)
    show_tag(client)
    clock.advance(seconds=29)
    show_tag(client)
    assert logins(simulator) == [201]

    clock.advance(seconds=2)
    show_tag(client)

    assert logins(simulator) == [201, 201]


def test_a_token_is_renewed_before_it_expires(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    client = simulated(simulator, clock)
    show_tag(client)
    clock.advance(hours=22, minutes=47)
    show_tag(client)
    assert logins(simulator) == [201]

    clock.advance(minutes=2)  # 95 % of a day are over
    show_tag(client)
    show_tag(client)

    assert logins(simulator) == [201, 201]
    assert {call.status for call in simulator.state.calls(operation="tag")} == {404}
