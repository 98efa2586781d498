import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swrhook.cli.check import check
from tests.web.parts import CONFIG, DIGEST

GITHUB = "  gh: {dialect: github, region: cn-north-4, auth: {scheme: github, secrets: [abcd]}}\n"
IMAGE = f'{{"image": "team/web:v1@{DIGEST}"}}'


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "swrhook.yaml"
    path.write_text(CONFIG.replace("rules:", f"{GITHUB}rules:"), encoding="utf-8")
    return str(path)


def look(file: str, body: str, *arguments: str, sender: str = "ci") -> Result:
    options = [file, "--body", "-", "--sender", sender, *arguments]
    return CliRunner(env={"SWRHOOK_CONFIG": None}).invoke(check, options, input=body)


def found(result: Result) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_what_would_be_accepted_is_shown_with_the_rules(file: str) -> None:
    result = look(file, IMAGE)

    assert result.exit_code == 0
    assert [
        "ci (generic): accepted",
        f"push: team/web:v1@{DIGEST}",
        "sync: team/web:v1 to cn-east-3/team (rule all)",
    ] == result.stdout.splitlines()


def test_json_says_the_same(file: str) -> None:
    assert found(look(file, IMAGE, "--json")) == {
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


def test_a_body_may_be_a_file(file: str, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(IMAGE)

    result = CliRunner().invoke(check, [file, "--body", str(body), "--sender", "ci"])

    assert result.exit_code == 0


def test_what_no_rule_wants_ends_with_1_and_the_reason(file: str) -> None:
    result = look(file, '{"image": "other/web:v1"}')

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
def test_what_would_be_refused_ends_with_1(file: str, body: str, code: str) -> None:
    result = look(file, body, "--json")

    answer = found(result)
    assert (1, "refused", code) == (result.exit_code, answer["outcome"], answer["code"])


def test_headers_count(file: str) -> None:
    def outcome(*arguments: str) -> str:
        return str(found(look(file, "{}", "--json", *arguments, sender="gh"))["outcome"])

    assert outcome() == "quarantined"
    assert outcome("--header", "X-GitHub-Event: ping") == "ignored"


def test_a_reason_cannot_steer_the_terminal(file: str) -> None:
    result = look(file, '{"image": "team/web\\u001b[2J:v1"}')

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
def test_wrong_usage_is_2(file: str, arguments: list[str]) -> None:
    assert CliRunner().invoke(check, [file, *arguments]).exit_code == 2
