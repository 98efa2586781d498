"""`import-autosync` against the simulator: the printed rules are valid and say the same."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from swrhook.cli import main
from swrhook.config.loader import load
from swrhook.simulator import Fault, RunningSimulator, start
from swrhook.simulator.jobs import Image
from swrhook.simulator.model import Target
from swrhook.swr.protocol import PAGE_SIZE

WEST, EAST, HONG_KONG = "cn-north-4", "cn-east-3", "ap-southeast-1"
Import = Callable[..., Result]
CONFIGURATION = """\
swr:
  iam_endpoint: {iam}
  credentials: {{kind: password, user: demo, domain: demo, password: demo}}
  regions: {{cn-north-4: {{endpoint: "{west}"}}, cn-east-3: {{endpoint: "{east}"}}}}
senders:
  ci: {{dialect: generic, region: cn-north-4, auth: {{scheme: bearer, secrets: [{secret}]}}}}
rules: []
"""


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with start([WEST, EAST, HONG_KONG], delay=0.0) as running:
        for repository in ("web/shop", "web/api", "tools"):
            running.state.seed(WEST, "team-a", repository, "v1")
        add_rule(running, "web/shop", EAST)
        add_rule(running, "web/api", EAST)
        add_rule(running, "tools", EAST)
        add_rule(running, "tools", HONG_KONG, override=True)
        yield running


def add_rule(
    simulator: RunningSimulator, repository: str, region: str, *, override: bool = False
) -> None:
    target = Target(region, "team-a", override)
    image = Image(WEST, "team-a", repository)
    assert simulator.state.rules.add(image, target, auto=True, at=datetime.now(UTC))


@pytest.fixture
def run(simulator: RunningSimulator, tmp_path: Path) -> Import:
    west, east, _ = simulator.endpoints.values()
    text = CONFIGURATION.format(iam=simulator.iam_url, west=west, east=east, secret="sesame" * 4)
    (tmp_path / "swrhook.yaml").write_text(text)

    def run(*arguments: str) -> Result:
        command = ["import-autosync", str(tmp_path / "swrhook.yaml"), *arguments]
        environment = {"SWRHOOK_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db"}
        return CliRunner().invoke(main, command, env=environment)

    return run


def test_the_rules_of_swr_are_printed_as_valid_rules(run: Import, tmp_path: Path) -> None:
    result = run()

    assert result.exit_code == 0
    first, second = yaml.safe_load(result.stdout)["rules"]
    east = {"region": EAST, "namespace": "team-a"}
    assert first["when"] == {"sender": ["ci"], "namespace": "team-a", "repository": ["tools"]}
    assert first["sync"] == [
        {"region": HONG_KONG, "namespace": "team-a", "override": True},
        east,
    ]
    assert (second["when"]["repository"], second["sync"]) == (["web/api", "web/shop"], [east])
    file = tmp_path / "swrhook.yaml"
    regions = "cn-east-3: {endpoint:"
    text = file.read_text().replace(regions, f"{HONG_KONG}: {{}}, {regions}")
    file.write_text(text.replace("rules: []", result.stdout))
    assert [rule.name for rule in load(file, {}).rules] == ["autosync-1", "autosync-2"]


def test_it_changes_nothing_in_swr(run: Import, simulator: RunningSimulator) -> None:
    run()

    assert {call.method for call in simulator.state.calls() if call.region != "iam"} == {"GET"}


def test_regions_and_organizations_restrict_it(run: Import, simulator: RunningSimulator) -> None:
    simulator.state.seed(WEST, "team-b", "web", "v1")
    result = run("--region", WEST, "--namespace", "team-b")

    assert (result.exit_code, "no automatic synchronization" in result.stdout) == (0, True)
    assert [call.path for call in simulator.state.calls(operation="sync_repo")] == [
        "/v2/manage/namespaces/team-b/repos/web/sync_repo"
    ]
    assert simulator.state.calls(region=EAST) == []
    assert run("--region", HONG_KONG).exit_code == 2


def test_what_cannot_be_read_is_named(run: Import, simulator: RunningSimulator) -> None:
    forbidden = Fault(WEST, "sync_repo", repository="tools", error="SVCSTG.SWR.4030170")
    simulator.state.faults.add([forbidden])
    result = run()

    assert result.exit_code == 1
    assert "not read: cn-north-4/team-a/tools: SVCSTG.SWR.4030170" in result.stderr
    [rule] = yaml.safe_load(result.stdout)["rules"]
    assert rule["when"]["repository"] == ["web/api", "web/shop"]


def test_throttling_is_waited_for(run: Import, simulator: RunningSimulator) -> None:
    throttled = Fault(WEST, "sync_repo", times=3, error="APIGW.0308", headers={"Retry-After": "0"})
    simulator.state.faults.add([throttled])

    assert run().exit_code == 0
    assert len(simulator.state.calls(operation="sync_repo")) == 6


def test_a_server_that_does_not_page_is_asked_no_more_than_twice(
    run: Import, simulator: RunningSimulator
) -> None:
    page = [{"namespace": "team-a", "name": f"app{number:03}"} for number in range(PAGE_SIZE)]
    only = Fault(WEST, "repos", times=5, status=200, body=page)
    simulator.state.faults.add([only])

    result = run("--region", WEST, "--namespace", "team-a")

    assert result.exit_code == 0
    assert len(simulator.state.calls(operation="repos")) == 2
    assert len(simulator.state.calls(operation="sync_repo")) == PAGE_SIZE


def test_a_region_without_a_sender_is_pointed_out(run: Import, tmp_path: Path) -> None:
    file = tmp_path / "swrhook.yaml"
    file.write_text(
        file.read_text().replace("generic, region: cn-north-4", f"generic, region: {EAST}")
    )
    result = run()

    assert "# No sender has the region cn-north-4" in result.stdout
