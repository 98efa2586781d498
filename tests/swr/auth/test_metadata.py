"""Temporary keys of this machine: fetched once for all threads, and renewed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from swrhook.config.model import AgencyCredentials, Credentials, PodCredentials
from swrhook.errors import Kind, SwrError
from swrhook.simulator import Fault, RunningSimulator
from swrhook.simulator.model import POD_TOKEN
from swrhook.swr.client import SwrClient
from tests.factories import FakeClock
from tests.swr.clients import NETWORK, MemoryOfRefused, logins, simulated, swr
from tests.swr.loopback import Loopback, Received, Reply

WEST, EAST = "cn-north-4", "cn-east-3"
OPERATIONS = {"ecs_agency": "securitykey", "pod_identity": "pod_identity"}


@pytest.fixture(params=list(OPERATIONS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{POD_TOKEN}\n")
    return file


@pytest.fixture
def credentials(kind: str, simulator: RunningSimulator, token_file: Path) -> Credentials:
    if kind == "ecs_agency":
        return AgencyCredentials()
    return PodCredentials(simulator.pod_url, str(token_file))


@pytest.fixture
def client(simulator: RunningSimulator, clock: FakeClock, credentials: Credentials) -> SwrClient:
    return simulated(simulator, clock, credentials=credentials)


@pytest.fixture
def fetches(simulator: RunningSimulator, kind: str) -> Callable[[], object]:
    """The statuses of the answers that brought keys, or should have."""
    return lambda: logins(simulator, OPERATIONS[kind])


def look(client: SwrClient, region: str = WEST) -> object:
    return client.show_tag(region, "group", "busybox", "v1")


def failed(client: SwrClient) -> SwrError:
    with pytest.raises(SwrError) as caught:
        look(client)
    return caught.value


def look_together(client: SwrClient, count: int = 10) -> set[object]:
    start = Barrier(count)

    def ask(number: int) -> object:
        start.wait()
        return look(client, (WEST, EAST)[number % 2])

    with ThreadPoolExecutor(count) as pool:
        return set(pool.map(ask, range(count)))


def test_concurrent_requests_fetch_one_key(
    client: SwrClient, fetches: Callable[[], object]
) -> None:
    assert look_together(client, 20) == {None}

    assert fetches() == [200]


def test_a_key_is_renewed_before_it_expires(
    client: SwrClient, clock: FakeClock, fetches: Callable[[], object]
) -> None:
    look(client)
    clock.advance(hours=22, minutes=47)
    look(client)
    assert fetches() == [200]

    clock.advance(minutes=2)
    look_together(client)

    assert fetches() == [200, 200]


def test_an_expired_key_is_renewed_once_for_all_threads(
    client: SwrClient, clock: FakeClock, fetches: Callable[[], object]
) -> None:
    look(client)
    clock.advance(days=2)

    assert look_together(client) == {None}
    assert fetches() == [200, 200]


def test_a_revoked_key_is_renewed_once_for_all_threads(
    client: SwrClient, simulator: RunningSimulator, fetches: Callable[[], object]
) -> None:
    look_together(client)
    simulator.state.accounts.revoke_tokens()

    assert look_together(client) == {None}
    assert fetches() == [200, 200]


def test_a_revoked_key_is_renewed_during_the_lookup_of_a_project(
    client: SwrClient, simulator: RunningSimulator, fetches: Callable[[], object]
) -> None:
    look(client, WEST)
    simulator.state.accounts.revoke_tokens()

    assert look(client, EAST) is None
    assert fetches() == [200, 200]


def test_keys_are_not_renewed_again_when_a_new_one_is_refused_too(
    client: SwrClient, simulator: RunningSimulator, fetches: Callable[[], object]
) -> None:
    body = {"error_code": "APIGW.0301", "error_msg": "ak AKXX not exist"}
    simulator.state.faults.add([Fault(region=WEST, status=401, body=body)])

    assert [failed(client).code for _ in range(3)] == ["APIGW.0301"] * 3
    assert fetches() == [200, 200]


def test_during_an_outage_the_old_key_is_used_until_it_expires(
    client: SwrClient, simulator: RunningSimulator, clock: FakeClock, kind: str
) -> None:
    look(client)
    simulator.state.faults.add([Fault(region="iam", operation=OPERATIONS[kind], status=500)])
    clock.advance(hours=23)
    assert look(client) is None

    clock.advance(hours=1)

    assert failed(client).kind is Kind.TRANSIENT


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_machine_without_an_agency_gives_an_authentication_error(
    client: SwrClient, simulator: RunningSimulator, kind: str, status: int
) -> None:
    simulator.state.faults.add([Fault(region="iam", operation=OPERATIONS[kind], status=status)])

    error = failed(client)

    assert error.kind is Kind.AUTHENTICATION
    assert "no temporary key" in error.message
    assert "agency" in error.remedy


def test_a_large_security_token_is_accepted(
    client: SwrClient, simulator: RunningSimulator, fetches: Callable[[], object]
) -> None:
    simulator.state.configure(replace(simulator.state.settings, token_size=32 * 1024))

    assert look(client) is None
    assert fetches() == [200]


@pytest.mark.parametrize("kind", ["ecs_agency"])
@pytest.mark.parametrize("status", [404, 405, 503])
def test_a_version_1_metadata_service_is_called_without_a_token(
    client: SwrClient, simulator: RunningSimulator, status: int
) -> None:
    only_version_1 = Fault(region="iam", operation="metadata_token", status=status)
    simulator.state.faults.add([only_version_1])

    assert look(client) is None
    assert logins(simulator, "metadata_token") == [status]


def test_the_metadata_requests_are_the_documented_ones(clock: FakeClock) -> None:
    def answer(request: Received) -> Reply:
        return Reply(200, b"a-token") if request.method == "PUT" else Reply(401)

    with Loopback(answer) as machine:
        network = replace(NETWORK, metadata=machine.url)
        client = SwrClient(
            swr({WEST: machine.url}, AgencyCredentials()), network, MemoryOfRefused(), clock
        )
        assert failed(client).kind is Kind.AUTHENTICATION

    [first, second] = machine.received
    assert (first.method, first.path) == ("PUT", "/meta-data/latest/api/token")
    assert first.headers["X-Metadata-Token-Ttl-Seconds"] == "21600"
    assert (second.method, second.path) == ("GET", "/openstack/latest/securitykey")
    assert second.headers["X-Metadata-Token"] == "a-token"


@pytest.mark.parametrize("kind", ["pod_identity"])
def test_the_token_file_of_a_pod_is_read_for_each_fetch(
    client: SwrClient, token_file: Path, clock: FakeClock, fetches: Callable[[], object]
) -> None:
    token_file.write_text("the-token-of-yesterday")
    assert failed(client).kind is Kind.AUTHENTICATION

    token_file.write_text(POD_TOKEN)
    clock.advance(minutes=2)

    assert look(client) is None
    assert fetches() == [401, 200]


@pytest.mark.parametrize("kind", ["pod_identity"])
@pytest.mark.parametrize("content", [None, b"", b"hush hush", b"hush\xff", b"hush\nhush"])
def test_an_invalid_token_file_is_named_in_the_error_but_not_shown(
    client: SwrClient,
    token_file: Path,
    content: bytes | None,
    fetches: Callable[[], object],
) -> None:
    token_file.unlink()
    if content is not None:
        token_file.write_bytes(content)

    error = failed(client)

    assert (error.kind, error.code) == (Kind.AUTHENTICATION, "token_file")
    assert str(token_file) in error.message
    assert "hush" not in error.message
    assert fetches() == []


def test_a_new_client_reuses_the_key_of_the_previous_one(
    client: SwrClient,
    simulator: RunningSimulator,
    clock: FakeClock,
    credentials: Credentials,
    fetches: Callable[[], object],
) -> None:
    look(client)
    after = simulated(simulator, clock, credentials=credentials)
    after.reuse_authenticator(client)
    client.close()

    assert look(after, EAST) is None
    assert fetches() == [200]
    after.close()
