"""The CI jobs of the docs, run as they stand against the real service: report, then wait."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from swrhook import simulator
from tests.programs import ROOT, TOKEN, Served, needs

PAGE = (ROOT / "docs" / "how-to" / "wait-in-ci.md").read_text()
BLOCKS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
[GITHUB] = [block for block in BLOCKS if isinstance(block, list) and "run" in block[0]]
[GITLAB] = [block for block in BLOCKS if isinstance(block, dict) and "publish" in block]
DIGEST = "sha256:" + "a" * 64
SECRET = "a-secret-of-the-senders"


@pytest.fixture
def job(tmp_path: Path, service: Served, swr: simulator.RunningSimulator) -> dict[str, str]:
    """The environment of a job that has pushed team-a/shop:v1, beside a running service."""
    rule = {"name": "all", "when": {"namespace": "team-a"}}
    document = json.loads((service.folder / "swrhook.yaml").read_text())
    document["rules"] = [rule | {"sync": [{"region": "cn-east-3", "namespace": "team"}]}]
    service.configure(document)
    swr.state.seed("cn-north-4", "team-a", "shop", "v1")
    service.start()
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "SWRHOOK_URL": service.url,
        "SWRHOOK_TOKEN": TOKEN,
        "CI_TOKEN": SECRET,
        "CI_COMMIT_TAG": "v1",
        "CI_JOB_ID": "7",
        "GITHUB_REF_NAME": "v1",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }


def run(
    script: str, folder: Path, environ: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )


def without(script: str, program: str) -> str:
    """Leave out a command, with the lines that it goes on over."""
    return re.sub(rf"^{program} (?:.*\\\n)*.*\n", "", script, flags=re.MULTILINE)


@needs("bash", "curl", "jq")
def test_the_job_of_gitlab_goes_on_when_the_image_has_arrived(
    tmp_path: Path, job: dict[str, str], swr: simulator.RunningSimulator
) -> None:
    build, *rest = GITLAB["publish"]["script"]
    published = run("\n".join(rest), tmp_path, job)
    delivery = (tmp_path / "delivery.env").read_text().strip().removeprefix("DELIVERY=")
    [enter, wait] = GITLAB["arrived"]["script"]
    waited = run(wait, ROOT, job | {"DELIVERY": delivery})

    assert build.startswith("docker build")
    assert enter == "cd /app"
    assert (published.returncode, waited.returncode) == (0, 0), published.stderr + waited.stderr
    assert "verified" in waited.stdout
    assert swr.state.digest("cn-east-3", "team", "shop", "v1") is not None
    assert [GITLAB[name]["stage"] for name in GITLAB] == ["build", "test", "deploy"]
    assert GITLAB["publish"]["artifacts"] == {"reports": {"dotenv": "delivery.env"}}


@needs("bash", "curl", "jq")
def test_the_job_of_github_goes_on_when_the_image_has_arrived(
    tmp_path: Path, job: dict[str, str]
) -> None:
    push, wait, _deploy = GITHUB
    tag = "swr.cn-north-4.myhuaweicloud.com/team-a/shop:v1"
    pushed = {"image.name": tag, "containerimage.digest": DIGEST}
    (tmp_path / "pushed.json").write_text(json.dumps(pushed))
    reported = run(without(push["run"], "docker buildx"), tmp_path, job)
    output = (tmp_path / "output").read_text().strip()
    name, _, delivery = output.partition("=")
    command = wait["run"].partition("registry.example.com/swrhook ")[2]
    waited = run(command, ROOT, job | {"DELIVERY": delivery})

    assert reported.returncode == 0, reported.stderr
    assert f"${{{{ steps.{push['id']}.outputs.{name} }}}}" == wait["env"]["DELIVERY"]
    assert (waited.returncode, "verified" in waited.stdout) == (0, True), waited.stderr


@needs("bash", "curl", "jq")
def test_a_job_whose_image_cannot_arrive_stops_with_the_reason(
    tmp_path: Path, job: dict[str, str], swr: simulator.RunningSimulator
) -> None:
    swr.state.reset()
    swr.state.seed("cn-north-4", "team-a", "shop", "v1")
    run("\n".join(GITLAB["publish"]["script"][1:]), tmp_path, job)
    delivery = (tmp_path / "delivery.env").read_text().strip().removeprefix("DELIVERY=")
    waited = run(GITLAB["arrived"]["script"][1], ROOT, job | {"DELIVERY": delivery})

    assert waited.returncode == 1
    assert "create the organization team in cn-east-3" in waited.stdout


def test_a_wait_does_not_hold_up_the_end_of_the_service(service: Served) -> None:
    service.start()
    bearer = {"Authorization": f"Bearer {SECRET}"}
    body = {"image": "team/app:never"}
    requests.post(f"{service.url}/hooks/ci", json=body, headers=bearer, timeout=20)
    answers: list[Any] = []

    def wait() -> None:
        url = f"{service.url}/api/v1/wait?image=team/app:never&timeout=300"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answers.append(requests.get(url, headers=headers, timeout=60).status_code)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join(0.5)
    ended = service.stop()
    thread.join(60)

    assert (ended, answers) == (0, [408])
