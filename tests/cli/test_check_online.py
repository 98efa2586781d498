"""`check --online` against the simulator: output, exit codes and the ledger."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from swrhook.cli import main
from swrhook.ledger.database import open_database, open_existing
from swrhook.simulator import Fault, RunningSimulator, start
from swrhook.simulator.jobs import Image
from swrhook.simulator.model import Target
from tests.swr.clients import logins

Check = Callable[..., Result]

CONFIGURATION = """\
swr:
  iam_endpoint: {iam}
  credentials: {{kind: password, user: demo, domain: demo, password: "${{SWR_PASSWORD}}"}}
  regions: {{cn-north-4: {{endpoint: "{west}"}}, cn-east-3: {{endpoint: "{east}"}}}}
senders:
  ci: {{dialect: generic, region: cn-north-4, auth: {{scheme: bearer, secrets: ["${{CI}}"]}}}}
rules:
  - {{name: all, when: {{namespace: group}}, sync: [{{region: cn-east-3, namespace: group}}]}}
"""


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with start(["cn-north-4", "cn-east-3"], delay=0.0) as running:
        yield running


@pytest.fixture
def check(simulator: RunningSimulator, tmp_path: Path) -> Check:
    file = tmp_path / "swrhook.yaml"
    west, east = simulator.endpoints.values()
    file.write_text(CONFIGURATION.format(iam=simulator.iam_url, west=west, east=east))

    def run(*arguments: str, **environ: str) -> Result:
        defaults = {
            "SWRHOOK_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db",
            "SWR_PASSWORD": "demo",
            "CI": "sesame-sesame-sesame",
        }
        command = ["check", str(file), *arguments]
        return CliRunner().invoke(main, command, env={**defaults, **environ})

    return run


def test_a_working_configuration_exits_with_0_and_creates_no_ledger(
    check: Check, tmp_path: Path
) -> None:
    result = check("--online")

    assert result.exit_code == 0
    assert result.stdout.split()[:2] == ["result", "about"]
    assert "organization cn-east-3/group\texists, and may be written to" in result.stdout
    assert not (tmp_path / "ledger.db").exists()


def test_a_problem_exits_with_1_and_a_remedy(check: Check, simulator: RunningSimulator) -> None:
    result = check("--online", "--json", SWR_PASSWORD="wrong-sesame")

    printed = json.loads(result.stdout)
    first, *_ = printed["findings"]
    assert (result.exit_code, printed["healthy"]) == (1, False)
    assert (first["level"], first["about"]) == ("problem", "region cn-north-4")
    assert "check user, domain and password" in first["remedy"]
    assert "wrong-sesame" not in result.output
    assert logins(simulator) == [401]


def test_a_refused_password_is_not_sent_again_if_there_is_a_ledger(
    check: Check, simulator: RunningSimulator, tmp_path: Path
) -> None:
    service = open_database(f"sqlite:///{tmp_path}/ledger.db")
    results = [check("--online", SWR_PASSWORD="wrong") for _ in range(3)]
    service.close()

    assert [result.exit_code for result in results] == [1, 1, 1]
    assert logins(simulator) == [401]
    assert "it is not tried again" in results[-1].stdout


def test_an_unusable_ledger_is_only_a_warning(check: Check, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database at all" * 100)

    result = check("--online")

    assert result.exit_code == 0
    assert "warning\tledger" in result.stdout


def test_a_ledger_of_another_revision_is_not_opened(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")

    assert open_existing(f"sqlite:///{tmp_path}/ledger.db") is None


def test_a_wrong_environment_variable_is_reported(check: Check) -> None:
    result = check("--online", SWRHOOK_DATABASE_URL="mysql://x")

    assert result.exit_code == 1
    assert "SWRHOOK_DATABASE_URL" in result.stderr


def test_online_and_body_exclude_each_other(check: Check) -> None:
    result = check("--online", "--body", "-", "--sender", "ci")

    assert result.exit_code == 2
    assert "--online and --body exclude each other" in result.stderr


@pytest.mark.parametrize(
    ("override", "level", "text"),
    [
        (True, "warning", "overriding, but the rule all does not override"),
        (False, "unknown", "and so does the rule all"),
    ],
)
def test_rules_of_swr_that_overlap_are_reported(
    check: Check, simulator: RunningSimulator, *, override: bool, level: str, text: str
) -> None:
    simulator.state.seed("cn-north-4", "group", "web/shop", "v1")
    image = Image("cn-north-4", "group", "web/shop")
    target = Target("cn-east-3", "group", override)
    simulator.state.rules.add(image, target, auto=True, at=datetime.now(UTC))
    result = check("--online", "--json")

    printed = json.loads(result.stdout)
    [finding] = [item for item in printed["findings"] if item["about"].startswith("repository")]
    assert (result.exit_code, finding["level"]) == (0, level)
    assert text in finding["message"]


def test_no_overlap_is_said_too(check: Check, simulator: RunningSimulator) -> None:
    simulator.state.seed("cn-north-4", "group", "web/shop", "v1")

    assert "no automatic synchronization of SWR overlaps" in check("--online").stdout


def test_rules_of_swr_need_not_be_readable(check: Check, simulator: RunningSimulator) -> None:
    simulator.state.seed("cn-north-4", "group", "web/shop", "v1")
    simulator.state.faults.add([Fault("*", "sync_repo", error="SVCSTG.SWR.4030170")])
    result = check("--online")

    assert result.exit_code == 0
    assert "automatic synchronization cannot be read" in result.stdout
