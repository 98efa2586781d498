"""`check --body`: shows how a request would be read, and records nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swrhook.cli.check import check
from tests.web.harness import CONFIG, DIGEST

GITHUB = (
    "  gh: {dialect: github, region: cn-north-4,"
    " auth: {scheme: github, secrets: [0123456789abcdef]}}\n"
)
IMAGE = f'{{"image": "team/web:v1@{DIGEST}"}}'


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "swrhook.yaml"
    path.write_text(CONFIG.replace("rules:", f"{GITHUB}rules:"), encoding="utf-8")
    return str(path)


def preview(file: str, body: str, *arguments: str, sender: str = "ci") -> Result:
    options = [file, "--body", "-", "--sender", sender, *arguments]
    return CliRunner(env={"SWRHOOK_CONFIG": None}).invoke(check, options, input=body)


def content(result: Result) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


def test_an_accepted_body_is_shown_with_its_pushes_and_syncs(file: str) -> None:
    result = preview(file, IMAGE)

    assert result.exit_code == 0
    assert [
        "ci (generic): accepted",
        f"push: team/web:v1@{DIGEST}",
        "sync: team/web:v1 to cn-east-3/team (rule all)",
    ] == result.stdout.splitlines()


def test_json_has_the_same_content(file: str) -> None:
    assert content(preview(file, IMAGE, "--json")) == {
        "sender": "ci",
        "dialect": "generic",
        "outcome": "accepted",
        "code": None,
        "reason": None,
        "pushes": [{"image": "team/web:v1", "digest": DIGEST}],
        "syncs": [
            {"image": "team/web:v1", "target": "cn-east-3/team", "override": False, "rule": "all"}
        ],
    }


def test_the_body_can_be_read_from_a_file(file: str, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(IMAGE)

    result = CliRunner().invoke(check, [file, "--body", str(body), "--sender", "ci"])

    assert result.exit_code == 0


def test_a_push_that_matches_no_rule_exits_with_1_and_the_reason(file: str) -> None:
    result = preview(file, '{"image": "other/web:v1"}')

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "ci (generic): ignored",
        "reason: other/web:v1: no rule matches",
        "push: other/web:v1",
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [("{", "undecodable"), ('{"no": "image"}', "nothing_usable"), (" " * 2**21, "too_large")],
)
def test_a_refused_body_exits_with_1_and_the_error_code(file: str, body: str, code: str) -> None:
    result = preview(file, body, "--json")

    answer = content(result)
    assert (result.exit_code, answer["outcome"], answer["code"]) == (1, "refused", code)


def test_headers_are_passed_to_the_dialect(file: str) -> None:
    def outcome(*arguments: str) -> str:
        return str(content(preview(file, "{}", "--json", *arguments, sender="gh"))["outcome"])

    assert outcome() == "quarantined"
    assert outcome("--header", "X-GitHub-Event: ping") == "ignored"


def test_control_characters_of_the_body_are_not_printed(file: str) -> None:
    result = preview(file, '{"image": "team/web\\u001b[2J:v1"}')

    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sender", "ci"],
        ["--body", "-"],
        ["--header", "A: b"],
        ["--body", "-", "--sender", "nobody"],
        ["--body", "-", "--sender", "ci", "--header", "no colon"],
        ["--body", "/no/such/file", "--sender", "ci"],
    ],
)
def test_wrong_usage_exits_with_2(file: str, arguments: list[str]) -> None:
    assert CliRunner().invoke(check, [file, *arguments]).exit_code == 2
