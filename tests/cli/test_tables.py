"""`syncs` and `deliveries`: tables, JSON, filters and pages."""

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from swrhook.cli.deliveries import deliveries
from swrhook.cli.options import LARGEST_PAGE
from swrhook.cli.syncs import syncs
from swrhook.errors import Kind, SwrError
from swrhook.model import Outcome
from swrhook.syncs.states import Event
from tests.cli.conftest import Run
from tests.json_lines import json_lines
from tests.web.harness import EAST, HONG_KONG, READ, WebHarness

ROOT = Path(__file__).parents[2]


def objects(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return json_lines(result.stdout)


def test_a_pipe_gets_cells_between_tabs_and_nothing_else(harness: WebHarness, run: Run) -> None:
    image = f"team/{'/'.join(['a-long-folder'] * 8)}:v1"
    sync = harness.push(image).syncs[0]
    error = SwrError(Kind.PERMANENT, "SWR.404", "no such organization", remedy="make it")
    harness.happen(sync.id, Event.REJECT_BEFORE_CALL, error)

    heading, row = run("syncs").stdout.splitlines()

    assert heading.split("\t") == ["id", "age", "state", "image", "target", "why"]
    cells = row.split("\t")
    why = "no such organization; make it"
    assert [sync.id, "rejected", image, "cn-east-3/team", why] == [cells[0], *cells[2:]]


def test_deliveries_are_printed_as_a_table(harness: WebHarness, run: Run) -> None:
    receipt = harness.push("team/web:v1", EAST, HONG_KONG, reason="team/x: no rule")

    heading, row = run("deliveries").stdout.splitlines()

    headings = ["id", "age", "sender", "outcome", "syncs", "images", "why"]
    assert headings == heading.split("\t")
    assert row.split("\t")[0] == receipt.delivery
    assert row.split("\t")[2:] == ["ci", "accepted", "2", "team/web:v1", "team/x: no rule"]


def test_json_has_the_objects_of_the_api_one_per_line(harness: WebHarness, run: Run) -> None:
    harness.push("team/web:v1", EAST, HONG_KONG)
    client = harness.client()

    assert client.get("/api/v1/syncs").get_json()["items"] == objects(run("syncs", "--json"))
    assert client.get("/api/v1/deliveries").get_json()["items"] == objects(
        run("deliveries", "--json")
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["v1", "v1", "v2"]),
        (["--state", "verified"], ["v1"]),
        (["--state", "verified", "--state", "pending"], ["v1", "v1", "v2"]),
        (["--region", "cn-east-3"], ["v1", "v2"]),
        (["--namespace", "team-hk"], ["v1"]),
        (["--image", "team/web:v2"], ["v2"]),
        (["--since", "1h"], ["v2"]),
        (["--limit", "1"], ["v2"]),
    ],
)
def test_options_filter_the_syncs(
    harness: WebHarness, run: Run, options: Sequence[str], expected: Sequence[str]
) -> None:
    ended = harness.push("team/web:v1", EAST, HONG_KONG, ago=timedelta(hours=2)).syncs[0]
    harness.push("team/web:v2")
    harness.happen(ended.id, Event.VERIFY_WITHOUT_CALL)

    assert sorted(sync["tag"] for sync in objects(run("syncs", "--json", *options))) == expected


def test_every_parameter_of_the_api_is_an_option(harness: WebHarness) -> None:
    spec = harness.client().get("/api/openapi.json").get_json()
    for command in (syncs, deliveries):
        parameters = spec["paths"][f"/api/v1/{command.name}"]["get"]["parameters"]
        options = {option.name for option in command.params}
        assert {p["name"] for p in parameters} | {"everything", "watch", "as_json"} == options


def test_options_filter_the_deliveries(harness: WebHarness, run: Run) -> None:
    harness.push("team/web:v1")
    ignored = harness.push("team/web:v2", outcome=Outcome.IGNORED, sender="harbor").delivery

    for options in (["--outcome", "ignored"], ["--sender", "harbor"]):
        deliveries = objects(run("deliveries", "--json", *options))
        assert [delivery["id"] for delivery in deliveries] == [ignored]


def test_an_incomplete_list_names_the_next_cursor(harness: WebHarness, run: Run) -> None:
    ids = [harness.push(f"team/web:v{number}").syncs[0].id for number in range(3)]
    first = run("syncs", "--json", "--limit", "2")
    cursor = first.stderr.split()[5].rstrip(",")
    rest = run("syncs", "--json", "--cursor", cursor)

    assert f"There are more: use --cursor {cursor}, or --all.\n" == first.stderr
    assert sorted(ids) == sorted(sync["id"] for sync in objects(first) + objects(rest))
    assert rest.stderr == ""


def test_all_lists_every_page(harness: WebHarness, run: Run) -> None:
    ids = [harness.push(f"team/web:v{number}").syncs[0].id for number in range(5)]

    result = run("syncs", "--all", "--json", "--limit", "2")

    assert sorted(ids) == sorted(sync["id"] for sync in objects(result))
    assert result.stderr == ""
    assert LARGEST_PAGE == 1000


def test_an_empty_list_is_reported_on_stderr(run: Run) -> None:
    result = run("syncs", "--state", "cancelled")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No syncs found.\n")


def test_control_characters_of_a_sender_are_not_printed(harness: WebHarness, run: Run) -> None:
    harness.push("team/web:v1", outcome=Outcome.IGNORED, reason="\x1b[2Jgone [red]x[/red]")

    assert "?[2Jgone [red]x[/red]" in run("deliveries").stdout


def test_a_terminal_of_80_columns_shows_whole_names_and_colours(
    harness: WebHarness, url: str
) -> None:
    image = f"team/{'web-' * 12}x:v1"
    harness.push(image)

    text = in_terminal(url, "syncs", columns=80)

    first, second = text.replace("\r", "").splitlines()[1:]
    assert "\x1b[33mpending" in first
    assert first.endswith(f"  {image}")
    assert second.strip() == "cn-east-3/team"


def in_terminal(url: str, *arguments: str, columns: int) -> str:
    """Run a command in a pseudo-terminal; return its output."""
    controller, terminal = pty.openpty()
    environ = {
        "PATH": os.environ["PATH"],
        "SWRHOOK_URL": url,
        "SWRHOOK_TOKEN": READ,
        "COLUMNS": str(columns),
        "TERM": "xterm",
    }
    command = [sys.executable, "-m", "swrhook", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=terminal, stderr=subprocess.PIPE, env=environ
    ) as run:
        os.close(terminal)
        output = b""
        try:
            while part := os.read(controller, 65536):
                output += part
        except OSError:  # on Linux, the end of the terminal's output
            pass
        _, errors = run.communicate(timeout=30)
    os.close(controller)
    assert errors == b""
    return output.decode()
