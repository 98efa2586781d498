"""`whatif`: checks the file, compares it on the server; exit code 1 if a sync would differ."""

import json
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import Run
from tests.web.harness import CONFIG, SECRET, WebHarness

OTHER = CONFIG.replace("namespace: team}}]", "namespace: team, override: true}}]").replace(
    "region: cn-east-3, namespace: team}", "region: cn-east-3, namespace: team, override: true}"
)


@pytest.fixture
def compare(run: Run, tmp_path: Path, harness: WebHarness) -> Run:
    """Run the command on a file with this text."""
    harness.push("team/web:v1")
    harness.push("others/web:v1")

    def command(text: str, *options: str) -> Result:
        file = tmp_path / "new.yaml"
        file.write_text(text)
        return run("whatif", str(file), *options, COLUMNS="200")

    return command


def test_the_same_rules_change_nothing(compare: Run) -> None:
    result = compare(CONFIG)

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Of 2 tags announced since ")
    assert result.stdout.endswith("2 would not change. Syncs: 0 gained, 0 lost, 0 redirected.\n")


def test_differences_are_shown_and_exit_with_1(compare: Run) -> None:
    result = compare(OTHER.replace("name: all", "name: new"))

    assert result.exit_code == 1, result.output
    lines = [line.split() for line in result.stdout.splitlines() if line]
    assert lines[2] == ["new", "0", "0", "1"]
    row = "redirected team/web:v1 ci cn-east-3/team false → true new"
    assert row.split() == lines[-1]


def test_json_has_the_answer_of_the_api(compare: Run) -> None:
    result = compare(OTHER, "--json", "--since", "1h")

    comparison = json.loads(result.stdout)
    assert (result.exit_code, comparison["pushes"], comparison["redirected"]) == (1, 2, 1)


def test_an_invalid_file_is_reported_with_positions_and_not_sent(compare: Run) -> None:
    text = CONFIG.replace("sync:", "snyc:")
    [line] = [number for number, line in enumerate(text.splitlines(), 1) if "snyc:" in line]

    result = compare(text)

    assert result.exit_code == 1
    assert (
        f'new.yaml:{line}:5: rules[0]: there is no such key: did you mean "sync"?' in result.stderr
    )
    assert SECRET not in result.output


def test_wrong_usage_exits_with_2(compare: Run, run: Run) -> None:
    assert compare(CONFIG, "--since", "soon").exit_code == 2
    missing = run("whatif", "/no/such/file.yaml")
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)
    assert run("whatif").exit_code == 2


def test_warnings_are_printed_on_stderr(compare: Run) -> None:
    result = compare(CONFIG.replace("{namespace: team}", "{namespace: team, sender: gone}"))

    assert "no configured sender matches: this rule never does" in result.stderr


def test_secrets_need_not_be_set(compare: Run) -> None:
    assert compare(CONFIG.replace(SECRET, '"${NOT_SET}"')).exit_code == 0
