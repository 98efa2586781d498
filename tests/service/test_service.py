"""The real service under gunicorn: its answers, its starts and its ends."""

import json
import resource
import subprocess
import sys
from typing import Any

import pytest
import requests

from swrhook import simulator
from swrhook.simulator import Fault
from tests.programs import ROOT, Served
from tests.waiting import eventually


def test_a_push_is_verified_and_shown(service: Served) -> None:
    service.start()
    answer = service.deliver("ci", {"image": "team/app:v1", "id": "job-1"})
    (sync,) = service.wait_until_ended(1)

    assert answer.status_code == 202
    assert answer.json().keys() == {"delivery", "outcome", "reason", "syncs"}
    assert [(named["image"], named["target"]) for named in answer.json()["syncs"]] == [
        ("team/app:v1", "cn-east-3/team")
    ]
    assert ("verified", 1, "all", answer.json()["delivery"]) == (
        sync["state"],
        sync["attempts"],
        sync["rule"],
        sync["delivery"],
    )
    (line,) = [event for event in service.events() if event["event"] == "sync.verified"]
    assert (
        line["image"],
        line["target_region"],
        line["attempts"],
    ) == ("team/app:v1", "cn-east-3", 1)


def test_app_py_serves_development_at_the_same_address(service: Served) -> None:
    service.command = [sys.executable, "app.py"]
    service.start()

    assert requests.get(f"{service.url}/healthz", timeout=5).json() == {"status": "alive"}


def test_every_log_line_is_json_also_those_of_gunicorn(service: Served) -> None:
    service.start()
    service.stop()

    lines = service.log.read_text().splitlines()
    events = [json.loads(line) for line in lines]
    messages = [event["message"] for event in events if event["event"] == "gunicorn.reported"]
    assert any(message.startswith("Listening at: ") for message in messages)
    assert {"Handling signal: term", "Shutting down: Master"} <= set(messages)


