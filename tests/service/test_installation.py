"""The ways of docs/installation.md: each starts, with the files and commands that it names.

The commands run as they are written. In the place of docker, kubectl, pip and systemctl stands a
program that notes its arguments; the test then starts what these would start, the same command with
the same environment, on this machine.
"""

import base64
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from swrhook import config
from tests.postgresql import new_database
from tests.programs import ROOT, find, free_port, needs, wait_for

PAGE = (ROOT / "docs" / "installation.md").read_text()
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
MANIFESTS = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "swrhook.yaml").read_text()))
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
_NOTE = """\
#!{python}
import json, sys
with open({notes!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
"""


def scripts(page: str, heading: str) -> list[str]:
    """Return the shell blocks of a section, in their order."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def read_variables(file: Path) -> dict[str, str]:
    """Read a file of variables as docker and systemd do: NAME=VALUE, `#` begins a comment."""
    lines = file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def image() -> tuple[dict[str, str], list[str]]:
    """Return the environment that the image sets, and its command."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    [variables] = re.findall(r"^ENV ((?:.*\\\n)*.*)", dockerfile, re.MULTILINE)
    environ = dict(each.split("=", 1) for each in shlex.split(variables.replace("\\\n", "")))
    [command] = re.findall(r"^CMD (.*)", dockerfile, re.MULTILINE)
    return {name: environ[name] for name in environ if name.startswith("SWRHOOK")}, json.loads(
        command
    )


