"""The ready-made steps for CI, run as their pages say, against the real service.

No runner of a CI system is at hand: the tests read each step, fill in its inputs as the system
would, and run its script in the step's own shell.
"""

import json
import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from swrhook import config, simulator
from tests.programs import ROOT, TOKEN, Served, needs
from tests.service.conftest import SECRET

STEPS = ROOT / "integrations"
SCRIPT = (STEPS / "report-and-wait.sh").read_text()
PAGES = ROOT / "docs" / "integrations"
DIGEST = "sha256:" + "b" * 64
pytestmark = needs("sh", "curl", "jq")


def block(page: str, kind: str) -> str:
    """Return the first block of a page in this language."""
    text = (PAGES / f"{page}.md").read_text()
    found = re.search(rf"^( *)```{kind}\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE)
    assert found
    return textwrap.dedent(found[2])


@dataclass
class Job:
    """A job's folder and variables, and what its step did."""

    folder: Path
    url: str
    environ: dict[str, str] = field(default_factory=dict)

    def run(
        self, script: str, environ: Mapping[str, str], shell: str = "sh"
    ) -> "subprocess.CompletedProcess[str]":
        path = {"PATH": os.environ["PATH"], "TMPDIR": str(self.folder)}
        return subprocess.run(
            [shell, "-e", "-c", script],
            cwd=self.folder,
            env=path | self.environ | dict(environ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def outputs(self, name: str) -> dict[str, str]:
        lines = (self.folder / name).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def job(tmp_path: Path, service: Served, swr: simulator.RunningSimulator) -> Job:
    """A job that has pushed team-a/shop:v1, which a rule copies."""
    document = json.loads((service.folder / "swrhook.yaml").read_text())
    sync = [{"region": "cn-east-3", "namespace": "team"}]
    document["rules"] = [{"name": "all", "when": {"namespace": "team-a"}, "sync": sync}]
    service.configure(document)
    swr.state.seed("cn-north-4", "team-a", "shop", "v1")
    service.start()
    folder = tmp_path / "job"
    folder.mkdir()
    return Job(folder, service.url)


def script_environ(job: Job, **variables: str) -> dict[str, str]:
    tokens = {"SWRHOOK_SENDER_TOKEN": SECRET, "SWRHOOK_TOKEN": TOKEN, "OUTPUT_FILE": "output"}
    return {"SWRHOOK_URL": job.url, "IMAGE": "team-a/shop:v1", **tokens, **variables}


def test_github_actions(job: Job, swr: simulator.RunningSimulator) -> None:
    action = yaml.safe_load((STEPS / "github" / "action.yml").read_text())
    _, use, show = yaml.safe_load(block("github-actions", "yaml"))
    assert use["uses"].partition("@")[0].endswith("/integrations/github")
    secrets = {"SWRHOOK_SENDER_TOKEN": SECRET, "SWRHOOK_TOKEN": TOKEN}
    inputs = {name: str(spec.get("default", "")) for name, spec in action["inputs"].items()}
    for name, value in use["with"].items():
        assert name in inputs
        inputs[name] = _expanded(value, "secrets", secrets)
    inputs["url"] = job.url
    [step] = action["runs"]["steps"]
    environ = {name: _expanded(value, "inputs", inputs) for name, value in step["env"].items()}
    pushed = {
        "image.name": "swr.cn-north-4.myhuaweicloud.com/team-a/shop:v1",
        "containerimage.digest": DIGEST,
    }
    (job.folder / "pushed.json").write_text(json.dumps(pushed))

    github = {"GITHUB_OUTPUT": "output", "GITHUB_ACTION_PATH": str(STEPS / "github")}
    done = job.run(step["run"], environ | github, step["shell"])

    assert done.returncode == 0, done.stdout + done.stderr
    outputs = job.outputs("output")
    assert (outputs["outcome"], outputs["state"]) == ("accepted", "verified")
    assert {spec["value"] for spec in action["outputs"].values()} == {
        f"${{{{ steps.{step['id']}.outputs.{name} }}}}" for name in outputs
    }
    assert set(re.findall(r"outputs\.(\w+)", show["run"])) <= set(action["outputs"])
    assert swr.state.digest("cn-east-3", "team", "shop", "v1") is not None


def _expanded(text: str, kind: str, values: Mapping[str, str]) -> str:
    """Replace GitHub's expressions of one kind."""
    return re.sub(rf"\$\{{\{{ {kind}\.([\w-]+) \}}\}}", lambda match: values[match[1]], text)


def test_gitlab_ci(job: Job) -> None:
    file = STEPS / "gitlab" / "templates" / "report-and-wait.yml"
    header, body = file.read_text().split("\n---\n")
    declared = yaml.safe_load(header)["spec"]["inputs"]
    [include] = yaml.safe_load(block("gitlab-ci", "yaml"))["include"]
    assert include["component"].partition("@")[0].endswith(f"/{file.stem}")
    assert set(include["inputs"]) <= set(declared)
    assert {name for name, spec in declared.items() if "default" not in spec} == {"url", "image"}
    inputs = {name: spec.get("default") for name, spec in declared.items()} | include["inputs"]
    inputs |= {"url": job.url, "image": "team-a/shop:v1"}
    text = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda match: str(inputs[match[1]]), body)
    [(name, definition)] = yaml.safe_load(text).items()
    job.environ = {"SWRHOOK_SENDER_TOKEN": SECRET, "SWRHOOK_TOKEN": TOKEN, "CI_JOB_ID": "7"}
    variables = {
        key: re.sub(r"\$(\w+)", lambda match: job.environ[match[1]], value)
        for key, value in definition["variables"].items()
    }

    done = job.run("\n".join([*definition["before_script"], *definition["script"]]), variables)

    assert (name, definition["stage"]) == ("replicate", "test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert definition["script"] == [SCRIPT]
    assert job.outputs(definition["artifacts"]["reports"]["dotenv"])["state"] == "verified"


def test_gitlab_ci_adds_what_the_image_lacks(job: Job) -> None:
    text = (STEPS / "gitlab" / "templates" / "report-and-wait.yml").read_text()
    template = yaml.safe_load(text.split("\n---\n")[1])
    [definition] = template.values()
    programs = job.folder / "bin"
    programs.mkdir()
    for program in ("curl", "apk"):
        (programs / program).write_text('#!/bin/sh\necho "$0 $*" >>"$TMPDIR/called"\n')
        (programs / program).chmod(0o755)

    done = job.run("\n".join(definition["before_script"]), {"PATH": str(programs)}, "/bin/sh")

    assert done.returncode == 0, done.stderr
    called = (job.folder / "called").read_text()
    assert called == f"{programs}/apk add --quiet --no-progress curl jq\n"


def test_jenkins(job: Job) -> None:
    stage = block("jenkins", "groovy")
    environ = dict(re.findall(r"^ +(\w+) = ['\"](.*)['\"]$", stage, re.MULTILINE))
    credentials = dict(re.findall(r"^ +(\w+) = credentials\('([\w-]+)'\)$", stage, re.MULTILINE))
    [command] = re.findall(r"sh '(.*)'", stage)
    assert credentials == {
        "SWRHOOK_SENDER_TOKEN": "swrhook-sender",
        "SWRHOOK_TOKEN": "swrhook-read",
    }
    (job.folder / "ci").mkdir()
    shutil.copy(STEPS / "report-and-wait.sh", job.folder / "ci")
    values = {"TAG_NAME": "v1", "BUILD_TAG": "jenkins-shop-7"}
    environ = {
        name: re.sub(r"\$\{env\.(\w+)\}", lambda match: values[match[1]], value)
        for name, value in environ.items()
    }

    done = job.run(
        command, script_environ(job) | environ | {"SWRHOOK_URL": job.url, "IMAGE": environ["IMAGE"]}
    )

    assert environ["IMAGE"] == "team-a/shop:v1"
    assert done.returncode == 0, done.stdout + done.stderr
    assert job.outputs("swrhook.properties")["state"] == "verified"


def test_tekton(job: Job) -> None:
    task = yaml.safe_load((STEPS / "tekton" / "task.yaml").read_text())["spec"]
    [use] = yaml.safe_load(block("tekton", "yaml"))
    params = {each["name"]: each.get("default") for each in task["params"]}
    given = {each["name"]: each["value"] for each in use["params"]}
    assert set(given) <= set(params)
    assert {name for name, default in params.items() if default is None} <= set(given)
    results = {"IMAGE_URL": "swr.cn-north-4.myhuaweicloud.com/team-a/shop:v1", "IMAGE_DIGEST": ""}
    for name, value in given.items():
        params[name] = re.sub(
            r"\$\(tasks\.push\.results\.(\w+)\)", lambda match: results[match[1]], value
        )
    params["url"] = job.url
    [step] = task["steps"]
    secret = {"sender-token": SECRET, "token": TOKEN}
    environ = {
        each["name"]: _filled(each["value"], params)
        if "value" in each
        else secret[each["valueFrom"]["secretKeyRef"]["key"]]
        for each in step["env"]
    }
    folder = job.folder / "results"
    folder.mkdir()

    done = job.run(step["script"], environ | {"RESULT_FOLDER": str(folder)})

    assert done.returncode == 0, done.stdout + done.stderr
    assert step["script"] == SCRIPT
    assert {file.name for file in folder.iterdir()} == {each["name"] for each in task["results"]}
    assert (folder / "state").read_text() == "verified"


def _filled(text: str, params: Mapping[str, Any]) -> str:
    values = {f"params.{name}": str(value) for name, value in params.items()}
    values["context.taskRun.uid"] = "5c3f"
    return re.sub(r"\$\(([\w.-]+)\)", lambda match: values[match[1]], text)


def test_a_step_that_only_reports_needs_no_token(job: Job) -> None:
    done = job.run(SCRIPT, script_environ(job, TIMEOUT="0", SWRHOOK_TOKEN=""))

    assert done.returncode == 0, done.stderr
    assert job.outputs("output")["state"] == "reported"


def test_an_image_that_cannot_arrive_fails_with_the_reason(
    job: Job, swr: simulator.RunningSimulator
) -> None:
    swr.state.reset()
    swr.state.seed("cn-north-4", "team-a", "shop", "v1")

    done = job.run(SCRIPT, script_environ(job))

    assert done.returncode == 1
    assert "cn-east-3/team: rejected: " in done.stderr
    assert job.outputs("output")["state"] == "failed"


def test_an_image_that_no_rule_selects_fails_with_the_reason(job: Job) -> None:
    done = job.run(SCRIPT, script_environ(job, IMAGE="other/app:v1"))

    assert done.returncode == 1
    assert "no rule matches" in done.stderr
    assert job.outputs("output")["state"] == "ignored"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"SWRHOOK_SENDER_TOKEN": "wrong"}, "the report was answered 401"),
        ({"SWRHOOK_TOKEN": "wrong"}, "the wait was answered 401"),
        ({"IMAGE": "team-a/shop"}, "the report was answered 422"),
        ({"IMAGE": "team-a/shop"}, '"team-a/shop" has no tag'),
        ({"SWRHOOK_SENDER": "nobody"}, "the report was answered 404"),
        ({"TIMEOUT": "1", "IMAGE": "team-a/shop:never"}, "is not verified after 1 s"),
        ({"SWRHOOK_SENDER_TOKEN": ""}, "SWRHOOK_SENDER_TOKEN: is not set"),
        ({"SWRHOOK_TOKEN": ""}, "SWRHOOK_TOKEN is not set: it needs a token with the role read"),
        ({"TIMEOUT": "30m"}, 'TIMEOUT is "30m", but must be seconds'),
        ({"IMAGE": ""}, "neither IMAGE nor METADATA_FILE is set"),
        ({"METADATA_FILE": "none.json"}, "there is no file none.json"),
    ],
)
def test_a_mistake_is_told(job: Job, changed: dict[str, str], reason: str) -> None:
    done = job.run(SCRIPT, script_environ(job, **changed))

    assert done.returncode != 0
    assert done.stderr.count(reason) == 1
    assert SECRET not in done.stdout + done.stderr


def test_the_configuration_that_the_pages_ask_for_is_valid() -> None:
    added = yaml.safe_load(block("README", "yaml"))
    document = {
        "swr": {
            "iam_endpoint": "https://iam.myhuaweicloud.com",
            "credentials": {"kind": "token", "token": "${CI_SECRET}"},
            "regions": {"cn-north-4": {}},
        },
        "rules": [],
        **added,
    }
    environ = dict.fromkeys(("CI_SECRET", "CI_READ_TOKEN"), "a-value-long-enough")
    environ["CI_READ_TOKEN"] += "-and-another"
    text = yaml.safe_dump(document).encode()

    parsed = config.parse(text, file="page", environ=environ, read_file=config.read_secret_file)

    assert set(parsed.senders) == {"ci"}
