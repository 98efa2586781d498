"""Shared by the tests of the client: configurations, clients, a store of refusals in memory."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from swrhook.config.model import (
    Credentials,
    KeyCredentials,
    PasswordCredentials,
    Region,
    Swr,
    Timeouts,
    TokenCredentials,
)
from swrhook.errors import SwrError
from swrhook.model import Lane, Refusal, Target
from swrhook.simulator import RunningSimulator
from swrhook.simulator.model import DEMO as USER
from swrhook.swr.auth.cache import CredentialCache
from swrhook.swr.auth.lockout import LockoutGuard
from swrhook.swr.auth.password import IamLogin
from swrhook.swr.client import SwrClient
from swrhook.swr.http import HttpTransport, Network
from swrhook.swr.response import SwrResponse
from tests.factories import FakeClock
from tests.swr.loopback import Received, Reply

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DEMO = PasswordCredentials("demo", "demo", "demo")
KEY = KeyCredentials(USER.key.access, USER.key.secret)
GIVEN = TokenCredentials("A-token-given-by-the-configuration")
DIGEST = "sha256:" + "0a" * 32
LANE = Lane("cn-north-4", "group", "web/shop", Target("cn-east-3", "group"), override=False)
NO_TAG = b'{"errors":[{"errorCode":"SVCSTG.SWR.4040115","errorMessage":"no such tag"}]}'
NETWORK = Network(Timeouts(connect=1.0, read=5.0), pool_size=4)


class MemoryOfRefused:
    """A RefusalStore in memory."""

    def __init__(self) -> None:
        self.refused: dict[str, Refusal] = {}

    def refusal(self, fingerprint: str) -> Refusal | None:
        return self.refused.get(fingerprint)

    def refuse(self, fingerprint: str, refusal: Refusal) -> None:
        self.refused[fingerprint] = refusal

    def forget(self, fingerprint: str) -> None:
        self.refused.pop(fingerprint, None)


def answer(
    status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *secrets: str
) -> SwrResponse:
    return SwrResponse(status, headers or {}, body, NOW, secrets)


def swr(
    endpoints: Mapping[str, str],
    credentials: Credentials = GIVEN,
    iam: str = "http://127.0.0.1:9",
) -> Swr:
    regions = {name: Region(name, url, name) for name, url in endpoints.items()}
    return Swr(iam, credentials, regions)


def client_of(
    url: str, network: Network = NETWORK, credentials: TokenCredentials = GIVEN
) -> SwrClient:
    """Return a client for one region that uses the token of the configuration."""
    configured = swr({"cn-north-4": url}, credentials)
    return SwrClient(configured, network, MemoryOfRefused(), FakeClock(NOW))


def simulated(
    simulator: RunningSimulator,
    clock: FakeClock,
    *,
    credentials: Credentials = DEMO,
    refused: MemoryOfRefused | None = None,
) -> SwrClient:
    configured = swr(simulator.endpoints, credentials, simulator.iam_url)
    network = replace(NETWORK, metadata=simulator.metadata_url)
    return SwrClient(configured, network, refused or MemoryOfRefused(), clock)


def logins(simulator: RunningSimulator, operation: str = "tokens") -> Sequence[int | None]:
    """Return the statuses of IAM's responses so far."""
    return [call.status for call in simulator.state.calls(region="iam", operation=operation)]


def tokens_of(
    iam: str, clock: FakeClock, refused: MemoryOfRefused | None = None
) -> CredentialCache[str]:
    guard = LockoutGuard(DEMO, iam, refused or MemoryOfRefused(), clock)
    login = IamLogin(DEMO, iam, HttpTransport({iam}, NETWORK, clock), guard)
    return CredentialCache(login.fetch, clock)


def issued(value: str, **times: str) -> Reply:
    body = json.dumps({"token": times}).encode()
    return Reply(201, body, {"X-Subject-Token": value})


def one_after_the_other(*replies: Reply) -> Callable[[Received], Reply]:
    """Answer with the replies in turn, then always with the last one."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def error_of(call: Callable[[], object]) -> SwrError:
    with pytest.raises(SwrError) as caught:
        call()
    return caught.value


def show_tag(client: SwrClient, region: str = "cn-north-4") -> object:
    return client.show_tag(region, "group", "busybox", "v1")
