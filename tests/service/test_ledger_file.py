"""The SQLite ledger's file under the real gunicorn: lost, locked, full, read-only."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from swrhook import simulator
from swrhook.simulator import Fault
from tests.programs import PATIENCE, Served, free_port
from tests.waiting import eventually


def ledger(service: Served) -> Path:
    return service.folder / "var" / "swrhook.db"


def logged(service: Served, event: str) -> bool:
    return event in [line["event"] for line in service.events()]


def test_a_deleted_ledger_makes_the_service_unready_and_refuses_deliveries(
    service: Served,
) -> None:
    service.start()
    first = service.deliver("ci", {"image": "team/app:v1"})
    ledger(service).unlink()
    second = service.deliver("ci", {"image": "team/app:v2"})
    assert eventually(lambda: requests.get(f"{service.url}/readyz", timeout=10).status_code == 503)
    failing = requests.get(f"{service.url}/readyz", timeout=10).json()["failing"]
    service.stop()
    before = len(service.log.read_text())
    service.start(ready=False)
    assert service.process is not None
    code = service.process.wait(PATIENCE)

    assert [first.status_code, second.status_code] == [202, 503]
    words = "swrhook.db was deleted or replaced while the service runs"
    assert words in second.json()["detail"]
    assert words in failing["ledger"]
    # Nor does it start again as if there had been nothing.
    assert code == 3
    text = service.log.read_text()[before:]
    assert "is gone" in text
    assert "Traceback" not in text


def test_a_second_service_is_refused_and_says_whom_it_waited_for(service: Served) -> None:
    service.start()
    second = replace(service, port=free_port(), process=None)
    with closing(second):
        second.start(ready=False)
        assert second.process is not None
        code = second.process.wait(PATIENCE)
    [waiting] = [line for line in service.events() if line["event"] == "ledger.in_use"]

    assert code == 3
    [worker] = service.children()
    assert waiting["used_by"].startswith(f"process {worker} on ")
    assert f"another process uses {ledger(service)}" in service.log.read_text()
    assert service.deliver("ci", {"image": "team/app:v1"}).status_code == 202


def test_a_reload_waits_for_the_calls_of_the_worker_before(
    service: Served, swr: simulator.RunningSimulator
) -> None:
    swr.state.faults.add([Fault(operation="sync_images", times=1, delay=8)])
    service.start()
    service.deliver("ci", {"image": "team/app:v1"})
    assert eventually(lambda: [sync["state"] for sync in service.syncs()] == ["calling"])
    assert service.process is not None
    before = service.children()
    service.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: logged(service, "ledger.in_use"))
    assert eventually(lambda: len(service.children()) == 1 and service.children() != before)
    assert eventually(lambda: is_ready(service))

    # Longer than a foreign process would be waited for, and the call was made once.
    assert [sync["state"] for sync in service.wait_until_ended(1)] == ["verified"]
    assert len(swr.state.calls(operation="sync_images")) == 1
    assert service.stop() == 0


def is_ready(service: Served) -> bool:
    with suppress(requests.ConnectionError):
        return requests.get(f"{service.url}/readyz", timeout=10).ok
    return False


def test_a_service_that_waits_for_the_ledger_stops_at_once(service: Served) -> None:
    service.start()
    second = replace(service, port=free_port(), process=None)
    with closing(second):
        second.start(ready=False)
        assert eventually(lambda: logged(service, "ledger.in_use"))
        code = second.stop()
    text = service.log.read_text()

    assert code == 0
    assert "another process uses" not in text  # it did not wait for the end of its patience
    assert "Traceback" not in text


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own for the ledger; mounting it needs root."""
    folder = tmp_path / "var"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this user cannot mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> None:
    with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(65536))


def make_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


REMEDIES: dict[Callable[[Path], None], str] = {
    fill: "space on its disk",
    make_read_only: "let this process's user write the file and its folder",
}


@pytest.mark.parametrize("is_first", [True, False], ids=["first start", "later start"])
@pytest.mark.parametrize("harm", REMEDIES)
def test_a_disk_that_takes_no_ledger_is_reported_at_the_start(
    service: Served, disk: Path, harm: Callable[[Path], None], *, is_first: bool
) -> None:
    if not is_first:
        service.start()
        service.stop()
    harm(disk)
    service.start(ready=False)
    assert service.process is not None

    assert service.process.wait(PATIENCE) == 3
    text = service.log.read_text()
    assert "swrhook.db cannot be opened: " in text
    assert REMEDIES[harm] in text
    assert "Traceback" not in text
