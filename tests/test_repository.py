"""The repository agrees with itself."""

import re
import subprocess
import tomllib

import pytest

from tests.programs import ROOT


def test_every_direct_dependency_is_pinned_and_has_its_reason() -> None:
    for name in ("requirements", "requirements-otel", "requirements-dev"):
        wanted = [
            line for line in (ROOT / f"{name}.in").read_text().splitlines() if line[:1].isalnum()
        ]
        pinned = (ROOT / f"{name}.txt").read_text()
        for line in wanted:
            package, _, reason = line.partition("#")
            name_alone = re.split(r"[\[<>= ]", package)[0]
            pin = rf"^{re.escape(name_alone)}(\[.*\])?=="
            assert re.search(pin, pinned, re.MULTILINE | re.IGNORECASE), package
            assert reason.strip(), package


def test_image_and_tools_mean_the_same_python() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    version = settings["tool"]["mypy"]["python_version"]

    assert f"py{version.replace('.', '')}" == settings["tool"]["ruff"]["target-version"]
    dockerfile = (ROOT / "Dockerfile").read_text()
    pinned = r"^ARG BASE=\S+/python:([0-9.]+)-\S+@sha256:[0-9a-f]{64}$"
    assert re.findall(pinned, dockerfile, re.MULTILINE) == [version]
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${BASE}"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git repository")
def test_what_is_made_here_is_not_tracked() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-ci", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert tracked.stdout == ""


def test_documents_are_at_most_100_columns_wide() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    wide = [
        f"{name}:{number}"
        for name in tracked
        if not name.endswith(".LICENSE.md")
        for number, line in enumerate((ROOT / name).read_text("utf-8").splitlines(), 1)
        if len(line) > 100 and not line.startswith("|")  # a table's row cannot be wrapped
    ]

    assert wide == []


def test_the_files_that_a_newcomer_is_sent_to_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`([\w/]+\.py)`", text))

    assert len(named) > 40
    assert {
        name for name in named if not any((ROOT / p / name).exists() for p in ("swrhook", "."))
    } == set()
