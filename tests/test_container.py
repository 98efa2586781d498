"""The whole service in this process: start, pushes, and reloads of the configuration."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from swrhook import simulator
from swrhook.container import Container
from swrhook.errors import BadConfiguration, LedgerUnusable
from swrhook.sender_keys import find_proxies
from swrhook.settings import Settings
from swrhook.simulator import Fault
from tests.programs import TOKEN, configuration

SOURCE, TARGETS = "cn-north-4", ("cn-east-3", "ap-southeast-1")
EAST = TARGETS[0]
SECRET = "a-secret-of-the-senders"
READ = {"Authorization": f"Bearer {TOKEN}"}
SEND = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
def swr() -> Iterator[simulator.RunningSimulator]:
    with simulator.start([SOURCE, *TARGETS], delay=0) as running:
        for region in TARGETS:
            running.state.create_organization(region, "team")
        yield running


@pytest.fixture
def settings(tmp_path: Path, swr: simulator.RunningSimulator) -> Settings:
    auth = {"scheme": "bearer", "secrets": ["${SENDER_SECRET}"]}
    senders = {"ci": {"dialect": "generic", "region": SOURCE, "auth": auth}}
    sync = [{"region": region, "namespace": "team"} for region in TARGETS]
    rules = [{"name": "all", "when": {"namespace": "team"}, "sync": sync}]
    document = configuration(swr.iam_url, swr.endpoints, senders, rules)
    # The ledger saves only a configuration without literal secrets.
    document["swr"]["credentials"]["password"] = "${SWR_PASSWORD}"
    document["access"]["tokens"][0]["token"] = "${OPERATOR_TOKEN}"
    file = tmp_path / "swrhook.yaml"
    file.write_text(json.dumps(document))
    return Settings(file, f"sqlite:///{tmp_path}/swrhook.db")


@pytest.fixture
def environ() -> dict[str, str]:
    return {"SENDER_SECRET": SECRET, "SWR_PASSWORD": "demo", "OPERATOR_TOKEN": TOKEN}


@pytest.fixture
def service(settings: Settings, environ: dict[str, str]) -> Iterator[Container]:
    running = Container(settings, environ)
    running.start()
    yield running
    running.stop()


def test_a_push_is_verified_in_both_regions_with_one_call_each(
    service: Container, swr: simulator.RunningSimulator
) -> None:
    digest = swr.state.seed(SOURCE, "team", "shop", "v1").digest
    response = service.web.test_client().post(
        "/hooks/ci", json={"image": "team/shop:v1"}, headers=SEND
    )
    states = wait_for_end(service, 2)

    assert response.status_code == 202
    assert states == ["verified", "verified"]
    assert [swr.state.digest(region, "team", "shop", "v1") for region in TARGETS] == [digest] * 2
    assert len(swr.state.calls(operation="sync_images")) == 2


def test_a_tag_that_the_targets_hold_already_is_verified_without_a_call(
    service: Container, swr: simulator.RunningSimulator
) -> None:
    digest = swr.state.seed(SOURCE, "team", "shop", "v1").digest
    for region in TARGETS:
        swr.state.seed(region, "team", "shop", "v1", digest)
    service.web.test_client().post("/hooks/ci", json={"image": "team/shop:v1"}, headers=SEND)

    assert wait_for_end(service, 2) == ["verified", "verified"]
    assert list(swr.state.calls(operation="sync_images")) == []


def test_a_sync_has_diverged_if_the_target_has_another_image_and_no_override(
    service: Container, swr: simulator.RunningSimulator
) -> None:
    for region in (SOURCE, *TARGETS):
        swr.state.seed(region, "team", "shop", "v1")
    service.web.test_client().post("/hooks/ci", json={"image": "team/shop:v1"}, headers=SEND)

    assert wait_for_end(service, 2) == ["diverged", "diverged"]


def test_a_sync_to_a_missing_organization_is_rejected_with_the_remedy(
    service: Container, swr: simulator.RunningSimulator
) -> None:
    swr.state.seed(SOURCE, "team", "shop", "v1")
    swr.state.reset()
    swr.state.seed(SOURCE, "team", "shop", "v1")
    client = service.web.test_client()
    client.post("/hooks/ci", json={"image": "team/shop:v1"}, headers=SEND)

    assert wait_for_end(service, 2) == ["rejected", "rejected"]
    error = client.get("/api/v1/syncs", headers=READ).get_json()["items"][0]["error"]
    assert "create the organization team" in error["remedy"]


def test_a_wrong_password_is_sent_only_once_even_after_a_restart(
    settings: Settings, environ: dict[str, str], swr: simulator.RunningSimulator
) -> None:
    for _ in range(2):
        running = Container(settings, environ | {"SWR_PASSWORD": "mistyped"})
        running.start()
        client = running.web.test_client()
        client.post("/hooks/ci", json={"image": "team/shop:v1"}, headers=SEND)
        wait_until(partial(has_retried, client))
        running.stop()

    assert len(swr.state.calls(region="iam", operation="tokens")) == 1


def test_the_last_good_configuration_is_used_if_the_file_is_invalid(
    settings: Settings, environ: dict[str, str]
) -> None:
    Container(settings, environ).stop()
    settings.config.write_text("rules: [")
    running = Container(settings, environ)
    running.start()
    ready = running.web.test_client().get("/readyz")
    shown = metrics(running.web.test_client())
    running.stop()

    assert ready.status_code == 200
    assert "the last good configuration" in ready.get_json()["notes"]["configuration"]
    assert "swrhook_configuration_is_current 0.0" in shown


def test_the_last_good_configuration_needs_its_secrets(
    settings: Settings, environ: dict[str, str]
) -> None:
    Container(settings, environ).stop()
    settings.config.write_text("rules: [")

    with pytest.raises(BadConfiguration):
        Container(settings, {})


def test_a_first_start_with_an_invalid_file_is_refused_and_unlocks_the_ledger(
    settings: Settings, environ: dict[str, str]
) -> None:
    good = settings.config.read_text()
    settings.config.write_text("rules: [")
    with pytest.raises(BadConfiguration):
        Container(settings, environ)
    settings.config.write_text(good)

    Container(settings, environ).stop()


def test_a_file_that_contains_a_secret_is_not_saved_as_last_good(
    settings: Settings, environ: dict[str, str]
) -> None:
    settings.config.write_text(settings.config.read_text().replace("${SWR_PASSWORD}", "demo"))
    Container(settings, environ).stop()
    settings.config.write_text("rules: [")

    with pytest.raises(BadConfiguration):
        Container(settings, environ)


def test_a_database_that_cannot_be_opened_is_reported(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LedgerUnusable, match="cannot be opened"):
        Container(Settings(database_url=f"sqlite:///{tmp_path}/file/l.db"), environ)


def test_requests_to_a_loopback_endpoint_use_no_proxy() -> None:
    assert find_proxies("http://127.0.0.1:9100") == {}
    assert isinstance(find_proxies("https://iam.myhuaweicloud.com"), dict)


class ReloadingService:
    """A running service and its configuration file, which every change rewrites."""

    def __init__(self, settings: Settings, environ: dict[str, str]) -> None:
        self.file = settings.config
        self.document = json.loads(self.file.read_text())
        self.document["rules"][0]["sync"] = [{"region": EAST, "namespace": "team"}]
        self.document.setdefault("settings", {})["pace"] = {
            "in_flight": 1,
            "in_flight_per_target": 1,
        }
        self._write()
        self.service = Container(settings, environ)
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
        response = client.post("/hooks/ci", json={"image": image}, headers=SEND)
        assert response.status_code == 202

    def reasons(self) -> list[str | None]:
        return [sync["reason"] for sync in self._syncs()]

    def states(self) -> list[str]:
        return [sync["state"] for sync in self._syncs()]

    def _syncs(self) -> Any:
        response = self.service.web.test_client().get("/api/v1/syncs", headers=READ)
        return response.get_json()["items"]

    def _write(self) -> None:
        new = self.file.with_name("new")
        new.write_text(json.dumps(self.document))
        new.replace(self.file)


@pytest.fixture
def reloading(
    settings: Settings, environ: dict[str, str], swr: simulator.RunningSimulator
) -> Iterator[ReloadingService]:
    for image in ("shop", "v1"), ("shop", "v2"), ("other", "v1"):
        swr.state.seed(SOURCE, "team", *image)
    reloading = ReloadingService(settings, environ)
    yield reloading
    reloading.service.stop()


def logins(swr: simulator.RunningSimulator) -> int:
    return len(swr.state.calls(region="iam", operation="tokens"))


def test_a_change_of_rules_keeps_the_client_and_its_tokens(
    reloading: ReloadingService, swr: simulator.RunningSimulator
) -> None:
    reloading.push("v1")
    wait_for_end(reloading.service, 1)
    client, before = reloading.service.configuration.active.swr, logins(swr)
    reloading.change(lambda document: document["rules"][0].update(name="renamed"))
    reloading.push("v2")
    wait_for_end(reloading.service, 2)

    assert reloading.service.configuration.active.swr is client
    assert logins(swr) == before


def test_an_added_region_needs_no_new_login_for_the_others(
    reloading: ReloadingService, swr: simulator.RunningSimulator
) -> None:
    reloading.push("v1")
    wait_for_end(reloading.service, 1)
    before = logins(swr)
    away = {"endpoint": "http://127.0.0.1:9", "project": "another"}
    reloading.change(lambda document: document["swr"]["regions"].update({"cn-south-1": away}))
    reloading.push("v2")

    assert wait_for_end(reloading.service, 2) == ["verified", "verified"]
    assert logins(swr) == before


def test_changed_credentials_use_no_token_of_the_earlier_ones(
    reloading: ReloadingService, swr: simulator.RunningSimulator
) -> None:
    reloading.push("v1")
    wait_for_end(reloading.service, 1)
    before = logins(swr)
    reloading.change(lambda document: document["swr"]["credentials"].update(password="mistyped"))
    reloading.push("v2")

    wait_until(lambda: logins(swr) == before + 1)


def test_syncs_of_a_region_continue_at_once_when_it_is_configured_again(
    reloading: ReloadingService,
) -> None:
    east = reloading.document["swr"]["regions"][EAST]
    rules = reloading.document["rules"]

    def remove(document: Any) -> None:
        del document["swr"]["regions"][EAST]
        document["rules"] = []

    def bring_back(document: Any) -> None:
        document["swr"]["regions"][EAST] = east
        document["rules"] = rules

    reloading.push("late")
    wait_until(lambda: reloading.reasons() == ["not in cn-north-4 yet"])
    reloading.change(remove)
    wait_until(lambda: reloading.reasons() == [f"region {EAST} is not in the configuration"])
    reloading.change(bring_back)

    # Held syncs are polled once a minute: this is too soon for that.
    wait_until(lambda: reloading.reasons() == ["not in cn-north-4 yet"])


def test_a_call_in_flight_is_finished_while_a_reload_raises_the_limits(
    reloading: ReloadingService, swr: simulator.RunningSimulator
) -> None:
    swr.state.faults.add([Fault(operation="sync_images", times=1, delay=6)])
    reloading.push("v1")
    wait_until(lambda: reloading.states() == ["calling"])
    reloading.push("v1", repository="other")
    alone = reloading.states()

    def change(document: Any) -> None:
        document["settings"]["pace"] = {"in_flight": 2, "in_flight_per_target": 2}
        document["settings"]["timeouts"] = {"read": "30s"}  # needs another client

    reloading.change(change)
    wait_until(lambda: "verified" in reloading.states())

    assert alone == ["pending", "calling"]
    assert reloading.states() == ["verified", "calling"]
    assert wait_for_end(reloading.service, 2) == ["verified", "verified"]
    assert len(swr.state.calls(operation="sync_images")) == 2


def wait_for_end(service: Container, count: int) -> list[str]:
    """Wait until there are `count` syncs and none is open; return their states."""
    client = service.web.test_client()
    states: list[str] = []

    def is_over() -> bool:
        nonlocal states
        items = client.get("/api/v1/syncs", headers=READ).get_json()["items"]
        states = [item["state"] for item in items]
        return len(states) == count and not {"pending", "calling", "triggered"} & set(states)

    wait_until(is_over)
    return states


def has_retried(client: FlaskClient) -> bool:
    return 'state="retry"' in metrics(client)


def metrics(client: FlaskClient) -> str:
    return client.get("/metrics", headers=READ).text


def wait_until(is_true: Callable[[], bool], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not is_true():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.02)
