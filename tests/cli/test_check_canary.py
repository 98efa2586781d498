"""`check --online --canary`: one tag is synced for real, measured, and removed on request."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swrhook.cli import main
from swrhook.simulator import Fault, RunningSimulator, start
from swrhook.simulator.model import SeedTag
from swrhook.swr.recordings import read_recording

WEST, EAST = "cn-north-4", "cn-east-3"
IMAGE = ("group", "web/shop", "v1")
CONFIGURATION = """\
swr:
  iam_endpoint: {iam}
  credentials: {{kind: password, user: demo, domain: demo, password: demo}}
  regions: {{cn-north-4: {{endpoint: "{west}"}}, cn-east-3: {{endpoint: "{east}"}}}}
senders:
  ci: {{dialect: generic, region: cn-north-4, auth: {{scheme: bearer, secrets: [{secret}]}}}}
rules: []
settings: {{verify: {{deadline: 3s}}}}
"""
Canary = Callable[..., Result]


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with start([WEST, EAST], delay=0.0) as running:
        running.state.seed(WEST, *IMAGE)
        yield running


@pytest.fixture
def canary(simulator: RunningSimulator, tmp_path: Path) -> Canary:
    west, east = simulator.endpoints.values()
    file = tmp_path / "swrhook.yaml"
    secret = "sesame" * 4
    file.write_text(
        CONFIGURATION.format(iam=simulator.iam_url, west=west, east=east, secret=secret)
    )

    def run(*arguments: str, image: str = "group/web/shop:v1", to: str = f"{EAST}/group") -> Result:
        command = ["check", str(file), "--online", "--canary", image, "--to", to, *arguments]
        environment = {"SWRHOOK_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db"}
        return CliRunner().invoke(main, command, env=environment)

    return run


def facts(result: Result) -> dict[str, str]:
    return {fact["fact"]: fact["answer"] for fact in json.loads(result.stdout)["facts"]}


def messages(result: Result) -> list[tuple[str, str]]:
    findings: list[Any] = json.loads(result.stdout)["findings"]
    return [(finding["level"], finding["message"]) for finding in findings]


def deletions(simulator: RunningSimulator) -> int:
    return len(simulator.state.calls(operation="delete_tag"))


def test_a_tag_is_synced_and_measured(canary: Canary, simulator: RunningSimulator) -> None:
    result = canary("--json")

    answers = facts(result)
    assert result.exit_code == 0
    assert answers.pop("call-body").endswith("body []")
    assert answers.pop("arrival").startswith("at most ")
    assert answers.pop("job-states").startswith("success (")
    assert answers == {
        "rate-headers": "no header says so",
        "manual-jobs": "yes",
        "digest": "yes",
        "target-repository": "yes",
    }
    message = "cn-east-3/group/web/shop:v1 arrived with its digest, tag_type 0 and 0"
    assert ("ok", message) in messages(result)
    assert simulator.state.digest(WEST, *IMAGE) == simulator.state.digest(EAST, *IMAGE)
    assert deletions(simulator) == 0


def test_clean_removes_the_tag_that_was_not_there(
    canary: Canary, simulator: RunningSimulator
) -> None:
    result = canary("--clean", "--json")

    assert messages(result)[-1] == (
        "ok",
        "cn-east-3/group/web/shop:v1 is removed; its repository stays",
    )
    assert simulator.state.digest(EAST, *IMAGE) is None
    assert simulator.state.digest(WEST, *IMAGE) is not None


def test_clean_keeps_a_tag_that_was_there(canary: Canary, simulator: RunningSimulator) -> None:
    digest = simulator.state.digest(WEST, *IMAGE)
    simulator.state.seed(EAST, *IMAGE, digest)
    result = canary("--clean", "--json")

    assert messages(result)[-1][1].endswith("was there before: it is left as it is")
    assert digest == simulator.state.digest(EAST, *IMAGE)
    assert (deletions(simulator), "arrival" in facts(result)) == (0, False)


def test_another_image_at_the_target_is_not_touched(
    canary: Canary, simulator: RunningSimulator
) -> None:
    other = simulator.state.seed(EAST, *IMAGE).digest
    result = canary("--clean", "--json")

    assert (result.exit_code, messages(result)) == (
        1,
        [("problem", "the target has another image under this tag, which is not replaced")],
    )
    assert other == simulator.state.digest(EAST, *IMAGE)
    assert simulator.state.calls(operation="sync_images") == []


def test_a_tag_that_is_not_at_the_source_is_a_problem(
    canary: Canary, simulator: RunningSimulator
) -> None:
    result = canary("--json", image="group/web/shop:v9")

    assert messages(result) == [("problem", "cn-north-4/group/web/shop:v9 does not exist")]
    assert simulator.state.calls(operation="sync_images") == []


def test_a_failed_job_ends_the_wait(canary: Canary, simulator: RunningSimulator) -> None:
    simulator.state.faults.add([Fault(operation="sync_images", job="failed")])
    result = canary("--json")

    assert result.exit_code == 1
    assert messages(result)[-1][1].startswith("cn-east-3/group/web/shop:v1 is not there after")
    assert facts(result)["job-states"].startswith("failed")


def test_a_tag_that_never_comes_ends_at_the_deadline(
    canary: Canary, simulator: RunningSimulator
) -> None:
    simulator.state.faults.add([Fault(operation="sync_images", job="never", job_shown="hidden")])
    result = canary("--json")

    assert (result.exit_code, facts(result)["manual-jobs"]) == (1, "none was listed")


def test_a_refused_call_is_reported_with_its_answer(
    canary: Canary, simulator: RunningSimulator
) -> None:
    simulator.state.faults.add([Fault(operation="sync_images", error="SVCSTG.SWR.4030170")])
    result = canary("--json")

    assert (result.exit_code, messages(result)[0][0]) == (1, "problem")
    assert facts(result)["call-body"].startswith("403 after ")
    assert "errorCode: string" in facts(result)["call-body"]


def test_a_call_without_an_answer_says_nothing_about_answers(
    canary: Canary, simulator: RunningSimulator
) -> None:
    simulator.state.faults.add([Fault(operation="sync_images", connection="reset")])
    result = canary("--json")

    assert (result.exit_code, facts(result)) == (1, {})


def test_regions_that_cannot_show_one_tag_are_read_by_the_list(
    canary: Canary, simulator: RunningSimulator
) -> None:
    simulator.state.faults.add([Fault("*", "tag", error="APIGW.0101")])
    result = canary("--clean", "--json")

    assert (result.exit_code, facts(result)["digest"]) == (0, "yes")
    assert simulator.state.digest(EAST, *IMAGE) is None


def test_jobs_need_not_be_readable(canary: Canary, simulator: RunningSimulator) -> None:
    simulator.state.faults.add([Fault(WEST, "sync_job", error="SVCSTG.SWR.4030170")])

    assert facts(canary("--json"))["digest"] == "yes"


def test_a_multi_arch_image_is_compared_as_one(canary: Canary, simulator: RunningSimulator) -> None:
    simulator.state.push(SeedTag(WEST, "group", "web/shop", "multi", index=True))

    answer = facts(canary("--json", image="group/web/shop:multi"))["index"]

    assert answer == "as an index, digest kept: yes"


def test_a_canary_can_be_recorded(
    canary: Canary, simulator: RunningSimulator, tmp_path: Path
) -> None:
    file = tmp_path / "answers.json"
    canary("--record", str(file))

    calls = [exchange for exchange in read_recording(file).exchanges if exchange.method == "POST"]
    assert [call.path.rpartition("/")[2] for call in calls if call.place == WEST] == ["sync_images"]
    assert simulator.endpoints[WEST] not in file.read_text()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"image": "shop"}, "is not ORG/REPO:TAG"),
        ({"image": "group/web/shop"}, "is not ORG/REPO:TAG"),
        ({"to": "cn-east-3"}, "is not REGION/ORG"),
        ({"to": "atlantis/group"}, "atlantis is not under swr.regions"),
    ],
)
def test_wrong_names_are_refused(canary: Canary, options: dict[str, str], text: str) -> None:
    result = canary(**options)

    assert (result.exit_code, text in result.stderr) == (2, True)


def test_the_source_region_may_be_named(canary: Canary, simulator: RunningSimulator) -> None:
    simulator.state.seed(EAST, "group", "api", "v1")
    result = canary("--from", EAST, "--json", image="group/api:v1", to=f"{WEST}/group")

    assert result.exit_code == 0
    assert simulator.state.digest(WEST, "group", "api", "v1") is not None
    assert canary("--from", "atlantis").exit_code == 2
