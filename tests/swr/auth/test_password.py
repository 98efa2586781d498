"""Tokens of IAM: one login for each region, and none with a refused password."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from swrhook.config.model import PasswordCredentials
from swrhook.errors import Kind, SwrError
from swrhook.simulator import Fault, RunningSimulator
from swrhook.swr.auth.lockout import fingerprint
from tests.factories import FakeClock
from tests.swr.clients import (
    NOW,
    MemoryOfRefused,
    error_of,
    issued,
    logins,
    one_after_the_other,
    show_tag,
    simulated,
    tokens_of,
)
from tests.swr.loopback import Loopback, Reply

WRONG = PasswordCredentials("demo", "demo", "wrong-password")
WEST, EAST = "cn-north-4", "cn-east-3"


def test_the_login_request_is_the_documented_one() -> None:
    with Loopback(one_after_the_other(issued("T1"))) as iam:
        tokens = tokens_of(iam.url, FakeClock(NOW))

        assert tokens.get(WEST) == "T1"

    [received] = iam.received
    assert (received.method, received.path) == ("POST", "/v3/auth/tokens?nocatalog=true")
    assert received.headers["Content-Type"] == "application/json;charset=utf8"
    user = {"name": "demo", "password": "demo", "domain": {"name": "demo"}}
    assert json.loads(received.body) == {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "cn-north-4"}},
        }
    }


def test_a_token_is_fetched_once_for_each_region(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    client = simulated(simulator, clock)

    for _ in range(5):
        show_tag(client, WEST)
        show_tag(client, EAST)

    assert logins(simulator) == [201, 201]
    assert {call.token_region for call in simulator.state.calls(operation="tag")} == {WEST, EAST}


@pytest.mark.parametrize("size", [2_048, 32 * 1024])
def test_a_token_may_be_large(simulator: RunningSimulator, clock: FakeClock, size: int) -> None:
    simulator.state.configure(replace(simulator.state.settings, token_size=size))

    assert show_tag(simulated(simulator, clock)) is None


def test_the_lifetime_of_a_token_is_counted_by_iams_clock() -> None:
    clock = FakeClock(NOW)
    times = {"issued_at": "2031-01-01T00:00:00.000000Z", "expires_at": "2031-01-01T00:10:00Z"}
    replies = one_after_the_other(issued("T1", **times), issued("T2", **times))
    with Loopback(replies) as iam:
        tokens = tokens_of(iam.url, clock)
        tokens.get(WEST)
        clock.advance(minutes=7)
        assert tokens.get(WEST) == "T1"

        clock.advance(minutes=2)

        assert tokens.get(WEST) == "T2"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(201, b"", {"X-Subject-Token": "T1"}),
        issued("T1", expires_at="never"),
        issued("T1", issued_at="2026-01-02T03:04:05Z", expires_at="2026-01-02T03:04:05Z"),
    ],
)
def test_a_token_without_an_expiry_is_used_for_an_hour(reply: Reply) -> None:
    clock = FakeClock(NOW)
    with Loopback(one_after_the_other(reply, issued("T2"))) as iam:
        tokens = tokens_of(iam.url, clock)
        tokens.get(WEST)
        clock.advance(minutes=56)
        assert tokens.get(WEST) == "T1"

        clock.advance(minutes=2)

        assert tokens.get(WEST) == "T2"


def test_a_wrong_password_is_tried_once_across_regions_and_processes(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    ledger = MemoryOfRefused()
    clients = [simulated(simulator, clock, credentials=WRONG, refused=ledger) for _ in range(3)]

    def ask(number: int) -> SwrError:
        return error_of(lambda: show_tag(clients[0], (WEST, EAST)[number % 2]))

    with ThreadPoolExecutor(10) as pool:
        first = list(pool.map(ask, range(20)))
    clock.advance(hours=1)
    later = [error_of(partial(show_tag, client, EAST)) for client in clients]

    # The answer does not say whether the password is wrong or the project is denied: so the other
    # project's login shows it, once, and later.
    assert logins(simulator) == [401, 401]
    assert {error.kind for error in (*first, *later)} == {Kind.AUTHENTICATION}
    assert [error.code for error in later] == ["HTTP.401", "refused", "refused"]
    assert all("not tried again: HTTP.401: Unauthorized" in error.message for error in later[1:])
    assert all("as soon as they change" in error.remedy for error in later[1:])
    assert fingerprint(WRONG, simulator.iam_url) in ledger.refused


def test_a_changed_password_is_tried(simulator: RunningSimulator, clock: FakeClock) -> None:
    ledger = MemoryOfRefused()
    error_of(lambda: show_tag(simulated(simulator, clock, credentials=WRONG, refused=ledger)))

    assert show_tag(simulated(simulator, clock, refused=ledger)) is None
    assert logins(simulator) == [401, 201]


def test_a_locked_account_is_tried_again_after_half_an_hour(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    ledger = MemoryOfRefused()
    locked = {"error_code": "IAM.0061", "error_msg": "Account locked."}
    simulator.state.faults.add([Fault(region="iam", times=2, status=401, body=locked)])

    def ask() -> SwrError:  # as another process
        return error_of(lambda: show_tag(simulated(simulator, clock, refused=ledger)))

    assert ask().code == "IAM.0061"
    clock.advance(minutes=29)
    again = ask()
    assert again.code == "refused"
    assert "not tried again before 03:34 UTC" in again.message
    clock.advance(minutes=1)
    assert ask().code == "IAM.0061"  # still locked: half an hour more
    assert ask().code == "refused"
    clock.advance(minutes=30)
    assert show_tag(simulated(simulator, clock, refused=ledger)) is None

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
        (400, b'{"error_code":"IAM.0011","error_msg":"invalid"}', Kind.AUTHENTICATION, False),
        (400, b"{}", Kind.AUTHENTICATION, False),
        (404, b'{"error_code":"IAM.0004","error_msg":"no project"}', Kind.AUTHENTICATION, False),
        (404, b"<html>", Kind.AUTHENTICATION, False),
        (429, b'{"error_code":"IAM.0012","error_msg":"slow"}', Kind.THROTTLED, False),
        (500, b'{"error_code":"IAM.0006","error_msg":"oops"}', Kind.TRANSIENT, False),
        (503, b"", Kind.TRANSIENT, False),
        (302, b"", Kind.TRANSIENT, False),
        (201, b"{}", Kind.TRANSIENT, False),
    ],
)
def test_only_a_response_of_iam_itself_refuses_a_credential(
    status: int, body: bytes, kind: Kind, *, remembered: bool
) -> None:
    ledger = MemoryOfRefused()
    with Loopback(lambda _: Reply(status, body)) as iam:
        tokens = tokens_of(iam.url, FakeClock(NOW), ledger)

        error = error_of(lambda: tokens.get(WEST))

    assert error.kind is kind
    assert error.remedy
    assert bool(ledger.refused) is remembered


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error":{"message":"The username or password is wrong.","code":401}}', "refused"),
        (b'{"error_code":"IAM.0062","error_msg":"Incorrect password."}', "refused"),
        (b'{"error":{"message":"Unauthorized.","code":401}}', "refused_project"),
        (b'{"error_code":"IAM.0001","error_msg":"requires authentication"}', "refused_project"),
    ],
)
def test_iam_refuses_the_credential_only_if_it_names_it(body: bytes, code: str) -> None:
    clock = FakeClock(NOW)
    with Loopback(lambda _: Reply(401, body)) as iam:
        tokens = tokens_of(iam.url, clock)
        error_of(lambda: tokens.get(WEST))
        clock.advance(minutes=2)

        assert error_of(lambda: tokens.get(WEST)).code == code


def test_an_unreachable_iam_is_transient_and_refuses_no_credential(clock: FakeClock) -> None:
    ledger = MemoryOfRefused()
    with Loopback(lambda _: Reply()) as closed:
        pass
    tokens = tokens_of(closed.url, clock, ledger)

    error = error_of(lambda: tokens.get(WEST))

    assert (error.kind, error.code) == (Kind.TRANSIENT, "connect")
    assert ledger.refused == {}


def test_a_token_that_cannot_be_sent_in_a_header_is_an_error(clock: FakeClock) -> None:
    with Loopback(lambda _: issued("T1 T2")) as iam:
        tokens = tokens_of(iam.url, clock)

        assert error_of(lambda: tokens.get(WEST)).code == "protocol"
