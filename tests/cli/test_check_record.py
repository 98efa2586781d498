"""`check --online --record`, and the simulator that gives the recorded answers."""

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swrhook.cli import main
from swrhook.cli.answer_journal import make_journal
from swrhook.config.model import PasswordCredentials
from swrhook.simulator import Fault, RunningSimulator, start
from swrhook.swr.http import Request
from swrhook.swr.recordings import read_recording
from tests.swr.clients import answer
from tests.worker.harness import config

WEST, EAST = "cn-north-4", "cn-east-3"
CONFIGURATION = """\
swr:
  iam_endpoint: {iam}
  credentials: {{kind: password, user: demo, domain: demo, password: demo}}
  regions: {{cn-north-4: {{endpoint: "{west}"}}, cn-east-3: {{endpoint: "{east}"}}}}
senders:
  ci: {{dialect: generic, region: cn-north-4, auth: {{scheme: bearer, secrets: [{secret}]}}}}
rules:
  - name: all
    when: {{namespace: {org}}}
    sync: [{{region: cn-east-3, namespace: {org}}}]
"""
Check = Callable[..., Result]


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with start([WEST, EAST], delay=0.0, organizations=["acme"]) as running:
        for tag in ("1.4", "1.40", "edge"):
            running.state.seed(WEST, "acme", "web/shop", tag)
        yield running


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(simulator: RunningSimulator, org: str, *arguments: str) -> Result:
        west, east = simulator.endpoints.values()
        secret = "sesame" * 4
        text = CONFIGURATION.format(
            iam=simulator.iam_url, west=west, east=east, org=org, secret=secret
        )
        (tmp_path / "swrhook.yaml").write_text(text)
        command = ["check", str(tmp_path / "swrhook.yaml"), "--online", *arguments]
        environment = {"SWRHOOK_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db"}
        return CliRunner().invoke(main, command, env=environment)

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "answers.json"


def facts(result: Result) -> dict[tuple[str, str], str]:
    return {
        (fact["region"], fact["fact"]): fact["answer"]
        for fact in json.loads(result.stdout)["facts"]
        if fact["fact"] != "errors"
    }


def test_the_open_facts_are_answered(check: Check, simulator: RunningSimulator, file: Path) -> None:
    result = check(simulator, "acme", "--record", str(file), "--json")

    assert result.exit_code == 0
    assert facts(result) == {
        (WEST, "region-list"): "2 regions",
        (WEST, "rate-headers"): "no header says so",
        (WEST, "unknown-operation"): "404 Not Found APIGW.0101",
        (EAST, "region-list"): "2 regions",
        (EAST, "rate-headers"): "no header says so",
        (EAST, "unknown-operation"): "404 Not Found APIGW.0101",
        (WEST, "auto-syncs"): "yes",
        (WEST, "list-digests"): "yes",
        (WEST, "show-tag"): "yes",
        (WEST, "limit-alone"): "yes",
        (WEST, "tag-filter"): "yes",
    }
    assert "look through it before you share it" in result.stderr.lower()


def test_a_recording_asks_only_to_read(
    check: Check, simulator: RunningSimulator, file: Path
) -> None:
    check(simulator, "acme", "--record", str(file))

    assert {call.method for call in simulator.state.calls() if call.region != "iam"} == {"GET"}


def test_the_file_has_no_name_and_no_secret(
    check: Check, simulator: RunningSimulator, file: Path
) -> None:
    check(simulator, "acme", "--record", str(file))

    text = file.read_text()
    hidden = ["acme", "shop", "1.4", "edge", '"demo"', simulator.endpoints[WEST]]
    assert [word for word in hidden if word in text] == []
    digest = simulator.state.digest(WEST, "acme", "web/shop", "edge")
    assert digest is not None
    assert digest not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_existing_file_is_not_overwritten(
    check: Check, simulator: RunningSimulator, file: Path
) -> None:
    file.write_text("mine")
    result = check(simulator, "acme", "--record", str(file))

    assert (result.exit_code, file.read_text()) == (1, "mine")
    assert "cannot write" in result.stderr


def test_without_a_login_what_failed_is_recorded(
    check: Check, simulator: RunningSimulator, file: Path
) -> None:
    simulator.state.faults.add([Fault("iam", "tokens", error="IAM.0061")])
    result = check(simulator, "acme", "--record", str(file))

    [login] = read_recording(file).exchanges
    assert (result.exit_code, login.place, login.status) == (1, "iam", 401)
    assert "IAM.0061" in str(login.body)


def test_names_of_the_account_are_hidden_in_the_first_error_of_iam() -> None:
    before = config()
    credentials = PasswordCredentials("alice", "acme-inc", "swordfish")
    journal = make_journal(replace(before, swr=replace(before.swr, credentials=credentials)))
    body = b'{"error": {"message": "user alice of acme-inc, project cn-east-3"}}'
    journal.record("https://iam", Request("POST", "/v3/auth/tokens", {}), answer(403, body))

    [exchange] = journal.exchanges
    assert exchange.body == {"error": {"message": "user account-2 of account-1, project cn-east-3"}}


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [Fault(WEST, "tag", error="APIGW.0101")],
        [Fault(WEST, "sync_job", status=502)],
        [Fault(EAST, "namespaces", error="SVCSTG.SWR.4039001", error_shape="errors")],
        [Fault(WEST, "regions", status=404, body="nothing here")],
        [Fault("iam", "tokens", error="IAM.0002")],
    ],
)
def test_a_simulator_that_gives_recorded_answers_is_checked_with_the_same_results(
    check: Check, simulator: RunningSimulator, file: Path, faults: list[Fault]
) -> None:
    simulator.state.faults.add(faults)
    recorded = check(simulator, "acme", "--record", str(file), "--json")
    recording = read_recording(file)
    with start(recording.regions or [WEST, EAST], recorded=recording.exchanges) as replaying:
        replayed = check(replaying, "org-1", "--json")

    assert findings(replayed) == findings(recorded)
    assert replayed.exit_code == recorded.exit_code


def findings(result: Result) -> list[tuple[str, ...]]:
    """Return the findings without names, ids of requests and addresses."""
    listed: list[Any] = json.loads(result.stdout)["findings"]
    names = {"acme": "org-1", "web/shop": "repo-1/part"}
    rows: list[tuple[str, ...]] = []
    for finding in listed:
        about = finding["about"]
        for name, pseudonym in names.items():
            about = about.replace(name, pseudonym)
        rows.append((finding["level"], about, finding["message"].partition(" (request")[0]))
    return rows


def test_the_command_simulator_reads_the_file(tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text("[]")
    result = CliRunner().invoke(main, ["simulator", "--recorded", str(tmp_path / "wrong.json")])

    assert result.exit_code == 1
    assert "is not a recording" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--record", "x.json"], ["--canary", "a/b:c", "--to", "r/o"]],
)
def test_the_options_need_online(tmp_path: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(main, ["check", str(tmp_path / "swrhook.yaml"), *arguments])

    assert result.exit_code == 2
    assert "need --online" in result.stderr
