"""The image, really built and really run, on a base made of Debian's own packages.

Nothing is pulled: the base that the Dockerfile names is made here, from the Debian release that
the real one is made of, and the packages are fetched beforehand by this machine's own pip.
"""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from swrhook import __version__
from tests.programs import free_port

pytestmark = pytest.mark.container

REPOSITORY = Path(__file__).parent.parent
BASE = "docker.io/library/python:3.11-slim-bookworm"
IMAGE = "localhost/swrhook:test"
CACHED_BASE = Path.home() / ".cache" / "swrhook-tests" / "python-3.11-bookworm-1.tar"
USER = 10001

CONFIGURATION = """\
swr:
  iam_endpoint: http://127.0.0.1:9
  credentials: {kind: password, user: demo, domain: demo, password: "${SWR_PASSWORD}"}
  regions:
    cn-north-4: {endpoint: "http://127.0.0.1:9"}
    cn-east-3: {endpoint: "http://127.0.0.1:9"}
senders:
  ci:
    dialect: generic
    region: cn-north-4
    auth: {scheme: header, header: Authorization, secrets: ["${CI_SECRET}"]}
rules:
  - name: everything
    when: {sender: ci}
    sync:
      - {region: cn-east-3, namespace: team-a}
"""


@dataclass(frozen=True)
class Buildah:
    """Debian's buildah with a store of its own, so that the machine's images are left alone."""

    store: Path

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of one buildah call."""
        places = ["--root", f"{self.store}/root", "--runroot", f"{self.store}/run"]
        return ["buildah", *places, "--storage-driver", "vfs", *arguments]

    def __call__(self, *arguments: str) -> str:
        """Return what a call prints; a call that fails shows its output in the test's report."""
        done = subprocess.run(
            self.command(*arguments), capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"buildah {arguments[0]}:\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def config(self) -> dict[str, object]:
        """Return what the image tells a container runtime."""
        described = json.loads(self("inspect", "--type", "image", IMAGE))
        config: dict[str, object] = described["Docker"]["config"]
        return config


@dataclass(frozen=True)
class Running:
    """The image's command, started as the image says."""

    container: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str) -> int:
        """Return the status of a GET; 0 while nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def server_processes(self) -> dict[int, int]:
        """Return pid → uid of what runs below buildah's own processes, the first started first."""
        found = {}
        parents = [self.process.pid]
        for parent in parents:
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                parents += [int(child) for child in children.read_text().split()]
            if not Path(f"/proc/{parent}/cmdline").read_bytes().startswith(b"buildah"):
                found[parent] = Path(f"/proc/{parent}").stat().st_uid
        return found


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    """Give a buildah whose store holds the base and the image of this tree."""
    if os.geteuid() != 0:
        pytest.skip("building an image without a daemon needs root")
    for tool in ("buildah", "mmdebstrap"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    base = _base_as_tar()
    # Not on a disk, if possible: this driver copies everything for each layer and container.
    with tempfile.TemporaryDirectory(dir=tmp_path_factory.getbasetemp()) as store:
        buildah = Buildah(Path(store))
        try:
            _import_base(buildah, base)
            _build(buildah)
            yield buildah
        finally:
            buildah("rm", "--all")


@pytest.fixture(scope="module")
def service(buildah: Buildah, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give the service as its image starts it, answering."""
    with _serve(buildah, tmp_path_factory.mktemp("service")) as running:
        yield running


def test_the_image_answers_healthz(service: Running) -> None:
    assert service.get("/healthz") == 200


def test_no_process_of_the_service_is_root(service: Running) -> None:
    assert set(service.server_processes().values()) == {USER}


def test_the_image_finds_its_own_service_healthy(buildah: Buildah, service: Running) -> None:
    check = buildah.config()["Healthcheck"]
    assert isinstance(check, dict)
    bind = f"SWRHOOK_BIND=127.0.0.1:{service.port}"
    buildah(
        "run", "--isolation", "chroot", "--env", bind, service.container, "--", *check["Test"][1:]
    )


def test_the_ledger_is_on_the_volume_and_the_code_is_not_writable(
    buildah: Buildah, service: Running
) -> None:
    script = "test -s /app/var/swrhook.db && ! test -w /app && ! test -w /app/swrhook"
    assert buildah.config()["Volumes"] == {"/app/var": {}}
    buildah("run", "--isolation", "chroot", service.container, "--", "sh", "-c", script)


def test_the_image_holds_the_service_and_nothing_else(buildah: Buildah, service: Running) -> None:
    listed = buildah("run", "--isolation", "chroot", service.container, "--", "ls", "/app")
    expected = ["__pycache__", "app.py", "gunicorn.conf.py", "swrhook", "var", "wsgi.py"]
    assert expected == listed.split()


def test_the_image_has_the_command_and_its_licence(buildah: Buildah, service: Running) -> None:
    run = ("run", "--isolation", "chroot", "--workingdir", "/tmp", service.container, "--")

    assert buildah(*run, "swrhook", "--version") == f"swrhook, version {__version__}"
    assert buildah(*run, "ls", "/usr/share/doc/swrhook").split() == ["LICENSE", "NOTICE"]


def test_the_image_names_its_version_and_licence(buildah: Buildah) -> None:
    labels = buildah.config()["Labels"]
    assert isinstance(labels, dict)
    prefix = "org.opencontainers.image."

    assert labels[f"{prefix}version"] == "1.2.3"
    assert labels[f"{prefix}revision"] == "abc"
    assert labels[f"{prefix}licenses"] == "Apache-2.0"


def test_the_image_has_no_installer(buildah: Buildah, service: Running) -> None:
    run = ("run", "--isolation", "chroot", service.container, "--")
    programs = buildah(*run, "ls", "/opt/swrhook/bin").split()

    assert [name for name in programs if name.startswith("pip")] == []
    assert "gunicorn" in programs


def test_sigterm_ends_the_service(buildah: Buildah, tmp_path: Path) -> None:
    with _serve(buildah, tmp_path) as service:
        os.kill(next(iter(service.server_processes())), signal.SIGTERM)
        assert service.process.wait(timeout=30) == 0


@contextmanager
def _serve(buildah: Buildah, folder: Path) -> Iterator[Running]:
    """Start the image's command as its user, with a small configuration, and end it afterwards."""
    (folder / "etc").mkdir(mode=0o755)
    (folder / "etc" / "swrhook.yaml").write_text(CONFIGURATION)
    container = buildah("from", "--pull-never", IMAGE)
    port = free_port()
    options = ["--isolation", "chroot", "--volume", f"{folder}/etc:/etc/swrhook:ro"]
    for variable in (
        f"SWRHOOK_BIND=127.0.0.1:{port}",
        "SWR_PASSWORD=demo",
        "CI_SECRET=sixteen-characters",
    ):
        options += ["--env", variable]
    command = buildah.config()["Cmd"]
    assert isinstance(command, list)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            buildah.command("run", *options, container, "--", *command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = Running(container, port, process, log)
    try:
        _wait_until_healthy(running)
        yield running
    finally:
        for pid in running.server_processes() if process.poll() is None else ():
            os.kill(pid, signal.SIGKILL)
        process.wait(timeout=30)


def _wait_until_healthy(service: Running) -> None:
    deadline = time.monotonic() + 30
    while service.get("/healthz") != 200:
        assert service.process.poll() is None, f"it ended:\n{service.log.read_text()}"
        assert time.monotonic() < deadline, f"it does not answer:\n{service.log.read_text()}"
        time.sleep(0.05)


def _build(buildah: Buildah) -> None:
    """Build the Dockerfile; its pip finds what this machine's pip has fetched."""
    wheels = buildah.store / "wheels"
    _download_requirements(wheels)
    settings = buildah.store / "pip.conf"
    settings.write_text("[global]\nno-index = true\nfind-links = /mnt/wheels\n")
    options = ["--isolation", "chroot", "--pull-never", "--format", "docker", "--tag", IMAGE]
    for argument in (f"BASE={BASE}", "VERSION=1.2.3", "REVISION=abc"):
        options += ["--build-arg", argument]
    options += ["--volume", f"{settings}:/etc/pip.conf:ro", "--volume", f"{wheels}:/mnt/wheels:ro"]
    buildah("build", *options, str(REPOSITORY))


def _download_requirements(target: Path) -> None:
    """Fetch them outside the build, where pip is configured for this machine's network."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps"]
    command += ["--only-binary=:all:", "--python-version=3.11", f"--dest={target}"]
    command += [f"--requirement={REPOSITORY}/requirements.txt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        pytest.skip(f"the requirements cannot be fetched: {done.stderr[-500:]}")


def _import_base(buildah: Buildah, base: Path) -> None:
    """Put the base into the store, under the name that the Dockerfile asks for."""
    container = buildah("from", "scratch")
    buildah("add", container, str(base), "/")
    buildah("config", "--cmd", "python3", container)
    buildah("commit", "--rm", "--format", "docker", container, BASE)


def _base_as_tar() -> Path:
    """Return Debian's minimal system with its Python, made once per machine."""
    if not CACHED_BASE.exists():
        CACHED_BASE.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHED_BASE.parent) as folder:
            made = Path(folder) / "base.tar"
            _make_base(made)
            made.rename(CACHED_BASE)
    return CACHED_BASE


def _make_base(target: Path) -> None:
    command = ["mmdebstrap", "--variant=minbase", "--include=python3,python3-venv"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{it}/*" for it in ("doc", "man", "locale")]
    command += ['--customize-hook=ln -s /usr/bin/python3 "$1/usr/local/bin/python"']
    command += ["bookworm", str(target), *_debian_mirror()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        pytest.skip(f"the base image cannot be made: {done.stderr[-500:]}")


def _debian_mirror() -> list[str]:
    """Return the mirror that this machine uses; none where it is not of the base's release."""
    asked = [
        "apt-get",
        "indextargets",
        "--format",
        "$(RELEASE) $(REPO_URI)",
        "Created-By: Packages",
    ]
    listed = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    found = [line.split()[1] for line in listed.splitlines() if line.startswith("bookworm ")]
    return found[:1]
