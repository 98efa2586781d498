"""`check`: validates a file, and reports every error with its position."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from swrhook.cli.check import check
from tests.factories import MINIMAL_CONFIG

ENVIRON = {"TOKEN": "a-token-for-the-tests"}


def run(*args: str, environ: dict[str, str] | None = None) -> Result:
    return CliRunner(env={"SWRHOOK_CONFIG": None, **(environ or {})}).invoke(check, args)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "swrhook.yaml"
    path.write_text(MINIMAL_CONFIG, encoding="utf-8")
    return path


def test_a_valid_file_is_summarized_in_one_line(file: Path) -> None:
    result = run(str(file), environ=ENVIRON)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{file} is valid: 1 sender, 1 rule, 2 regions, version ")
    assert len(result.stdout.splitlines()) == 1


def test_warnings_follow_the_summary(file: Path) -> None:
    file.write_text(MINIMAL_CONFIG.replace("{sender: harbor}", "{sender: x}"), encoding="utf-8")

    lines = run(str(file), environ=ENVIRON).stdout.splitlines()

    assert [
        (
            f"warning: {file}:9:20: rules[0].when.sender: no configured sender matches: this rule"
            " never does"
        )
    ] == lines[1:]


def test_every_error_of_an_invalid_file_is_a_line(file: Path) -> None:
    result = run(str(file))

    assert (result.exit_code, result.stdout) == (1, "")
    unset = "the environment variable TOKEN is not set: set it for this process"
    assert [
        f"{file}:3:37: swr.credentials.token: {unset}",
        f"{file}:6:82: senders.harbor.auth.secrets[0]: {unset}",
    ] == result.stderr.splitlines()


def test_a_missing_file_is_reported_with_a_remedy(tmp_path: Path) -> None:
    result = run(str(tmp_path / "none.yaml"))

    assert result.exit_code == 1
    message = "cannot be read: No such file or directory; start with a copy of swrhook.example.yaml"
    assert f"{tmp_path}/none.yaml: {message}\n" == result.stderr


def test_a_directory_is_reported(tmp_path: Path) -> None:
    assert f"{tmp_path}: cannot be read: Is a directory\n" == run(str(tmp_path)).stderr


def test_the_environment_can_name_the_file(file: Path) -> None:
    result = run(environ={**ENVIRON, "SWRHOOK_CONFIG": str(file)})

    assert result.stdout.startswith(f"{file} is valid")


def test_json_has_the_summary(file: Path) -> None:
    answer = json.loads(run(str(file), "--json", environ=ENVIRON).stdout)

    assert len(answer.pop("version")) == 12
    assert answer == {
        "file": str(file),
        "valid": True,
        "senders": 1,
        "rules": 1,
        "regions": 2,
        "warnings": [],
    }


def test_json_has_every_error_with_its_position(file: Path) -> None:
    result = run(str(file), "--json")

    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (str(file), False) == (answer["file"], answer["valid"])
    assert [(error["line"], error["column"]) for error in answer["mistakes"]] == [(3, 37), (6, 82)]


def test_wrong_usage_exits_with_2() -> None:
    assert run("--no-such-option").exit_code == 2
    assert run("a", "b").exit_code == 2
