"""The bill of materials is the lock's, and a secret in a tracked file is found."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from swrhook import __version__
from tests.programs import ROOT

SBOM = ROOT / ".ci" / "sbom.py"
SCAN = ROOT / ".ci" / "secret_scan.py"
LOCK = (ROOT / "requirements.txt").read_text()
# Each made up, and written so that this file has none of these forms itself.
SECRETS = [
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "AKIA" + "Q" * 16,
    'secret_access_key = "' + "aB3/" * 10 + '"',
    "SecretKey: " + "aB3+" * 10,
    "ghp_" + "a" * 36,
    "glpat-" + "a" * 20,
    "xoxb-" + "1" * 12,
    "dckr_pat_" + "a" * 27,
    "pypi-" + "AgEIcHlwaS5vcmc" + "a" * 50,
    "npm_" + "a" * 36,
    "AIza" + "a" * 35,
    "eyJhbGciOiJIUzI1" + ".eyJzdWIiOiIxMjM0." + "a" * 20,
    "MII" + "Abc" * 200,
    "whsec_" + "a" * 32,
    "postgresql://swrhook:" + "a-real-passw0rd" + "@database/swrhook",
]


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(SBOM)], capture_output=True, check=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_bill_lists_every_pin_with_its_hashes(bill: dict[str, Any]) -> None:
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==(\S+)", LOCK, re.MULTILINE)
    listed = {each["purl"]: each for each in bill["components"]}
    python = {purl for purl in listed if purl.startswith("pkg:pypi/")}

    assert python == {f"pkg:pypi/{name.lower()}@{version}" for name, version in pins}
    hashes = [each["content"] for purl in python for each in listed[purl]["hashes"]]
    assert sorted(hashes) == sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", LOCK))
    assert any(purl.startswith("pkg:npm/swagger-ui-dist@") for purl in listed)


def test_the_bill_says_who_needs_whom(bill: dict[str, Any]) -> None:
    needs = {each["ref"].partition("@")[0]: each["dependsOn"] for each in bill["dependencies"]}
    names = {ref: {each.partition("@")[0] for each in of} for ref, of in needs.items()}

    assert {"pkg:pypi/werkzeug", "pkg:pypi/jinja2"} <= names["pkg:pypi/flask"]
    assert {"pkg:pypi/flask", "pkg:pypi/click"} <= names["pkg:pypi/swrhook"]
    assert "pkg:pypi/markupsafe" not in names["pkg:pypi/swrhook"]


def test_the_bill_names_version_and_commit(bill: dict[str, Any]) -> None:
    component = bill["metadata"]["component"]
    (commit,) = component["properties"]

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert (component["name"], component["version"]) == ("swrhook", __version__)
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", commit["value"])


def test_the_same_commit_has_the_same_bill(bill: dict[str, Any]) -> None:
    again = subprocess.run([sys.executable, str(SBOM)], capture_output=True, check=True)

    assert bill == json.loads(again.stdout)


def scanned(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(SCAN), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git repository")
def test_no_tracked_file_has_a_secret() -> None:
    done = scanned(ROOT)

    assert (done.returncode, done.stdout) == (0, "")


def test_every_kind_of_secret_is_found_and_not_printed(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    for number, secret in enumerate(SECRETS):
        (tmp_path / f"{number}.txt").write_text(f"one\ntwo {secret} three\n")
    subprocess.run(["git", "-C", str(tmp_path), "add", "."], check=True)
    (tmp_path / "untracked.txt").write_text(SECRETS[0])

    done = scanned(tmp_path)

    assert done.returncode == 1
    places = {line.partition(": ")[0] for line in done.stdout.splitlines()}
    assert places == {f"{number}.txt:2" for number in range(len(SECRETS))}
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
