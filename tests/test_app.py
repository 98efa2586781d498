"""The parts put together, in this process: what a start does, and what a push becomes."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from swrhook import simulator
from swrhook.container import Container
from swrhook.errors import BadConfiguration, LedgerUnusable
from swrhook.sender_keys import find_proxies
from swrhook.settings import Settings
from tests.programs import TOKEN, configuration

SOURCE, TARGETS = "cn-north-4", ("cn-east-3", "ap-southeast-1")
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


def test_a_push_becomes_verified_tags_in_both_regions_with_one_call_each(
    service: Container, swr: simulator.RunningSimulator
) -> None:
    digest = swr.state.seed(SOURCE, "team", "shop", "v1").digest
    sent = service.web.test_client().post("/hooks/ci", json={"image": "team/shop:v1"}, headers=SEND)
    states = ended(service, 2)

    assert sent.status_code == 202
    assert states == ["verified", "verified"]
    assert [digest] * 2 == [swr.state.digest(region, "team", "shop", "v1") for region in TARGETS]
    assert len(swr.state.calls(operation="sync_images")) == 2


def test_a_tag_that_is_there_already_is_verified_without_a_call(
    service: Container, swr: simulator.RunningSimulator
) -> None:
    digest = swr.state.seed(SOURCE, "team", "shop", "v1").digest
    for region in TARGETS:
        swr.state.seed(region, "team", "shop", "v1", digest)
    service.web.test_client().post("/hooks/ci", json={"image": "team/shop:v1"}, headers=SEND)

    assert ended(service, 2) == ["verified", "verified"]
    assert list(swr.state.calls(operation="sync_images")) == []


def test_another_image_under_the_same_name_is_diverged_when_it_must_not_be_overwritten(
    service: Container, swr: simulator.RunningSimulator
) -> None:
    for region in (SOURCE, *TARGETS):
        swr.state.seed(region, "team", "shop", "v1")
    service.web.test_client().post("/hooks/ci", json={"image": "team/shop:v1"}, headers=SEND)

    assert ended(service, 2) == ["diverged", "diverged"]


def test_an_organization_that_is_not_there_is_rejected_with_the_remedy(
    service: Container, swr: simulator.RunningSimulator
) -> None:
    swr.state.seed(SOURCE, "team", "shop", "v1")
    swr.state.reset()
    swr.state.seed(SOURCE, "team", "shop", "v1")
    client = service.web.test_client()
    client.post("/hooks/ci", json={"image": "team/shop:v1"}, headers=SEND)

    assert ended(service, 2) == ["rejected", "rejected"]
    error = client.get("/api/v1/syncs", headers=READ).get_json()["items"][0]["error"]
    assert "create the organization team" in error["remedy"]


def test_a_wrong_password_is_tried_once(
    settings: Settings, environ: dict[str, str], swr: simulator.RunningSimulator
) -> None:
    for _ in range(2):  # a restart does not try it again either
        running = Container(settings, environ | {"SWR_PASSWORD": "mistyped"})
        running.start()
        client = running.web.test_client()
        client.post("/hooks/ci", json={"image": "team/shop:v1"}, headers=SEND)
        wait_until(partial(has_retried, client))
        running.stop()

    assert len(swr.state.calls(region="iam", operation="tokens")) == 1


def test_the_last_good_configuration_stands_in_for_a_wrong_one(
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
    assert "the last good one" in ready.get_json()["notes"]["configuration"]
    assert "swrhook_configuration_is_current 0.0" in shown


def test_the_last_good_configuration_needs_its_secrets(
    settings: Settings, environ: dict[str, str]
) -> None:
    Container(settings, environ).stop()
    settings.config.write_text("rules: [")

    with pytest.raises(BadConfiguration):
        Container(settings, {})


def test_a_first_start_with_a_wrong_file_is_refused_and_lets_go_of_the_ledger(
    settings: Settings, environ: dict[str, str]
) -> None:
    good = settings.config.read_text()
    settings.config.write_text("rules: [")
    with pytest.raises(BadConfiguration):
        Container(settings, environ)
    settings.config.write_text(good)

    Container(settings, environ).stop()


def test_a_file_with_a_secret_in_it_is_not_kept(
    settings: Settings, environ: dict[str, str]
) -> None:
    settings.config.write_text(settings.config.read_text().replace("${SWR_PASSWORD}", "demo"))
    Container(settings, environ).stop()
    settings.config.write_text("rules: [")

    with pytest.raises(BadConfiguration):
        Container(settings, environ)


def test_a_database_that_cannot_be_opened_is_said(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LedgerUnusable, match="cannot be opened"):
        Container(Settings(database_url=f"sqlite:///{tmp_path}/file/l.db"), environ)


def test_a_loopback_endpoint_is_asked_without_a_proxy() -> None:
    assert find_proxies("http://127.0.0.1:9100") == {}
    assert isinstance(find_proxies("https://iam.myhuaweicloud.com"), dict)


def ended(service: Container, count: int) -> list[str]:
    """Return the states of all syncs once there are so many and none is open."""
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


def wait_until(is_true: Callable[[], bool], patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not is_true():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.02)
