"""The real service with a key of its own, or a pod's: it syncs, and gives no secret away."""

import time
from pathlib import Path
from typing import Any

import pytest

from swrhook import simulator
from swrhook.config.build import POD_TOKEN_FILE_VARIABLE, POD_URL_VARIABLE
from swrhook.simulator.model import DEMO, POD_TOKEN
from tests.programs import PATIENCE, Served
from tests.service.conftest import ENVIRON, document

WRONG = "a-secret-key-that-is-wrong"


def served(
    folder: Path, swr: simulator.RunningSimulator, credentials: dict[str, str], **environ: str
) -> Served:
    whole: dict[str, Any] = dict(document(swr))
    whole["swr"]["credentials"] = credentials
    service = Served(folder, ENVIRON | environ)
    service.configure(whole)
    return service


def aksk(folder: Path, swr: simulator.RunningSimulator, secret: str) -> Served:
    keys = {"kind": "aksk", "access_key": DEMO.key.access, "secret_key": "${SECRET_KEY}"}
    return served(folder, swr, keys, SECRET_KEY=secret)


def pod(folder: Path, swr: simulator.RunningSimulator) -> Served:
    file = folder / "token"
    file.write_text(POD_TOKEN)
    environ = {POD_URL_VARIABLE: swr.pod_url, POD_TOKEN_FILE_VARIABLE: str(file)}
    return served(folder, swr, {"kind": "pod_identity"}, **environ)


def written(service: Served) -> bytes:
    """Return all that the service has written: its log and its ledger."""
    ledger = sorted((service.folder / "var").iterdir())
    return service.log.read_bytes() + b"".join(file.read_bytes() for file in ledger)


@pytest.mark.parametrize("kind", ["aksk", "pod_identity"])
def test_a_push_is_verified(kind: str, tmp_path: Path, swr: simulator.RunningSimulator) -> None:
    service = aksk(tmp_path, swr, DEMO.key.secret) if kind == "aksk" else pod(tmp_path, swr)
    try:
        service.start()
        service.deliver("ci", {"image": "team/app:v1", "id": "job-1"})
        (sync,) = service.wait_until_ended(1)
    finally:
        service.close()

    assert sync["state"] == "verified"
    assert DEMO.key.secret.encode() not in written(service)


def wait_for_error(service: Served, code: str) -> None:
    """Wait until every sync has met with this error."""
    deadline = time.monotonic() + PATIENCE
    while {code} != {(sync["error"] or {}).get("code") for sync in service.syncs()}:
        assert time.monotonic() < deadline, service.syncs()
        time.sleep(0.1)


def test_a_wrong_key_is_tried_once_also_after_a_restart_until_it_changes(
    tmp_path: Path, swr: simulator.RunningSimulator
) -> None:
    services = [aksk(tmp_path, swr, secret) for secret in (WRONG, WRONG, DEMO.key.secret)]
    try:
        services[0].start()
        services[0].deliver("ci", {"image": "team/app:v1", "id": "job-1"})
        wait_for_error(services[0], "refused")
        services[0].kill()
        services[1].start()
        services[1].deliver("ci", {"image": "team/app:v2", "id": "job-2"})
        wait_for_error(services[1], "refused")
        services[1].kill()
        assert [call.status for call in swr.state.calls()] == [401]

        services[2].start()
        syncs = services[2].wait_until_ended(2)
    finally:
        for service in services:
            service.close()

    assert [sync["state"] for sync in syncs] == ["verified", "verified"]
    everything = written(services[2])
    assert [key for key in (WRONG, DEMO.key.secret) if key.encode() in everything] == []
