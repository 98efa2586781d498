"""The real service while its files change and deliveries go on."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from swrhook import simulator
from tests.programs import PATIENCE, Served
from tests.service.conftest import SECRET, SOURCE, TARGET, document

THIRD = "ap-southeast-1"
OLD, NEW = SECRET, "the-senders-next-secret"


class Deployed:
    """The service with its files in a mounted ConfigMap and a mounted secret."""

    def __init__(self, service: Served, swr: simulator.RunningSimulator) -> None:
        self.service = service
        self.secrets = Mounted(service.folder / "secrets")
        self.files = Mounted(service.folder / "config")
        self.document: Any = document(swr)
        for sender in self.senders.values():
            sender["auth"]["secrets"] = [f"${{file:{self.secrets.folder}/sender}}"]
        self.senders["steady"] = {
            **self.senders["ci"],
            "auth": {"scheme": "bearer", "secrets": ["${SENDER_SECRET}"]},
        }
        self.rotate(OLD)
        self.write(json.dumps(self.document))
        (service.folder / "swrhook.yaml").symlink_to(self.files.folder / "swrhook.yaml")

    @property
    def senders(self) -> Any:
        return self.document["senders"]

    def write(self, text: str) -> None:
        self.files.put("swrhook.yaml", text)

    def rotate(self, secret: str) -> None:
        self.secrets.put("sender", secret)

    def ready(self) -> Any:
        answer = requests.get(f"{self.service.url}/readyz", timeout=10)
        assert answer.status_code == 200
        return answer.json()

    def change(self) -> None:
        """Write the document as it is now, and wait until it is in use."""
        before = self.ready()["configuration"]
        self.write(json.dumps(self.document))
        wait_until(lambda: before != self.ready()["configuration"])

    def post(self, tag: str, secret: str = OLD, sender: str = "ci") -> requests.Response:
        return requests.post(
            f"{self.service.url}/hooks/{sender}",
            json={"image": f"team/app:{tag}", "id": f"{sender}-{tag}-{time.monotonic_ns()}"},
            headers={"Authorization": f"Bearer {secret}"},
            timeout=20,
        )

    def targets(self, answer: requests.Response) -> list[str]:
        assert answer.status_code == 202, answer.text
        return [sync["target"] for sync in answer.json()["syncs"]]


class Mounted:
    """A folder that changes as Kubernetes changes one: by a link that is renamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._versions = 0
        folder.mkdir()

    def put(self, name: str, text: str) -> None:
        self._versions += 1
        version = self.folder / f"..{self._versions}"
        version.mkdir()
        (version / name).write_text(text)
        (self.folder / "..new").symlink_to(version.name)
        (self.folder / "..new").rename(self.folder / "..data")
        if not (self.folder / name).is_symlink():
            (self.folder / name).symlink_to(f"..data/{name}")


@contextmanager
def deliveries(deployed: Deployed) -> Iterator[list[int]]:
    """Deliver the whole time for a sender that never changes; yield the response statuses."""
    statuses: list[int] = []
    stopping = threading.Event()

    def deliver() -> None:
        while not stopping.wait(0.05):
            number = len(statuses) % 10
            statuses.append(deployed.post(f"v{number}", sender="steady").status_code)

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        yield statuses
    finally:
        stopping.set()
        thread.join()


def test_files_change_while_the_service_takes_deliveries(
    service: Served,
) -> None:
    with simulator.start([SOURCE, TARGET, THIRD], delay=0.1) as swr:
        for region in (TARGET, THIRD):
            swr.state.create_organization(region, "team")
        for number in range(10):
            swr.state.seed(SOURCE, "team", "app", f"v{number}")
        (service.folder / "swrhook.yaml").unlink()
        deployed = Deployed(service, swr)
        third = deployed.document["swr"]["regions"].pop(THIRD)
        deployed.write(json.dumps(deployed.document))
        service.start()
        with deliveries(deployed) as statuses:
            change_rules(deployed)
            write_an_invalid_file(deployed)
            rotate_a_secret(deployed)
            add_a_region(deployed, third)
        syncs = service.wait_until_ended(1)

    assert len(statuses) > 10
    assert set(statuses) <= {200, 202}
    assert {sync["state"] for sync in syncs} <= {"verified", "superseded"}
    assert b"Traceback" not in service.log.read_bytes()
    for secret in (OLD, NEW):
        assert secret.encode() not in service.log.read_bytes()


def change_rules(deployed: Deployed) -> None:
    before = deployed.targets(deployed.post("v1"))
    deployed.document["rules"].append(
        {"name": "more", "when": {"tag": "v9"}, "sync": [{"region": TARGET, "namespace": "team"}]}
    )
    deployed.document["rules"][0]["when"] = {"namespace": "team", "tag": "v1"}
    deployed.change()
    after = deployed.post("v2")

    assert before == [f"{TARGET}/team"]
    assert (after.status_code, after.json()["outcome"]) == (200, "ignored")
    reloaded = deployed.service.events()
    changed = [line["changed"] for line in reloaded if line["event"] == "configuration.reloaded"]
    assert changed == [{"rules": {"added": ["more"], "changed": ["all"]}}]


def write_an_invalid_file(deployed: Deployed) -> None:
    before = deployed.ready()["configuration"]
    deployed.write(json.dumps(deployed.document).replace("namespace", "namespcae"))
    wait_until(lambda: "notes" in deployed.ready())
    ready = deployed.ready()

    assert ready["configuration"] == before
    assert "the last good configuration" in ready["notes"]["configuration"]
    assert deployed.targets(deployed.post("v1")) == [f"{TARGET}/team"]
    deployed.document["rules"][0]["when"] = {"namespace": "team"}
    deployed.change()
    assert "notes" not in deployed.ready()
    assert deployed.targets(deployed.post("v2")) == [f"{TARGET}/team"]


def rotate_a_secret(deployed: Deployed) -> None:
    before = deployed.ready()["configuration"]
    deployed.rotate(NEW)
    wait_until(lambda: before != deployed.ready()["configuration"])

    assert deployed.ready()["configuration"]["version"] == before["version"]
    assert (
        deployed.post("v3", OLD).status_code,
        deployed.post("v3", NEW).status_code,
    ) == (401, 202)


def add_a_region(deployed: Deployed, region: Any) -> None:
    deployed.document["swr"]["regions"][THIRD] = region
    deployed.document["rules"][0]["sync"].append({"region": THIRD, "namespace": "team"})
    deployed.change()

    assert deployed.targets(deployed.post("v4", NEW)) == [f"{TARGET}/team", f"{THIRD}/team"]


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.05)
