"""A file that changes under the parts put together, in this process."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swrhook import simulator
from swrhook.container import Container
from swrhook.settings import Settings
from swrhook.simulator import Fault
from tests.programs import TOKEN, configuration
from tests.test_app import SECRET, SEND, SOURCE, TARGETS, ended, wait_until

EAST = TARGETS[0]
ENVIRON = {"SENDER_SECRET": SECRET, "SWR_PASSWORD": "demo", "OPERATOR_TOKEN": TOKEN}


@pytest.fixture
def swr() -> Iterator[simulator.RunningSimulator]:
    with simulator.start([SOURCE, *TARGETS], delay=0) as running:
        for region in TARGETS:
            running.state.create_organization(region, "team")
        running.state.seed(SOURCE, "team", "shop", "v1")
        running.state.seed(SOURCE, "team", "shop", "v2")
        running.state.seed(SOURCE, "team", "other", "v1")
        yield running


class Changing:
    """A running service, and its file, which every change rewrites."""

    def __init__(self, folder: Path, swr: simulator.RunningSimulator) -> None:
        auth = {"scheme": "bearer", "secrets": ["${SENDER_SECRET}"]}
        senders = {"ci": {"dialect": "generic", "region": SOURCE, "auth": auth}}
        sync = [{"region": EAST, "namespace": "team"}]
        rules = [{"name": "all", "when": {"namespace": "team"}, "sync": sync}]
        self.document = configuration(swr.iam_url, swr.endpoints, senders, rules)
        self.document["swr"]["credentials"]["password"] = "${SWR_PASSWORD}"
        self.document.setdefault("settings", {})["pace"] = {
            "in_flight": 1,
            "in_flight_per_target": 1,
        }
        self.file = folder / "swrhook.yaml"
        self._write()
        settings = Settings(self.file, f"sqlite:///{folder}/swrhook.db")
        self.service = Container(settings, ENVIRON)
        self.service.start()

    def change(self, change: Callable[[Any], object]) -> None:
        """Change the file, and wait until it is in use."""
        before = self.service.configuration.active
        change(self.document)
        self._write()
        wait_until(lambda: self.service.configuration.active is not before)

    def push(self, tag: str, repository: str = "shop") -> None:
        client = self.service.web.test_client()
        image = f"team/{repository}:{tag}"
        sent = client.post("/hooks/ci", json={"image": image}, headers=SEND)
        assert sent.status_code == 202

    def reasons(self) -> list[str | None]:
        return [sync["reason"] for sync in self._syncs()]

    def states(self) -> list[str]:
        return [sync["state"] for sync in self._syncs()]

    def _syncs(self) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = self.service.web.test_client().get("/api/v1/syncs", headers=headers)
        return answer.get_json()["items"]

    def _write(self) -> None:
        beside = self.file.with_name("beside")
        beside.write_text(json.dumps(self.document))
        beside.replace(self.file)


@pytest.fixture
def changing(tmp_path: Path, swr: simulator.RunningSimulator) -> Iterator[Changing]:
    changing = Changing(tmp_path, swr)
    yield changing
    changing.service.stop()


def logins(swr: simulator.RunningSimulator) -> int:
    return len(swr.state.calls(region="iam", operation="tokens"))


def test_other_rules_leave_the_client_and_its_tokens_alone(
    changing: Changing, swr: simulator.RunningSimulator
) -> None:
    changing.push("v1")
    ended(changing.service, 1)
    client, before = changing.service.configuration.active.swr, logins(swr)
    changing.change(lambda document: document["rules"][0].update(name="renamed"))
    changing.push("v2")
    ended(changing.service, 2)

    assert client is changing.service.configuration.active.swr
    assert before == logins(swr)


def test_another_region_needs_no_new_login_for_those_there_were(
    changing: Changing, swr: simulator.RunningSimulator
) -> None:
    changing.push("v1")
    ended(changing.service, 1)
    before = logins(swr)
    away = {"endpoint": "http://127.0.0.1:9", "project": "another"}
    changing.change(lambda document: document["swr"]["regions"].update({"cn-south-1": away}))
    changing.push("v2")

    assert ended(changing.service, 2) == ["verified", "verified"]
    assert before == logins(swr)


def test_other_credentials_get_no_token_of_those_before(
    changing: Changing, swr: simulator.RunningSimulator
) -> None:
    changing.push("v1")
    ended(changing.service, 1)
    before = logins(swr)
    changing.change(lambda document: document["swr"]["credentials"].update(password="mistyped"))
    changing.push("v2")

    wait_until(lambda: before + 1 == logins(swr))


def test_what_a_region_held_goes_on_at_once_when_it_is_back(changing: Changing) -> None:
    kept = changing.document["swr"]["regions"][EAST]
    rules = changing.document["rules"]

    def remove(document: Any) -> None:
        del document["swr"]["regions"][EAST]
        document["rules"] = []

    def bring_back(document: Any) -> None:
        document["swr"]["regions"][EAST] = kept
        document["rules"] = rules

    changing.push("late")
    wait_until(lambda: changing.reasons() == ["not in cn-north-4 yet"])
    changing.change(remove)
    wait_until(lambda: [f"region {EAST} is not in the configuration"] == changing.reasons())
    changing.change(bring_back)

    # Held syncs are looked at once a minute, and nobody waits for that here.
    wait_until(lambda: changing.reasons() == ["not in cn-north-4 yet"])


def test_more_may_run_at_once_while_a_call_goes_on_as_it_began(
    changing: Changing, swr: simulator.RunningSimulator
) -> None:
    swr.state.faults.add([Fault(operation="sync_images", times=1, delay=6)])
    changing.push("v1")
    wait_until(lambda: changing.states() == ["calling"])
    changing.push("v1", repository="other")
    alone = changing.states()

    def change(document: Any) -> None:
        document["settings"]["pace"] = {"in_flight": 2, "in_flight_per_target": 2}
        document["settings"]["timeouts"] = {"read": "30s"}  # which needs another client

    changing.change(change)
    wait_until(lambda: "verified" in changing.states())

    assert alone == ["pending", "calling"]
    assert changing.states() == ["verified", "calling"]
    assert ended(changing.service, 2) == ["verified", "verified"]
    assert len(swr.state.calls(operation="sync_images")) == 2
