"""The import contracts hold, and would not if they were broken."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import ROOT

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

# For each contract, an import that it forbids: where, and what.
BREAKAGES = {
    "A layer imports only what stands below it": ("model.py", "import swrhook.web"),
    "The core does no I/O": ("rules/plan.py", "import time"),
    "Dialects do not know each other": ("dialects/harbor.py", "import swrhook.dialects.generic"),
    "Only the SWR client": ("worker/rate_limiter.py", "import requests"),
    "Only the web shell and the simulator know Flask": ("service/outcome_log.py", "import flask"),
    "Only the ledger speaks SQL": ("usecases/receive.py", "import sqlalchemy"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "swrhook", tmp_path / "swrhook")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    assert set() == broken(copy)


def test_each_contract_breaks_when_it_is_broken_on_purpose(copy: Path) -> None:
    for file, forbidden in BREAKAGES.values():
        module = copy / "swrhook" / file
        module.write_text(f"{module.read_text()}\n{forbidden}\n")
    found = broken(copy)

    for contract in BREAKAGES:
        assert any(name.startswith(contract) for name in found), contract
    assert len(BREAKAGES) == len(found)


def broken(folder: Path) -> set[str]:
    command = [str(LINT_IMPORTS), "--no-logo", "--no-cache"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found = set(re.findall(r"^(.+) BROKEN(?: \(.+\))?$", run.stdout, re.MULTILINE))
    assert (0 if not found else 1) == run.returncode, run.stdout + run.stderr
    return found
