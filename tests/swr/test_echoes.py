"""What the gateway echoes of a signed request shows none of its secrets, to anybody."""

import json
from dataclasses import replace

import pytest

from swrhook.config.model import KeyCredentials
from swrhook.errors import SwrError
from swrhook.simulator import RunningSimulator
from swrhook.simulator.model import DEMO as USER
from swrhook.swr.client import SwrClient
from tests.factories import FakeClock
from tests.swr.loopback import Loopback, Received, Reply
from tests.swr.parts import KEY, NETWORK, NOW, MemoryOfRefused, simulated, swr

WEST = "cn-north-4"
# As it might be: lower case and short, so that nothing but knowing it gives it away.
TEMPORARY = KeyCredentials("ak-of-the-tests", "sk/of+the&tests", "st-of-the-tests")


def echo(shape: str, received: Received) -> bytes:
    """Write a whole request, as the gateway, a proxy or a debugger does."""
    headers = "\n".join(f"{name}:{value}" for name, value in received.headers.items())
    told = f"verify aksk signature fail,canonicalRequest:{received.path}\n{headers}\n{TEMPORARY}"
    told += TEMPORARY.secret_key
    if shape == "html":
        return f"<html><pre>{told}</pre></html>".encode()
    if shape == "text":
        return told.encode()
    return json.dumps({"error_code": "APIGW.0301", "error_msg": told}).encode()


@pytest.mark.parametrize("shape", ["gateway", "html", "text"])
@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_no_secret_of_a_signed_request_is_in_any_error_or_in_the_ledger(
    shape: str, status: int
) -> None:
    ledger = MemoryOfRefused()
    told = ""
    with Loopback(lambda received: Reply(status, echo(shape, received))) as server:
        client = SwrClient(
            swr({WEST: server.url}, TEMPORARY, server.url), NETWORK, ledger, FakeClock(NOW)
        )
        for _ in range(2):
            with pytest.raises(SwrError) as caught:
                client.show_tag(WEST, "group", "shop", "v1")
            told += f"{caught.value!r} {caught.value.remedy} {caught.value.__cause__!r}"
        told += repr(ledger.refused)

    proof = server.received[0].headers["Authorization"].rpartition("=")[2]
    assert len(proof) == 64
    secrets = (TEMPORARY.access_key, TEMPORARY.secret_key, TEMPORARY.security_token, proof)
    assert [secret for secret in secrets if str(secret) in told] == []


def test_the_simulators_own_echo_is_remembered_without_secrets(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    ledger = MemoryOfRefused()
    wrong = replace(KEY, secret_key="a-wrong-secret", security_token="st-of-the-tests")

    with pytest.raises(SwrError) as caught:
        simulated(simulator, clock, credentials=wrong, refused=ledger).has_namespace(WEST, "group")

    [refusal] = ledger.refused.values()
    assert "verify aksk signature fail,canonicalRequest:GET" in refusal.reason
    for told in (refusal.reason, str(caught.value)):
        assert "st-of-the-tests" not in told
        assert USER.key.access not in told


def test_no_secret_is_in_the_representation_of_credentials() -> None:
    assert "sk/of" not in repr(TEMPORARY)
    assert "st-of" not in repr(TEMPORARY)
    assert repr(TEMPORARY) == "KeyCredentials(access_key='ak-of-the-tests')"
