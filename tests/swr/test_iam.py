"""Tokens: fetched once, replaced in time, and a refused password never tried twice."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from threading import Barrier, Event

import pytest

from swrhook.config.model import PasswordCredentials, TokenCredentials
from swrhook.errors import Kind, SwrError
from swrhook.simulator import Fault, RunningSimulator
from swrhook.swr.auth.lockout import fingerprint
from swrhook.swr.auth.password import IamTokens
from swrhook.swr.client import SwrClient
from swrhook.swr.http import HttpTransport
from tests.factories import FakeClock
from tests.swr.loopback import Loopback, Received, Reply
from tests.swr.parts import DEMO, NETWORK, NOW, MemoryOfRefused, client_of, logins, simulated

WRONG = PasswordCredentials("demo", "demo", "wrong-password")
WEST, EAST = "cn-north-4", "cn-east-3"


def tokens_of(
    iam: str, clock: FakeClock, refused: MemoryOfRefused | None = None
) -> tuple[IamTokens, HttpTransport]:
    wire = HttpTransport({iam}, NETWORK, clock)
    return IamTokens(DEMO, iam, wire, refused or MemoryOfRefused(), clock), wire


def issued(value: str, **times: str) -> Reply:
    body = json.dumps({"token": times}).encode()
    return Reply(201, body, {"X-Subject-Token": value})


def one_after_the_other(*replies: Reply) -> Callable[[Received], Reply]:
    """The replies in turn; the last one for ever."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def caught_by(call: Callable[[], object]) -> SwrError:
    with pytest.raises(SwrError) as caught:
        call()
    return caught.value


def look(client: SwrClient, region: str = WEST) -> object:
    return client.show_tag(region, "group", "busybox", "v1")


def test_the_login_is_the_documented_one() -> None:
    with Loopback(one_after_the_other(issued("T1"))) as iam:
        tokens, _ = tokens_of(iam.url, FakeClock(NOW))

        assert tokens.token(WEST) == "T1"

    [received] = iam.received
    assert (received.method, received.path) == ("POST", "/v3/auth/tokens?nocatalog=true")
    assert received.headers["Content-Type"] == "application/json;charset=utf8"
    user = {"name": "demo", "password": "demo", "domain": {"name": "demo"}}
    assert {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "cn-north-4"}},
        }
    } == json.loads(received.body)


def test_a_token_is_fetched_once_for_each_region(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    client = simulated(simulator, clock)

    for _ in range(5):
        look(client, WEST)
        look(client, EAST)

    assert logins(simulator) == [201, 201]
    assert {WEST, EAST} == {call.token_region for call in simulator.state.calls(operation="tag")}


@pytest.mark.parametrize("size", [2_048, 32 * 1024])
def test_a_token_may_be_large(simulator: RunningSimulator, clock: FakeClock, size: int) -> None:
    simulator.state.configure(replace(simulator.state.settings, token_size=size))

    assert look(simulated(simulator, clock)) is None


def test_a_token_is_replaced_before_its_end(simulator: RunningSimulator, clock: FakeClock) -> None:
    client = simulated(simulator, clock)
    look(client)
    clock.advance(hours=22, minutes=47)
    look(client)
    assert logins(simulator) == [201]

    clock.advance(minutes=2)  # 95 % of a day are over
    look(client)
    look(client)

    assert logins(simulator) == [201, 201]
    assert {404} == {call.status for call in simulator.state.calls(operation="tag")}


def test_a_short_life_is_used_to_its_half(simulator: RunningSimulator, clock: FakeClock) -> None:
    simulator.state.configure(replace(simulator.state.settings, token_ttl=60.0))
    client = simulated(simulator, clock)
    look(client)
    clock.advance(seconds=29)
    look(client)
    assert logins(simulator) == [201]

    clock.advance(seconds=2)
    look(client)

    assert logins(simulator) == [201, 201]


def test_the_life_of_a_token_is_counted_by_iams_clock() -> None:
    clock = FakeClock(NOW)
    times = {"issued_at": "2031-01-01T00:00:00.000000Z", "expires_at": "2031-01-01T00:10:00Z"}
    replies = one_after_the_other(issued("T1", **times), issued("T2", **times))
    with Loopback(replies) as iam:
        tokens, _ = tokens_of(iam.url, clock)
        tokens.token(WEST)
        clock.advance(minutes=7)
        assert tokens.token(WEST) == "T1"

        clock.advance(minutes=2)

        assert tokens.token(WEST) == "T2"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(201, b"", {"X-Subject-Token": "T1"}),
        issued("T1", expires_at="never"),
        issued("T1", issued_at="2026-01-02T03:04:05Z", expires_at="2026-01-02T03:04:05Z"),
    ],
)
def test_a_life_that_is_not_told_is_an_hour(reply: Reply) -> None:
    clock = FakeClock(NOW)
    with Loopback(one_after_the_other(reply, issued("T2"))) as iam:
        tokens, _ = tokens_of(iam.url, clock)
        tokens.token(WEST)
        clock.advance(minutes=56)
        assert tokens.token(WEST) == "T1"

        clock.advance(minutes=2)

        assert tokens.token(WEST) == "T2"


