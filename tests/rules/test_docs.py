"""docs/rules.md is complete, and the examples of the ten tasks give the documented syncs."""

import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from swrhook import config
from swrhook.model import PlannedSync, Push
from swrhook.rules.match import RuleResult
from swrhook.rules.plan import PlanChange, PlanDifference, plan
from swrhook.rules.targets import TargetResult
from swrhook.rules.trace import ClauseTrace, PatternTrace, RuleTrace, TargetTrace, Trace
from swrhook.rules.versions import STAGES, parse_version

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "rules.md").read_text(encoding="utf-8")
TASKS = re.findall(
    r"^## (\d+)\. .*?```yaml\n(.*?)```\n\n```text\n(.*?)```",
    (DOCS / "how-to" / "write-rules.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)
BASE: dict[str, Any] = {
    "swr": {
        "iam_endpoint": "https://iam.myhuaweicloud.com",
        "credentials": {"kind": "token", "token": "${TOKEN}"},
        "regions": {"cn-north-4": {}, "cn-east-3": {}, "ap-southeast-1": {}},
    },
    "senders": {
        "ci": {
            "dialect": "generic",
            "region": "cn-north-4",
            "auth": {"scheme": "bearer", "secrets": ["${TOKEN}"]},
        }
    },
}


def rules_of(block: str) -> config.Config:
    text = yaml.safe_dump(BASE | yaml.safe_load(block)).encode()
    return config.parse(
        text, file="page", environ={"TOKEN": "a-token-of-24-characters"}, read_file=str
    )


def told(syncs: Sequence[PlannedSync]) -> str:
    names = [f"{sync.target}{' override' if sync.override else ''}" for sync in syncs]
    return ", ".join(names) or "nothing"


def test_there_are_ten_tasks() -> None:
    assert [str(number) for number in range(1, 11)] == [number for number, _, _ in TASKS]


@pytest.mark.parametrize(
    ("block", "lines"), [pytest.param(block, lines, id=number) for number, block, lines in TASKS]
)
def test_each_push_goes_where_the_page_says(block: str, lines: str) -> None:
    rules = rules_of(block).rules
    shown = []
    for line in lines.splitlines():
        image = line.partition(" -> ")[0]
        name, _, tag = image.partition(":")
        namespace, _, repository = name.partition("/")
        planned = plan([Push("ci", "cn-north-4", namespace, repository, tag)], rules)
        shadow = f"; in shadow: {told(planned.shadow)}" if planned.shadow else ""
        shown.append(f"{image} -> {told(planned.syncs)}{shadow}")

    assert lines.splitlines() == shown


def test_only_the_task_where_order_matters_has_a_warning() -> None:
    warned = [number for number, block, _ in TASKS if rules_of(block).warnings]

    assert warned == ["7"]


def test_the_page_lists_the_words_of_pre_releases() -> None:
    grammar = PAGE.partition("\nword ")[2].partition("\nrevision")[0]

    assert set(STAGES) == set(re.findall(r'"(\w+)"', grammar))


def test_the_pages_examples_of_other_tags_are_not_versions() -> None:
    [line] = re.findall(r"^No version: (.*)$", PAGE, re.MULTILINE)

    assert [parse_version(tag) for tag in re.findall(r"`([^`]+)`", line)] == [None] * 4


@pytest.mark.parametrize("kind", [Trace, RuleTrace, ClauseTrace, PatternTrace, TargetTrace])
def test_the_page_lists_the_fields_of_a_trace(kind: type) -> None:
    [row] = re.findall(rf"^\| `{kind.__name__}` \| (.*) \|$", PAGE, re.MULTILINE)
    names = re.findall(r"`([^`]+)`", re.sub(r"\([^()]*\)", "", row))

    assert [field.name for field in fields(kind)] == names


def test_the_page_explains_every_verdict_fate_and_change() -> None:
    part = PAGE.partition("## Why a push goes where it goes")[2]

    assert [
        word for word in [*RuleResult, *TargetResult, *PlanChange] if f"`{word}`" not in part
    ] == []
    assert [field.name for field in fields(PlanDifference) if f"`{field.name}`" not in part] == []
