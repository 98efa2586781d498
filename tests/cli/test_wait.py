"""`wait` against a served API: exit codes, output, and how it goes on."""

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from click.testing import Result
from flask import Flask, jsonify

from swrhook.syncs.states import Event
from tests.cli.conftest import Run
from tests.web.parts import EAST, HONG_KONG, READ, Parts

IMAGE = "team/web:v1"


def wait(run: Run, *arguments: str, **environ: str | None) -> Result:
    return run("wait", IMAGE, *arguments, **environ)


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_all_verified_is_0_and_prints_the_syncs(parts: Parts, run: Run) -> None:
    made = parts.push(IMAGE, EAST, HONG_KONG).syncs
    for sync in made:
        parts.happen(sync.id, Event.FIND)

    result = wait(run, "--json")
    table = wait(run)

    assert (result.exit_code, result.stderr) == (0, "")
    assert {sync.id for sync in made} == {each["id"] for each in objects(result)}
    assert (table.exit_code, len(table.stdout.splitlines())) == (0, 3)


def test_one_that_ended_otherwise_is_1_with_the_syncs(parts: Parts, run: Run) -> None:
    parts.happen(parts.push(IMAGE).syncs[0].id, Event.REFUSE)

    result = wait(run, "--json")

    assert (result.exit_code, [each["state"] for each in objects(result)]) == (1, ["rejected"])
    assert f"{IMAGE}: a sync has ended without being verified\n" == result.stderr


def test_none_known_is_1(run: Run) -> None:
    result = wait(run)

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{IMAGE}: no sync of the image matches\n" == result.stderr.partition("\n")[2]


def test_the_time_that_is_over_is_1_with_what_is_under_way(parts: Parts, run: Run) -> None:
    parts.push(IMAGE)

    result = wait(run, "--timeout", "0", "--json")

    assert (result.exit_code, [each["state"] for each in objects(result)]) == (1, ["pending"])
    assert f"{IMAGE}: not verified within 0 s\n" == result.stderr


def test_filters_are_those_of_the_api(parts: Parts, run: Run) -> None:
    old = parts.push(IMAGE, EAST, digest="sha256:" + "b" * 64)
    parts.happen(old.syncs[0].id, Event.FIND)
    parts.push(IMAGE, HONG_KONG)

    assert wait(run, "--region", "cn-east-3").exit_code == 0
    assert wait(run, "--delivery", old.delivery).exit_code == 0
    assert wait(run, "--digest", "sha256:" + "b" * 64).exit_code == 0
    assert wait(run, "--since", "1h", "--timeout", "0").exit_code == 1


@pytest.mark.parametrize("arguments", [["--timeout", "-1"], ["--digest", "x"], ["--since", "x"]])
def test_wrong_usage_is_2(run: Run, arguments: list[str]) -> None:
    assert wait(run, *arguments).exit_code == 2


def test_an_image_without_a_tag_is_2(run: Run) -> None:
    assert run("wait", "team/web").exit_code == 2


def test_a_token_that_is_not_known_is_1_at_once(parts: Parts, run: Run) -> None:
    parts.push(IMAGE)

    result = wait(run, SWRHOOK_TOKEN="guessed-token-guessed-token")

    assert (result.exit_code, "SWRHOOK_TOKEN is not accepted" in result.stderr) == (1, True)


@pytest.fixture
def flaky(parts: Parts) -> tuple[Flask, list[int]]:
    """A proxy's place: it lets nobody wait at first, then it fails, then the real API answers."""
    app = Flask("flaky")
    statuses = [408, 429, 502, 503]
    seen: list[int] = []

    @app.get("/api/v1/wait")
    def answer() -> Any:
        if statuses:
            seen.append(statuses.pop(0))
            return jsonify(syncs=[], detail="again"), seen[-1]
        found = parts.client(READ).get(f"/api/v1/wait?image={IMAGE}&timeout=0")
        seen.append(found.status_code)
        return jsonify(found.get_json()), found.status_code

    return app, seen


def test_a_server_that_is_away_for_a_moment_is_waited_for(
    parts: Parts, run: Run, flaky: tuple[Flask, list[int]], serve: Any
) -> None:
    app, seen = flaky
    parts.happen(parts.push(IMAGE).syncs[0].id, Event.FIND)

    result = wait(run, SWRHOOK_URL=serve(app))

    assert (result.exit_code, seen) == (0, [408, 429, 502, 503, 200])


def test_a_server_that_is_not_there_at_first_is_said_at_once(run: Run) -> None:
    result = wait(run, SWRHOOK_URL="http://127.0.0.1:9")

    assert (result.exit_code, "cannot be reached" in result.stderr) == (1, True)


def test_a_wait_that_finds_no_place_asks_again(parts: Parts, run: Run) -> None:
    options = parts.config.options
    parts.config = replace(parts.config, options=replace(options, waits=0))
    parts.happen(parts.push(IMAGE).syncs[0].id, Event.FIND)

    def free() -> None:
        parts.config = replace(parts.config, options=options)

    timer = threading.Timer(0.1, free)
    timer.start()
    result = wait(run)
    timer.join()

    assert result.exit_code == 0
