"""The package: built from the tracked files, and run without them."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import HeaderParser
from hashlib import sha256
from pathlib import Path

import pytest

from swrhook import __version__
from tests.programs import ROOT

TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
).stdout.splitlines()
pytestmark = pytest.mark.skipif(not TRACKED, reason="not a git repository")


@dataclass(frozen=True)
class Built:
    """A folder with a wheel and an sdist."""

    folder: Path

    @property
    def wheel(self) -> Path:
        return self.folder / f"swrhook-{__version__}-py3-none-any.whl"

    def names(self) -> set[str]:
        """Return the names of the files in the wheel."""
        return set(zipfile.ZipFile(self.wheel).namelist())

    def read(self, name: str) -> str:
        """Return a file of the wheel's metadata."""
        path = f"swrhook-{__version__}.dist-info/{name}"
        return zipfile.ZipFile(self.wheel).read(path).decode()

    def hashes(self) -> dict[str, str]:
        return {file.name: sha256(file.read_bytes()).hexdigest() for file in self.folder.iterdir()}


def build(folder: Path) -> Built:
    """Build from a copy of the tracked files, as `make dist` does."""
    for name in TRACKED:
        if (ROOT / name).exists():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / "source" / name)
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder / "dist"),
        ".",
    ]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    result = subprocess.run(
        command, cwd=folder / "source", env=environ, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return Built(folder / "dist")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel in an environment of its own; the dependencies are those of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder)
    shared = Path(sysconfig.get_path("purelib"))
    own = folder / shared.relative_to(sys.prefix)
    (own / "dependencies.pth").write_text(f"{shared}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "--quiet"]
    subprocess.run([*pip, "install", "--no-index", "--no-deps", str(built.wheel)], check=True)
    return folder


def run(installed: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of the environment in a folder without the checkout."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    command = [str(installed / "bin" / arguments[0]), *arguments[1:]]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )


def test_two_builds_of_the_same_files_are_equal(built: Built, tmp_path: Path) -> None:
    assert build(tmp_path).hashes() == built.hashes()


def test_the_wheel_has_every_file_of_the_package(built: Built) -> None:
    files = {name for name in built.names() if name.startswith("swrhook/")}

    assert files == {name for name in TRACKED if name.startswith("swrhook/")}


def test_the_wheel_has_the_example_and_the_licences(built: Built) -> None:
    names = built.names()

    assert f"swrhook-{__version__}.data/data/share/swrhook/swrhook.example.yaml" in names
    assert "Apache License" in built.read("licenses/LICENSE")
    assert built.read("licenses/NOTICE") == (ROOT / "NOTICE").read_text()


def test_the_package_requires_what_requirements_in_lists(built: Built) -> None:
    metadata = HeaderParser().parsestr(built.read("METADATA"))
    required = [requirement.split(";") for requirement in metadata.get_all("Requires-Dist", [])]
    lines = (ROOT / "requirements.in").read_text().splitlines()
    listed = [line.partition("#")[0].strip() for line in lines if line[:1].isalnum()]

    assert metadata["Version"] == __version__
    assert _normalized(parts[0] for parts in required if len(parts) == 1) == _normalized(listed)


def test_the_version_is_written_in_one_place() -> None:
    text = (ROOT / "pyproject.toml").read_text()

    assert __version__ == "0.1.0"
    assert re.findall(rf"\b{re.escape(__version__)}\b", text) == []


def test_the_installed_package_needs_no_checkout(installed: Path, tmp_path: Path) -> None:
    located = run(installed, tmp_path, "python", "-c", "import swrhook; print(swrhook.__file__)")
    version = run(installed, tmp_path, "swrhook", "--version")
    example = installed / "share" / "swrhook" / "swrhook.example.yaml"

    assert Path(located.stdout.strip()).is_relative_to(installed)
    assert version.stdout == f"swrhook, version {__version__}\n"
    assert example.read_text() == (ROOT / "swrhook.example.yaml").read_text()


def test_the_installed_demonstration_verifies_every_tag(installed: Path, tmp_path: Path) -> None:
    demo = run(installed, tmp_path, "swrhook", "demo", "--once")

    assert demo.returncode == 0, demo.stdout + demo.stderr


def _normalized(requirements: Iterable[str]) -> set[tuple[str, frozenset[str]]]:
    """Return each name with its versions: the metadata sorts and lowers them."""
    return {
        (match[1].lower(), frozenset(match[2].split(",")))
        for match in (re.fullmatch(r"([\w.\[\]-]+)(\S*)", line) for line in requirements)
        if match
    }
