"""`wait` against a served API: exit codes, output, and repeated polls."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from click.testing import Result
from flask import Flask, jsonify

from swrhook.syncs.observations import Place
from swrhook.syncs.states import Event
from tests.cli.conftest import Run
from tests.json_lines import json_lines
from tests.web.harness import EAST, HONG_KONG, READ, WebHarness

IMAGE = "team/web:v1"


def wait(run: Run, *arguments: str, **environ: str | None) -> Result:
    return run("wait", IMAGE, *arguments, **environ)


def objects(result: Result) -> list[dict[str, Any]]:
    return json_lines(result.stdout)


def test_it_exits_with_0_and_prints_the_syncs_when_all_are_verified(
    harness: WebHarness, run: Run
) -> None:
    syncs = harness.push(IMAGE, EAST, HONG_KONG).syncs
    for sync in syncs:
        harness.happen(sync.id, Event.VERIFY_WITHOUT_CALL)

    result = wait(run, "--json")
    table = wait(run)

    assert (result.exit_code, result.stderr) == (0, "")
    assert {sync.id for sync in syncs} == {sync["id"] for sync in objects(result)}
    assert (table.exit_code, len(table.stdout.splitlines())) == (0, 3)


def test_it_exits_with_1_as_soon_as_a_sync_has_ended_in_another_state(
    harness: WebHarness, run: Run
) -> None:
    harness.happen(harness.push(IMAGE).syncs[0].id, Event.REJECT_BEFORE_CALL)

    result = wait(run, "--json")

    assert (result.exit_code, [sync["state"] for sync in objects(result)]) == (1, ["rejected"])
    assert f"{IMAGE}: a sync has ended without being verified\n" == result.stderr


def test_it_exits_with_1_if_no_sync_matches(run: Run) -> None:
    result = wait(run)

    assert (result.exit_code, result.stdout) == (1, "")
    reason = "no sync of the image matches (the command explain says why)"
    assert f"{IMAGE}: {reason}\n" == result.stderr


def test_it_exits_with_1_after_the_timeout_and_prints_the_syncs(
    harness: WebHarness, run: Run
) -> None:
    harness.push(IMAGE)

    result = wait(run, "--timeout", "0", "--json")

    assert (result.exit_code, [sync["state"] for sync in objects(result)]) == (1, ["pending"])
    assert f"{IMAGE}: not verified within 0 s\n" == result.stderr


def test_options_filter_the_syncs(harness: WebHarness, run: Run) -> None:
    old = harness.push(IMAGE, EAST, digest="sha256:" + "b" * 64)
    harness.happen(old.syncs[0].id, Event.VERIFY_WITHOUT_CALL)
    harness.held[Place("cn-east-3", "team", "web", "v1")] = "sha256:" + "b" * 64
    harness.push(IMAGE, HONG_KONG)

    assert wait(run, "--region", "cn-east-3").exit_code == 0
    assert wait(run, "--delivery", old.delivery).exit_code == 0
    assert wait(run, "--digest", "sha256:" + "b" * 64).exit_code == 0
    assert wait(run, "--since", "1h", "--timeout", "0").exit_code == 1


@pytest.mark.parametrize("arguments", [["--timeout", "-1"], ["--digest", "x"], ["--since", "x"]])
def test_wrong_usage_exits_with_2(run: Run, arguments: list[str]) -> None:
    assert wait(run, *arguments).exit_code == 2


def test_an_image_without_a_tag_exits_with_2(run: Run) -> None:
    assert run("wait", "team/web").exit_code == 2


def test_a_wrong_token_is_reported_at_once(harness: WebHarness, run: Run) -> None:
    harness.push(IMAGE)

    result = wait(run, SWRHOOK_TOKEN="guessed-token-guessed-token")

    assert (result.exit_code, "SWRHOOK_TOKEN is not accepted" in result.stderr) == (1, True)


@pytest.fixture
def flaky(harness: WebHarness) -> tuple[Flask, list[int]]:
    """A proxy in front of the API that answers four polls itself, and records the statuses."""
    app = Flask("flaky")
    statuses = [408, 429, 502, 503]
    answered: list[int] = []

    @app.get("/api/v1/wait")
    def answer() -> Any:
        if statuses:
            answered.append(statuses.pop(0))
            return jsonify(syncs=[], detail="again"), answered[-1]
        response = harness.client(READ).get(f"/api/v1/wait?image={IMAGE}&max_age=24h")
        answered.append(response.status_code)
        return jsonify(response.get_json()), response.status_code

    return app, answered


def test_polls_continue_while_the_server_is_unreachable_for_a_moment(
    harness: WebHarness, run: Run, flaky: tuple[Flask, list[int]], serve: Any
) -> None:
    app, answered = flaky
    harness.happen(harness.push(IMAGE).syncs[0].id, Event.VERIFY_WITHOUT_CALL)

    result = wait(run, SWRHOOK_URL=serve(app))

    assert (result.exit_code, answered) == (0, [408, 429, 502, 503, 200])


def test_a_server_that_is_unreachable_at_first_is_reported_at_once(run: Run) -> None:
    result = wait(run, SWRHOOK_URL="http://127.0.0.1:9")

    assert (result.exit_code, "cannot be reached" in result.stderr) == (1, True)


def test_a_wait_that_the_server_refuses_with_429_is_repeated(harness: WebHarness, run: Run) -> None:
    options = harness.config.options
    harness.config = replace(harness.config, options=replace(options, waits=0))
    harness.happen(harness.push(IMAGE).syncs[0].id, Event.VERIFY_WITHOUT_CALL)

    def allow_waits() -> None:
        harness.config = replace(harness.config, options=options)

    timer = threading.Timer(0.1, allow_waits)
    timer.start()
    result = wait(run)
    timer.join()

    assert result.exit_code == 0
