"""`available` against a served API: exit codes and output."""

import json

from swrhook.syncs.observations import Place
from tests.cli.conftest import Run
from tests.web.harness import ASK, EAST, WebHarness

IMAGE = "team/web:v1"
IN_EAST = Place("cn-east-3", "team", "web", "v1")


def test_it_exits_with_0_if_the_image_is_at_every_target(harness: WebHarness, run: Run) -> None:
    harness.push(IMAGE, EAST)

    result = run("available", IMAGE, "--json", SWRHOOK_TOKEN=ASK)
    table = run("available", IMAGE, SWRHOOK_TOKEN=ASK)

    assert (result.exit_code, json.loads(result.stdout)["state"]) == (0, "available")
    assert (table.exit_code, "cn-east-3/team" in table.stdout) == (0, True)


def test_it_exits_with_1_if_one_image_is_not_there(harness: WebHarness, run: Run) -> None:
    harness.held[IN_EAST] = None

    result = run("available", "team/api:v1", IMAGE, "--max-age", "5s")

    assert (result.exit_code, "missing" in result.stdout) == (1, True)


def test_it_exits_with_2_if_nothing_is_known(harness: WebHarness, run: Run) -> None:
    unknown = run("available", "team/web@sha256:" + "b" * 64, "--region", "cn-east-3")
    nowhere = run("available", "elsewhere/web:v1")
    unreachable = run("available", IMAGE, SWRHOOK_URL="http://127.0.0.1:9")

    del harness
    assert (unknown.exit_code, "name its tag, too" in unknown.stderr) == (2, True)
    assert (nowhere.exit_code, "specify the region" in nowhere.stderr) == (2, True)
    assert (unreachable.exit_code, "cannot be reached" in unreachable.stderr) == (2, True)


def test_wrong_usage_exits_with_2(run: Run) -> None:
    assert run("available").exit_code == 2
    assert run("available", "team/web").exit_code == 2
    assert run("available", IMAGE, "--max-age", "soon").exit_code == 2