@pytest.mark.parametrize(
    ("sender", "body", "headers", "status"),
    [
        ("nobody", {}, {}, 404),
        ("ci", {"image": "team/app:v1"}, {"Authorization": "Bearer wrong"}, 401),
        ("ci", b"not JSON", {}, 400),
        ("ci", b"[" * 100_000, {}, 413),
        ("ci", b" " * (1024 * 1024 + 1), {}, 413),
        ("ci", {"image": "team/app"}, {}, 422),
        ("ci", b"\x1f\x8b broken", {"Content-Encoding": "gzip"}, 400),
    ],
)
def test_a_request_that_is_refused_is_told_why(
    refusing: Served, sender: str, body: Any, headers: dict[str, str], status: int
) -> None:
    answer = refusing.deliver(sender, body, **headers)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]
    assert "a-secret-of-the-senders" not in answer.text


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One service for all requests that leave nothing behind."""
    from tests.service.conftest import ENVIRON, SOURCE, TARGET, document  # noqa: PLC0415

    with simulator.start([SOURCE, TARGET]) as swr:
        served = Served(tmp_path_factory.mktemp("refusing"), ENVIRON)
        served.configure(document(swr))
        served.start()
        yield served
        served.close()


@pytest.mark.parametrize(
    ("sender", "body", "outcome"),
    [
        ("harbor", {"type": "PULL_ARTIFACT", "event_data": {"resources": []}}, "ignored"),
        ("harbor", {"some": ["other", "shape"]}, "quarantined"),
        ("ci", {"image": "another-team/app:v1"}, "ignored"),
        ("ci", {"image": "team/app:v1", "status": "failed"}, "ignored"),
    ],
)
def test_what_is_not_for_us_is_answered_with_200_and_the_recorded_reason(
    refusing: Served, sender: str, body: Any, outcome: str
) -> None:
    answer = refusing.deliver(sender, body)
    recorded = refusing.get(f"/api/v1/deliveries/{answer.json()['delivery']}")

    assert (answer.status_code, answer.json()["outcome"]) == (200, outcome)
    assert answer.json()["reason"]
    assert (outcome, answer.json()["reason"]) == (recorded["outcome"], recorded["reason"])


def test_the_same_event_again_is_a_duplicate_with_the_first_ones_syncs(service: Served) -> None:
    service.start()
    first = service.deliver("ci", {"image": "team/app:v1", "id": "job-7"})
    again = service.deliver("ci", {"image": "team/app:v1", "id": "job-7"})

    assert (again.status_code, again.json()["outcome"]) == (200, "duplicate")
    assert first.json()["delivery"] == again.json()["delivery"]
    assert first.json()["syncs"] == again.json()["syncs"]


def test_a_tag_that_reaches_the_source_after_its_event_is_waited_for(
    service: Served, swr: simulator.RunningSimulator
) -> None:
    service.start()
    service.deliver("ci", {"image": "team/app:late"})
    assert eventually(lambda: [s["reason"] for s in service.syncs()] == ["not in cn-north-4 yet"])
    swr.state.seed("cn-north-4", "team", "app", "late")
    (sync,) = service.wait_until_ended(1)

    assert (sync["state"], sync["attempts"]) == ("verified", 1)


def test_what_a_killed_service_had_in_a_call_is_called_again(
    service: Served, swr: simulator.RunningSimulator
) -> None:
    swr.state.faults.add([Fault(operation="sync_images", times=1, delay=30)])
    service.start()
    service.deliver("ci", {"image": "team/app:v1"})
    assert eventually(lambda: [s["state"] for s in service.syncs()] == ["calling"])
    service.kill()
    service.start()
    (sync,) = service.wait_until_ended(1)

    assert (sync["state"], sync["attempts"]) == ("verified", 2)


def test_sigterm_finishes_the_call_in_flight(
    service: Served, swr: simulator.RunningSimulator
) -> None:
    swr.state.faults.add([Fault(operation="sync_images", times=1, delay=2)])
    service.start()
    service.deliver("ci", {"image": "team/app:v1"})
    assert eventually(lambda: [s["state"] for s in service.syncs()] == ["calling"])

    assert service.stop() == 0
    service.start()
    (sync,) = service.wait_until_ended(1)
    assert (sync["state"], sync["attempts"]) == ("verified", 1)


def test_a_full_disk_is_503_and_unready_and_nothing_is_lost_when_it_has_room_again(
    service: Served,
) -> None:
    service.start()
    (worker,) = service.children()
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    refused = service.deliver("ci", {"image": "team/app:v1"})
    unready = requests.get(f"{service.url}/readyz", timeout=5)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    assert eventually(lambda: requests.get(f"{service.url}/readyz", timeout=5).ok)
    taken = service.deliver("ci", {"image": "team/app:v1"})

    assert (refused.status_code, refused.headers.get("Retry-After")) == (503, "5")
    assert unready.status_code == 503
    assert unready.json()["failing"].keys() == {"ledger"}
    assert taken.status_code == 202
    assert [sync["state"] for sync in service.wait_until_ended(1)] == ["verified"]


def test_a_first_start_with_a_wrong_file_refuses_with_line_and_remedy(service: Served) -> None:
    file = service.folder / "swrhook.yaml"
    file.write_text("swr: {}\nsources: {}\nruels: []\n")
    service.start(ready=False)
    assert service.process is not None

    assert service.process.wait(30) != 0
    log = service.log.read_text()
    assert f"{file}:3:1: " in log
    assert "did you mean" in log
    assert "Traceback" not in log


def test_a_restart_with_a_wrong_file_uses_the_last_good_one_and_says_so(service: Served) -> None:
    service.start()
    service.stop()
    (service.folder / "swrhook.yaml").write_text("swr: [\n")
    service.start()
    noted = requests.get(f"{service.url}/readyz", timeout=5).json()
    answer = service.deliver("ci", {"image": "team/app:v1"})

    assert "the last good configuration" in noted["notes"]["configuration"]
    assert answer.status_code == 202
    assert [sync["state"] for sync in service.wait_until_ended(1)] == ["verified"]
    assert "configuration.refused" in [event["event"] for event in service.events()]


def test_the_ledger_and_the_log_hold_no_secret(service: Served) -> None:
    service.start()
    service.deliver("ci", {"image": "team/app:v1"})
    service.deliver("ci", {"image": "team/app:v1"}, Authorization="Bearer guessed-secret")
    service.wait_until_ended(1)
    service.stop()
    written = service.log.read_bytes() + (service.folder / "var" / "swrhook.db").read_bytes()

    for secret in (b"a-secret-of-the-senders", b"an-operator-token", b"guessed-secret"):
        assert secret not in written


def test_a_second_process_on_the_same_ledger_is_refused(service: Served) -> None:
    service.start()
    code = f"""
from swrhook.ledger.database import open_database
open_database("sqlite:///{service.folder}/var/swrhook.db", patience=0)
"""
    second = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert "another process uses" in second.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("environ", "command", "words"),
    [
        ({"WEB_CONCURRENCY": "2"}, ("-m", "gunicorn", "wsgi:app"), "WEB_CONCURRENCY asks for 2"),
        ({}, ("-m", "swrhook", "worker"), "SWRHOOK_DATABASE_URL is SQLite"),
    ],
    ids=["several web processes", "a worker"],
)
def test_sqlite_serves_one_process(
    service: Served, environ: dict[str, str], command: tuple[str, ...], words: str
) -> None:
    service.environ = {**service.environ, **environ}
    service.command = (sys.executable, *command)
    service.start(ready=False)
    assert service.process is not None

    assert service.process.wait(60) == 1
    assert words in service.log.read_text()
    assert "Traceback" not in service.log.read_text()
