"""The program `python -m swrhook`: its help, and the commands that start processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
import requests

from swrhook import __version__
from swrhook.cli import COMMANDS, main
from tests.json_lines import json_lines
from tests.programs import free_port
from tests.web.harness import CONFIG, READ

ROOT = Path(__file__).parents[2]


def swrhook(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "swrhook", *arguments]
    environment = {"PATH": os.environ["PATH"], **environ}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_lists_every_command() -> None:
    result = swrhook("--help")

    listed = result.stdout.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert list(COMMANDS) == [line.split()[0] for line in listed if line[2] != " "]
    assert (result.returncode, result.stderr) == (0, "")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from swrhook.cli import main; main(['--help'], standalone_mode=False);"
        "heavy = {'flask', 'sqlalchemy', 'requests', 'rich', 'marshmallow', 'structlog'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert result.stdout.splitlines()[-1] == "[]"


def test_a_check_of_a_file_imports_neither_ledger_nor_http(tmp_path: Path) -> None:
    (tmp_path / "swrhook.yaml").write_text(CONFIG)
    code = (
        "import atexit, sys; from swrhook.cli import main;"
        "heavy = {'flask', 'sqlalchemy', 'requests'};"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules))));"
        f"main(['check', '{tmp_path}/swrhook.yaml'])"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    first, *_, last = result.stdout.splitlines()
    assert (result.returncode, "is valid" in first, last) == (0, True, "[]")


def test_version_is_that_of_the_package() -> None:
    result = swrhook("--version")

    assert (result.returncode, result.stdout) == (0, f"swrhook, version {__version__}\n")


def test_an_unknown_command_names_the_closest() -> None:
    result = swrhook("chek")

    assert result.returncode == 2
    assert result.stderr.endswith('Error: there is no command "chek": did you mean "check"?\n')


def test_a_server_whose_address_is_in_use_says_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        result = swrhook("serve", SWRHOOK_BIND=bind, SWRHOOK_CONFIG=str(tmp_path / "none"))

    assert result.returncode == 1
    assert "set SWRHOOK_BIND to another address" in result.stderr + result.stdout


def test_a_service_says_in_one_message_why_it_cannot_start(tmp_path: Path) -> None:
    file = tmp_path / "swrhook.yaml"
    file.write_text("rules: 5\n")
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    options = {"SWRHOOK_CONFIG": str(file), "SWRHOOK_DATABASE_URL": ledger}
    result = swrhook("serve", SWRHOOK_BIND=f"127.0.0.1:{free_port()}", **options)

    assert result.returncode == 3
    assert result.stderr.startswith(f"swrhook cannot start:\n{file}:1:1: ")
    messages = [line["message"] for line in json_lines(result.stdout)]
    assert messages[0].startswith("Starting gunicorn")
    assert messages[-1].startswith("Booting worker")


def test_a_worker_says_in_one_message_why_it_cannot_start() -> None:
    result = swrhook("worker", SWRHOOK_WORKERS="0")

    assert result.returncode == 1
    assert result.stderr == (
        "swrhook cannot start:\n"
        "environment: SWRHOOK_DATABASE_URL is SQLite, which serves one process: `worker` needs "
        "PostgreSQL\n"
        "environment: SWRHOOK_WORKERS is 0: a worker process would have nothing to do\n"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_exists_and_prints_help(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert command.name == name
    assert swrhook(name, "--help").returncode == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_repeats_the_first_sentence_of_each_help(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert COMMANDS[name] == (command.help or "").partition("\n\n")[0].replace("\n", " ")


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], []])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    result = swrhook(*arguments)

    assert (result.returncode, result.stdout) == (2, "")
    assert "Usage: python -m swrhook" in result.stderr


def test_check_runs_as_a_program(tmp_path: Path) -> None:
    file = tmp_path / "swrhook.yaml"
    file.write_text(CONFIG, encoding="utf-8")

    result = swrhook("check", str(file), "--json")

    assert (result.returncode, json.loads(result.stdout)["valid"]) == (0, True)


def test_serve_runs_in_the_working_directory_until_sigterm(tmp_path: Path) -> None:
    (tmp_path / "swrhook.yaml").write_text(CONFIG, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    environ = {"PATH": os.environ["PATH"], "SWRHOOK_BIND": address, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "swrhook", "serve"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            url = f"http://{address}"
            assert sorted(wait_for(process, url)) == ["GET", "HEAD"]
            result = swrhook("syncs", SWRHOOK_URL=url, SWRHOOK_TOKEN=READ)
            assert (result.returncode, result.stderr) == (0, "No syncs found.\n")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
    assert (tmp_path / "var" / "swrhook.db").exists()


def answers(method: str, url: str) -> bool:
    return requests.request(method, f"{url}/healthz", timeout=5).ok


def wait_for(process: "subprocess.Popen[bytes]", url: str) -> list[str]:
    """Return the HTTP methods that /healthz answers, once the service runs."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            methods = ("GET", "HEAD")
            return [method for method in methods if answers(method, url)]
        except (requests.ConnectionError, requests.Timeout):  # gunicorn listens before it answers
            time.sleep(0.1)
    process.kill()
    output = process.stdout.read().decode() if process.stdout else ""
    raise AssertionError(output)


def test_serve_reports_a_wrong_environment_without_a_traceback(tmp_path: Path) -> None:
    result = swrhook("serve", SWRHOOK_WORKERS="many", SWRHOOK_CONFIG=str(tmp_path / "none.yaml"))

    assert result.returncode != 0
    assert "SWRHOOK_WORKERS must be a whole number from 0 to 1000" in result.stderr
    assert "Traceback" not in result.stderr
