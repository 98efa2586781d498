"""`check --online` against the simulator: output, exit codes and the ledger."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from swrhook.cli import main
from swrhook.ledger.database import open_database, open_existing
from swrhook.simulator import RunningSimulator, start
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
            "CI": "sesame",
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
    assert "organization cn-east-3/group   exists, and may be written to" in result.stdout
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
    assert "warning  ledger" in result.stdout


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