def test_while_iam_is_down_the_old_token_serves_to_its_end(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    client = simulated(simulator, clock)
    look(client)
    simulator.state.faults.add([Fault(region="iam", status=503)])
    clock.advance(hours=23)

    for _ in range(5):
        look(client)
    assert logins(simulator) == [201, 503]
    clock.advance(seconds=31)
    look(client)
    assert logins(simulator) == [201, 503, 503]

    clock.advance(hours=1)
    assert Kind.TRANSIENT is caught_by(lambda: look(client)).kind
    assert len(logins(simulator)) == 3 + 1


def test_a_stampede_fetches_one_token(simulator: RunningSimulator, clock: FakeClock) -> None:
    simulator.state.faults.add([Fault(region="iam", delay=0.2)])
    client = simulated(simulator, clock)
    start = Barrier(20)

    def ask(_: int) -> object:
        start.wait()
        return look(client)

    with ThreadPoolExecutor(20) as pool:
        assert {None} == set(pool.map(ask, range(20)))

    assert logins(simulator) == [201]


def test_a_stampede_on_a_dead_iam_asks_it_once(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    simulator.state.faults.add([Fault(region="iam", delay=0.2, status=503)])
    client = simulated(simulator, clock)
    start = Barrier(20)

    def ask(number: int) -> str:
        start.wait()
        return caught_by(lambda: look(client, (WEST, EAST)[number % 2])).code

    with ThreadPoolExecutor(20) as pool:
        assert {"HTTP.503"} == set(pool.map(ask, range(20)))

    assert logins(simulator) == [503]
    clock.advance(seconds=2)
    simulator.state.faults.clear()
    assert look(client) is None


def test_nobody_waits_for_a_replacement(clock: FakeClock) -> None:
    others_are_served = Event()

    def answer(_: Received) -> Reply:
        first = len(iam.received) == 1
        assert first or others_are_served.wait(10)
        return issued("T1" if first else "T2")

    with Loopback(answer) as iam, ThreadPoolExecutor(8) as pool:
        tokens, _ = tokens_of(iam.url, clock)
        tokens.token(WEST)
        clock.advance(minutes=58)

        asked = as_completed([pool.submit(tokens.token, WEST) for _ in range(8)], timeout=10)
        got = [next(asked).result() for _ in range(7)]
        others_are_served.set()
        got += [next(asked).result()]

    assert got == ["T1"] * 7 + ["T2"]
    assert len(iam.received) == 2


def test_a_killed_token_is_replaced_once(simulator: RunningSimulator, clock: FakeClock) -> None:
    seeded = simulator.state.seed(WEST, "group", "busybox", "v1")
    client = simulated(simulator, clock)
    look(client)
    simulator.state.faults.add([Fault(region=WEST, delay=0.2)])
    simulator.state.accounts.kill_tokens()
    start = Barrier(10)

    def ask(_: int) -> object:
        start.wait()
        return look(client)

    with ThreadPoolExecutor(10) as pool:
        assert {seeded.digest} == set(pool.map(ask, range(10)))

    assert logins(simulator) == [201, 201]


def test_a_token_that_swr_never_takes_is_replaced_once_a_minute(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    body = {"error_code": "APIGW.0307", "error_msg": "The token must be updated."}
    simulator.state.faults.add([Fault(region=WEST, status=401, body=body)])
    client = simulated(simulator, clock)

    for _ in range(3):
        error = caught_by(lambda: look(client))
        assert (error.kind, error.code) == (Kind.AUTHENTICATION, "APIGW.0307")
    assert logins(simulator) == [201, 201]

    clock.advance(seconds=61)
    caught_by(lambda: look(client))
    assert logins(simulator) == [201, 201, 201]


def test_a_wrong_password_is_tried_once_by_all_regions_and_processes(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    ledger = MemoryOfRefused()
    clients = [simulated(simulator, clock, credentials=WRONG, refused=ledger) for _ in range(3)]

    def ask(number: int) -> SwrError:
        return caught_by(lambda: look(clients[0], (WEST, EAST)[number % 2]))

    with ThreadPoolExecutor(10) as pool:
        first = list(pool.map(ask, range(20)))
    clock.advance(hours=1)
    later = [caught_by(partial(look, client)) for client in clients]

    assert logins(simulator) == [401]
    assert {Kind.AUTHENTICATION} == {error.kind for error in (*first, *later)}
    assert {"refused"} == {error.code for error in later}
    assert all("not tried again: HTTP.401: Unauthorized" in error.message for error in later)
    assert all("as soon as they change" in error.remedy for error in later)
    assert list(ledger.refused) == [fingerprint(WRONG, simulator.iam_url)]


def test_a_changed_password_is_tried_again(simulator: RunningSimulator, clock: FakeClock) -> None:
    ledger = MemoryOfRefused()
    caught_by(lambda: look(simulated(simulator, clock, credentials=WRONG, refused=ledger)))

    assert look(simulated(simulator, clock, refused=ledger)) is None
    assert logins(simulator) == [401, 201]


def test_a_locked_account_is_tried_again_after_half_an_hour(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    ledger = MemoryOfRefused()
    locked = {"error_code": "IAM.0061", "error_msg": "Account locked."}
    simulator.state.faults.add([Fault(region="iam", times=2, status=401, body=locked)])

    def ask() -> SwrError:  # as another process
        return caught_by(lambda: look(simulated(simulator, clock, refused=ledger)))

    assert ask().code == "IAM.0061"
    clock.advance(minutes=29)
    again = ask()
    assert again.code == "refused"
    assert "not tried again before 03:34 UTC" in again.message
    clock.advance(minutes=1)
    assert ask().code == "IAM.0061"  # still locked: half an hour more
    assert ask().code == "refused"
    clock.advance(minutes=30)
    assert look(simulated(simulator, clock, refused=ledger)) is None

    assert logins(simulator) == [401, 401, 201]


@pytest.mark.parametrize(
    ("status", "body", "kind", "remembered"),
    [
        (401, b'{"error_code":"IAM.0061","error_msg":"locked"}', Kind.AUTHENTICATION, True),
        (401, b'{"error_code":"IAM.0062","error_msg":"wrong"}', Kind.AUTHENTICATION, True),
        (400, b'{"error_code":"1103","error_msg":"wrong"}', Kind.AUTHENTICATION, True),
        (401, b'{"error":{"message":"Unauthorized.","code":401}}', Kind.AUTHENTICATION, True),
        (401, b"<html>proxy</html>", Kind.AUTHENTICATION, False),
        (403, b'{"error_code":"IAM.0082","error_msg":"disabled"}', Kind.AUTHENTICATION, False),
        (400, b'{"error_code":"IAM.0011","error_msg":"invalid"}', Kind.CONFIGURATION, False),
        (400, b"{}", Kind.CONFIGURATION, False),
        (404, b'{"error_code":"IAM.0004","error_msg":"no project"}', Kind.CONFIGURATION, False),
        (404, b"<html>", Kind.CONFIGURATION, False),
        (429, b'{"error_code":"IAM.0012","error_msg":"slow"}', Kind.THROTTLED, False),
        (500, b'{"error_code":"IAM.0006","error_msg":"oops"}', Kind.TRANSIENT, False),
        (503, b"", Kind.TRANSIENT, False),
        (302, b"", Kind.TRANSIENT, False),
        (201, b"{}", Kind.TRANSIENT, False),
    ],
)
def test_only_iams_own_words_refuse_a_credential(
    status: int, body: bytes, kind: Kind, *, remembered: bool
) -> None:
    ledger = MemoryOfRefused()
    with Loopback(lambda _: Reply(status, body)) as iam:
        tokens, _ = tokens_of(iam.url, FakeClock(NOW), ledger)

        error = caught_by(lambda: tokens.token(WEST))

    assert kind is error.kind
    assert error.remedy
    assert remembered is bool(ledger.refused)


def test_a_failure_of_one_project_leaves_the_others_alone() -> None:
    def answer(request: Received) -> Reply:
        known = WEST.encode() in request.body
        return issued("T1") if known else Reply(400, b'{"error_code":"IAM.1109"}')

    clock = FakeClock(NOW)
    with Loopback(answer) as iam:
        tokens, _ = tokens_of(iam.url, clock)

        for _ in range(3):
            assert Kind.CONFIGURATION is caught_by(lambda: tokens.token(EAST)).kind
        assert tokens.token(WEST) == "T1"

    assert len(iam.received) == 2


def test_iams_own_wait_is_kept(clock: FakeClock) -> None:
    throttled = Reply(429, b'{"error_code":"IAM.0012"}', {"Retry-After": "20"})
    with Loopback(one_after_the_other(throttled, issued("T1"))) as iam:
        tokens, _ = tokens_of(iam.url, clock)
        assert caught_by(lambda: tokens.token(WEST)).retry_after == 20.0
        clock.advance(seconds=19)
        caught_by(lambda: tokens.token(EAST))
        assert len(iam.received) == 1

        clock.advance(seconds=2)

        assert tokens.token(WEST) == "T1"


def test_a_clock_set_back_keeps_nobody_quiet(clock: FakeClock) -> None:
    with Loopback(one_after_the_other(Reply(503), issued("T1"))) as iam:
        tokens, _ = tokens_of(iam.url, clock)
        caught_by(lambda: tokens.token(WEST))

        clock.advance(days=-1)

        assert tokens.token(WEST) == "T1"


def test_an_unreachable_iam_is_transient_and_refuses_nobody(clock: FakeClock) -> None:
    ledger = MemoryOfRefused()
    with Loopback(lambda _: Reply()) as closed:
        pass
    tokens, _ = tokens_of(closed.url, clock, ledger)

    error = caught_by(lambda: tokens.token(WEST))

    assert (error.kind, error.code) == (Kind.TRANSIENT, "connect")
    assert ledger.refused == {}


def test_a_token_that_cannot_stand_in_a_header_is_not_used(clock: FakeClock) -> None:
    with Loopback(lambda _: issued("T1 T2")) as iam:
        tokens, _ = tokens_of(iam.url, clock)

        assert caught_by(lambda: tokens.token(WEST)).code == "protocol"


def test_the_token_of_the_configuration_is_used_as_it_is() -> None:
    with Loopback(lambda _: Reply(404)) as swr:
        client = client_of(swr.url)
        look(client)
        look(client)

    assert {"A-token-given-by-the-configuration"} == {
        received.headers["X-Auth-Token"] for received in swr.received
    }


def test_the_token_of_the_configuration_cannot_be_renewed() -> None:
    with Loopback(lambda _: Reply(401)) as swr:
        error = caught_by(lambda: look(client_of(swr.url)))

    assert Kind.AUTHENTICATION is error.kind
    assert len(swr.received) == 1


def test_a_given_token_with_a_line_break_is_a_mistake_that_shows_nothing() -> None:
    with Loopback(lambda _: Reply()) as swr:
        client = client_of(swr.url, credentials=TokenCredentials("hush-hush\n"))
        error = caught_by(lambda: look(client))

    assert (error.kind, error.code) == (Kind.CONFIGURATION, "token")
    assert "hush" not in f"{error} {error.remedy}"
    assert swr.received == []


def test_a_fingerprint_depends_on_all_that_makes_a_credential() -> None:
    same = fingerprint(PasswordCredentials("u", "d", "p"), "https://iam.example")
    others = {
        fingerprint(PasswordCredentials("v", "d", "p"), "https://iam.example"),
        fingerprint(PasswordCredentials("u", "e", "p"), "https://iam.example"),
        fingerprint(PasswordCredentials("u", "d", "q"), "https://iam.example"),
        fingerprint(PasswordCredentials("u", "d", "p"), "https://iam.other"),
    }

    assert same == fingerprint(PasswordCredentials("u", "d", "p"), "https://iam.example")
    assert len(others - {same}) == 4
    # The ledger holds it: it may never change.
    assert same == "e41438aae626488f920dd171cc89dd9bc89d968d498d24b0dc60cdb860048e61"
