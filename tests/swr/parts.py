"""What the tests of the client share: a clock to be set, the ledger's part, configurations."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from swrhook.config.model import (
    Credentials,
    KeyCredentials,
    PasswordCredentials,
    Region,
    Swr,
    Timeouts,
    TokenCredentials,
)
from swrhook.model import Lane, Refusal, Target
from swrhook.simulator import RunningSimulator
from swrhook.simulator.model import DEMO as USER
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Network
from swrhook.swr.response import SwrResponse
from tests.factories import FakeClock

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DEMO = PasswordCredentials("demo", "demo", "demo")
KEY = KeyCredentials(USER.key.access, USER.key.secret)
GIVEN = TokenCredentials("A-token-given-by-the-configuration")
DIGEST = "sha256:" + "0a" * 32
LANE = Lane("cn-north-4", "group", "web/shop", Target("cn-east-3", "group"), override=False)
NETWORK = Network(Timeouts(connect=1.0, read=5.0), pool_size=4)


class MemoryOfRefused:
    """The ledger's part, in memory."""

    def __init__(self) -> None:
        self.refused: dict[str, Refusal] = {}

    def refusal(self, fingerprint: str) -> Refusal | None:
        return self.refused.get(fingerprint)

    def refuse(self, fingerprint: str, refusal: Refusal) -> None:
        self.refused[fingerprint] = refusal


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
    """One region, reached with the token of the configuration."""
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
    """The statuses of IAM's answers so far."""
    return [call.status for call in simulator.state.calls(region="iam", operation=operation)]
