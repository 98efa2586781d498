import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from swrhook.cli.simulator import simulator

ROOT = Path(__file__).parents[2]
RUN = "from swrhook.cli.simulator import simulator; simulator()"


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Sequence[str]]]:
    command = [sys.executable, "-c", RUN, "--port", "0", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("curl"):
                    break
            yield process, lines
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal_and_exits_with_0(number: signal.Signals) -> None:
    with running("--regions", "r1,r2") as (process, lines):
        [iam] = [line.split()[-2] for line in lines if "IAM" in line]
        regions = requests.get(f"{iam}/_sim/", timeout=10).json()["regions"]
        process.send_signal(number)
        code = process.wait(10)

    assert (regions, code) == (["r1", "r2"], 0)


def test_the_seed_option_overrides_the_scenario() -> None:
    with running("--scenario", "docs/scenarios/flaky-region.yaml", "--seed", "42") as (_, lines):
        [iam] = [line.split()[-2] for line in lines if "IAM" in line]
        settings = requests.get(f"{iam}/_sim/settings", timeout=10).json()

    assert (settings["seed"], settings["delay"]) == (42, 0.1)


def test_the_printed_curl_command_gets_a_token() -> None:
    with running() as (_, lines):
        answer = subprocess.run(
            lines[-1], shell=True, capture_output=True, text=True, check=True, timeout=10
        )

    assert "HTTP/1.1 201 CREATED" in answer.stdout
    assert "X-Subject-Token: " in answer.stdout


def test_a_port_in_use_gives_one_message_and_exit_code_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(simulator, ["--port", str(port), "--regions", "r1"])

    assert result.exit_code == 1
    assert len(result.output.splitlines()) == 1
    assert f"cannot listen on 127.0.0.1, ports {port} to {port + 1}: " in result.output
    assert "in use" in result.output


def test_an_invalid_scenario_gives_one_message_and_exit_code_1(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("tugs: []")
    result = CliRunner().invoke(simulator, ["--scenario", str(path)])

    assert (1, f"Error: {path}: tugs: Unknown field.\n") == (result.exit_code, result.output)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--regions", "r1,,r2"],
        ["--regions", "r1,r1"],
        ["--mirror", "r9=http://127.0.0.1:5000"],
        ["--mirror", "cn-east-3"],
        ["--mirror", "cn-east-3=127.0.0.1:5000"],
        ["--delay", "-1"],
        ["--port", "x"],
        ["--port", "65536"],
    ],
)
def test_invalid_options_give_exit_code_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(simulator, arguments).exit_code == 2