@dataclass
class Machine:
    """A folder with swrhook's files, programs that note their arguments, and processes."""

    folder: Path
    database: str
    stack: ExitStack

    @property
    def variables(self) -> dict[str, str]:
        return read_variables(self.folder / "deploy" / ".env")

    def note(self, program: str) -> None:
        """Put a program first in PATH that only notes its arguments."""
        self._write_program(program, _NOTE.format(python=sys.executable, notes=str(self.notes)))

    def provide(self, path: str, *command: str) -> None:
        """Put a program into the folder that runs a command of this machine."""
        self._write_program(path, f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')

    def _write_program(self, path: str, text: str) -> None:
        file = self.folder / ("bin" if "/" not in path else "") / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    @property
    def notes(self) -> Path:
        return self.folder / "notes"

    @property
    def noted(self) -> list[list[str]]:
        return [json.loads(line) for line in self.notes.read_text().splitlines()]

    def run(self, script: str) -> None:
        """Run a block of the page."""
        result = subprocess.run(self._bash(script), **self._surroundings(), check=False)
        assert result.returncode == 0, result.stdout

    def start(self, script: str, environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """Start a block of the page that runs until it is stopped, or one command."""
        process = subprocess.Popen(
            self._bash(script), **(self._surroundings() | {"env": environ}), start_new_session=True
        )
        self.stack.callback(_end, process)
        return process

    def _bash(self, script: str) -> list[str]:
        return ["bash", "-euo", "pipefail", "-c", script]

    def _surroundings(self) -> dict[str, Any]:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        log = (self.folder / "log").open("ab")
        self.stack.callback(log.close)
        environ = {"PATH": path, "HOME": str(self.folder)}
        return {"cwd": self.folder, "env": environ, "stdout": log, "stderr": log}

    def serve(
        self, command: Sequence[str], environ: Mapping[str, str], places: Mapping[str, str]
    ) -> str:
        """Start a process of swrhook with this environment alone; return its URL when ready.

        `places`: the folders of the container or the machine, and where they are here.
        """
        port = free_port()
        here = {"gunicorn": "-m gunicorn", "swrhook": "-m swrhook", "python": ""}
        own: dict[str, str] = {}
        for name, value in environ.items():
            text = re.sub(r"^postgresql\+psycopg://.*", self.database, value)
            for place, folder in places.items():
                text = text.replace(place, str(self.folder / folder))
            own[name] = text
        is_worker = "worker" in command
        own["SWRHOOK_METRICS_BIND" if is_worker else "SWRHOOK_BIND"] = f"127.0.0.1:{port}"
        script = f"cd {ROOT} && exec {sys.executable} {here[command[0]]} {shlex.join(command[1:])}"
        process = self.start(script, {"PATH": os.environ["PATH"], **own})
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        return f"http://127.0.0.1:{port}"

    def expect_the_example_in_use(self, url: str) -> None:
        """Ask with the token of the environment which rules are in use."""
        headers = {"Authorization": f"Bearer {self.variables['SWRHOOK_OPS_TOKEN']}"}
        answer = requests.get(f"{url}/api/v1/rules", headers=headers, timeout=10)

        names = [rule["name"] for rule in answer.json()["rules"]]
        assert names == ["web-releases", "base-images", "candidates"]


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine on which the first section of the page was followed."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns(".env"))
    for name in ("swrhook.example.yaml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    with ExitStack() as stack:
        database = stack.enter_context(new_database())
        machine = Machine(tmp_path, database, stack)
        [preparation] = scripts(PAGE, "The configuration and its variables")
        machine.run(preparation)
        yield machine


def test_the_example_refers_to_the_documented_variables_alone(machine: Machine) -> None:
    example = ROOT / "swrhook.example.yaml"
    names = set(re.findall(r"^[^#\n]*\$\{([A-Z_]+)\}", example.read_text(), re.MULTILINE))

    assert set(machine.variables) == names | {"POSTGRES_PASSWORD"}
    assert config.load(example, machine.variables).rules
    assert (machine.folder / "deploy" / ".env").stat().st_mode & 0o077 == 0


@needs("bash", "openssl")
def test_pip(machine: Machine) -> None:
    [script] = scripts(PAGE, "With pip")
    machine.note("python3")
    machine.note(".venv-swrhook/bin/pip")
    machine.provide(
        ".venv-swrhook/bin/swrhook", "env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "swrhook"
    )
    address = f"127.0.0.1:{free_port()}"
    path = f"{machine.folder / 'bin'}:{os.environ['PATH']}"

    process = machine.start(script, {"PATH": path, "SWRHOOK_BIND": address})
    wait_for(f"http://{address}/readyz", process)

    machine.expect_the_example_in_use(f"http://{address}")
    assert (machine.folder / "var" / "swrhook.db").exists()
    assert [arguments[0] for arguments in machine.noted] == ["-m", "install", "install"]


@needs("bash", "openssl")
def test_a_container(machine: Machine) -> None:
    [script] = scripts(PAGE, "In a container")
    machine.note("docker")
    machine.run(script)
    _, run = machine.noted
    options = dict(zip(run[1:-1:2], run[2:-1:2], strict=True))
    volumes = [run[at + 1] for at, word in enumerate(run) if word == "-v"]
    environ, command = image()

    url = machine.serve(
        command,
        environ | read_variables(machine.folder / options["--env-file"]),
        {"/etc/swrhook": "deploy/configuration", "/app/var": "var"},
    )

    assert volumes == [f"{machine.folder}/deploy/configuration:/etc/swrhook:ro", "swrhook:/app/var"]
    assert options["-p"].endswith(environ["SWRHOOK_BIND"].rpartition(":")[2])
    machine.expect_the_example_in_use(url)


@needs("bash", "openssl")
def test_compose(machine: Machine) -> None:
    machine.note("docker")
    for script in scripts(PAGE, "With Compose"):
        machine.run(script)
    environ, own_command = image()
    urls = {}
    for name in ("web-1", "worker-1"):
        service = COMPOSE["services"][name]
        assert "./configuration:/etc/swrhook:ro" in service["volumes"]
        variables = read_variables(machine.folder / "deploy" / service["env_file"])
        own = {
            key: _interpolated(value, variables) for key, value in service["environment"].items()
        }
        urls[name] = machine.serve(
            service.get("command", own_command),
            environ | variables | own,
            {"/etc/swrhook": "deploy/configuration"},
        )

    machine.expect_the_example_in_use(urls["web-1"])
    assert machine.noted[-1] == ["compose", "-f", "deploy/compose.yaml", "up", "--wait"]


def _interpolated(text: str, variables: Mapping[str, str]) -> str:
    """Return a value of the file as Compose reads it."""
    return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda match: variables[match[1]], text)


@needs("bash", "openssl", "kubectl", "helm")
@pytest.mark.parametrize("way", ["helm", "manifests"])
def test_kubernetes(machine: Machine, way: str) -> None:
    file = machine.folder / "deploy" / ".env"
    file.write_text(file.read_text().replace("#SWRHOOK_DATABASE_URL", "SWRHOOK_DATABASE_URL"))
    script = dict(zip(("helm", "manifests"), scripts(PAGE, "On Kubernetes"), strict=True))[way]
    for program in ("kubectl", "helm"):
        machine.note(program)
    machine.run(script)
    created = [words for words in machine.noted if "create" in words and "namespace" not in words]
    objects = [_dry_run(words, machine.folder) for words in created]
    if way == "helm":
        objects += _template(machine.noted[-1], machine.folder)
    else:
        objects += MANIFESTS
    named = {(each["kind"], each["metadata"]["name"]): each for each in objects}
    urls = {}
    for deployment in (each for each in objects if each["kind"] == "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        [container] = pod["containers"]
        secret = named["Secret", container["envFrom"][0]["secretRef"]["name"]]
        variables = {name: _decoded(value) for name, value in secret["data"].items()}
        configmap = named["ConfigMap", pod["volumes"][0]["configMap"]["name"]]
        environ, own_command = image()
        assert configmap["data"]["swrhook.yaml"] == (ROOT / "swrhook.example.yaml").read_text()
        urls[deployment["metadata"]["name"]] = machine.serve(
            container.get("command", own_command),
            environ | variables | {each["name"]: each["value"] for each in container["env"]},
            {"/etc/swrhook": "deploy/configuration"},
        )

    assert set(urls) == {"swrhook-web", "swrhook-worker"}
    machine.expect_the_example_in_use(urls["swrhook-web"])


def _template(words: list[str], folder: Path) -> list[dict[str, Any]]:
    """Return the objects that a helm command would install."""
    arguments = ["template" if word == "install" else word for word in words]
    result = subprocess.run(
        [str(find("helm")), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return [each for each in yaml.safe_load_all(result.stdout) if each]


def _dry_run(words: list[str], folder: Path) -> dict[str, Any]:
    """Return the object that a kubectl command would create."""
    command = [str(find("kubectl")), *words, "--dry-run=client", "--output=json"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    created: dict[str, Any] = json.loads(result.stdout)
    return created


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode()


@needs("bash", "openssl")
@pytest.mark.parametrize("unit", UNITS, ids=[unit.stem for unit in UNITS])
def test_systemd(machine: Machine, unit: Path) -> None:
    text = unit.read_text()
    variables = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))
    [start] = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert "\nEnvironmentFile=/etc/swrhook/environment\n" in text
    if "worker" in unit.stem:
        variables["SWRHOOK_DATABASE_URL"] = "postgresql+psycopg://in-the-file"
    program, command = start.split()

    url = machine.serve(
        [Path(program).name, command],
        variables | machine.variables,
        {"/etc/swrhook": "deploy/configuration", "/var/lib/swrhook": "var"},
    )

    if "worker" not in unit.stem:
        machine.expect_the_example_in_use(url)


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=[unit.stem for unit in UNITS])
def test_a_unit_is_valid_and_hardened(unit: Path) -> None:
    verified = _analyze("verify", str(unit))
    rated = _analyze("security", "--offline=yes", "--no-pager", "--threshold=15", str(unit))

    # The program is not installed here.
    problems = [line for line in verified.stderr.splitlines() if "is not executable" not in line]
    assert problems == []
    assert rated.returncode == 0, rated.stdout


def _analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_section_of_systemd_installs_every_unit(machine: Machine) -> None:
    install, workers = scripts(PAGE, "With systemd")
    for program in ("python3", "install", "systemctl"):
        machine.note(program)
    machine.run(install.replace("/opt/swrhook/bin/pip", "true"))
    machine.run(workers)

    units = [f"deploy/systemd/{unit.name}" for unit in UNITS]
    assert ["-m", "0644", *units, "/etc/systemd/system/"] in machine.noted
    assert machine.noted[-1] == ["enable", "--now", "swrhook-worker@1", "swrhook-worker@2"]
