"""Tests that docs/simulator.md is complete, and that its scenarios and examples work."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from swrhook.cli.simulator import simulator
from swrhook.simulator import Fault, RunningSimulator, Settings, control, start
from swrhook.simulator.operations import IAM_OPERATIONS, OPERATIONS
from swrhook.simulator.scenario import Reader

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "simulator.md").read_text(encoding="utf-8")
REGIONS = ("cn-north-4", "cn-east-3", "ap-southeast-1")
SCENARIOS = sorted(path.name for path in (DOCS / "scenarios").iterdir())
TAGS = tuple(f"v{number}" for number in range(30))
TRIES = 50


@dataclass(frozen=True)
class Client:
    """A simple client that repeats failed calls, and trusts only the target."""

    iam: str
    endpoints: Mapping[str, str]
    session: requests.Session
    tokens: dict[str, str] = field(default_factory=dict)

    def login(self, region: str) -> str:
        user = {"name": "demo", "password": "demo", "domain": {"name": "demo"}}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": region}},
            }
        }
        for _ in range(TRIES):
            answer = self.session.post(f"{self.iam}/v3/auth/tokens", json=body, timeout=10)
            if answer.status_code == HTTPStatus.CREATED:
                return answer.headers["X-Subject-Token"]
        pytest.fail("no token")

    def call(self, region: str, method: str, path: str, body: object = None) -> int:
        """Call until the answer is 200 or 404."""
        url = f"{self.endpoints[region]}/v2/manage/namespaces/group/repos/busybox/{path}"
        for _ in range(TRIES):
            token = self.tokens.get(region) or self.login(region)
            self.tokens[region] = token
            try:
                answer = self.session.request(
                    method, url, json=body, headers={"X-Auth-Token": token}, timeout=10
                )
            except requests.ConnectionError:
                continue
            if answer.status_code == HTTPStatus.UNAUTHORIZED:
                del self.tokens[region]
            elif answer.status_code in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
                return answer.status_code
        pytest.fail(f"{method} {url} never succeeded")

    def copy(self, image: str, *, to: str, source: str = "cn-north-4") -> None:
        tag = image.rpartition(":")[2]
        body = {"imageTag": [tag], "remoteNamespace": "group", "remoteRegionId": to}
        for _ in range(TRIES):
            self.call(source, "POST", "sync_images", body)
            if self.call(to, "GET", f"tags/{tag}") == HTTPStatus.OK:
                return
        pytest.fail(f"{image} never arrived")


@pytest.fixture
def survive(session: requests.Session) -> Callable[..., Mapping[str, int]]:
    """Return a function that copies tags to the third region, and counts the faults that hit."""

    def run(name: str) -> Mapping[str, int]:
        scenario = Reader(REGIONS).file(DOCS / "scenarios" / name)
        with start(REGIONS, scenario=scenario) as sim:
            client = Client(sim.iam_url, sim.endpoints, session)
            # The test need not wait for the delay of the scenario.
            session.put(f"{sim.iam_url}/_sim/settings", json={"delay": 0}, timeout=10)
            for number, tag in enumerate(TAGS):
                source = REGIONS[number % 2]
                digest = sim.state.seed(source, "group", "busybox", tag).digest
                client.copy(f"group/busybox:{tag}", source=source, to=REGIONS[2])
                assert digest == sim.state.digest(REGIONS[2], "group", "busybox", tag)
            return Counter(name for call in sim.state.calls() for name in call.faults)

    return run


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_client_that_retries_survives_a_scenario_which_is_repeatable(
    survive: Callable[..., Mapping[str, int]], name: str
) -> None:
    hits = survive(name)
    names = {fault.name for fault in Reader(REGIONS).file(DOCS / "scenarios" / name).faults}

    assert set(hits) == names
    assert survive(name) == hits


def test_every_scenario_is_documented() -> None:
    assert sorted(re.findall(r"\(scenarios/(.+?)\)", GUIDE)) == SCENARIOS


def test_every_field_of_a_fault_is_documented() -> None:
    table = GUIDE.partition("| field |")[2].partition("\n\n")[0]

    assert [item.name for item in fields(Fault)] == re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    assert set(OPERATIONS + IAM_OPERATIONS) <= set(re.findall(r"`(\w+)`", table))


def test_every_setting_is_documented() -> None:
    text = GUIDE.partition("a setting chooses")[2].partition("## ")[0]

    assert {item.name for item in fields(Settings)} <= set(re.findall(r"`(\w+)`", text))


def test_every_option_is_documented() -> None:
    table = GUIDE.partition("| option |")[2].partition("\n\n")[0]
    options = [option for parameter in simulator.params for option in parameter.opts]

    assert sorted(options) == sorted(re.findall(r"^\| `(--\w+)", table, re.MULTILINE))


def test_every_route_of_the_control_api_is_documented(sim: RunningSimulator) -> None:
    table = GUIDE.partition("| route |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.+?) \|", table, re.MULTILINE)
    documented = {
        (method, path)
        for row in rows
        for path in re.findall(r"(/_sim/\w*)", row)
        for method in re.findall(r"[A-Z]+", row)
    }
    routes = control.create_app(sim.state).url_map.iter_rules()

    assert documented == {
        (method, f"/_sim{rule.rule}")
        for rule in routes
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_the_python_example_runs(session: requests.Session) -> None:
    [block] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(block, "docs/simulator.md", "exec"), names)
    test = names["test_my_client_survives_throttling"]
    assert callable(test)
    names["my_client"] = lambda *, iam, endpoints: Client(iam, endpoints, session)
    with start(REGIONS[:2], delay=0) as running:
        running.state.seed("cn-north-4", "group", "busybox", "v1")
        test(running)
