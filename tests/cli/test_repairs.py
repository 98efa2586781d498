"""`backfill` and `reconcile`: subcommands, output and usage."""

import pytest
from click.testing import Result

from swrhook.cli.client import Client
from swrhook.cli.repairs import BACKFILLS, Follower
from tests.cli.conftest import Run
from tests.json_lines import json_lines
from tests.web.harness import OPERATE, WebHarness


def create(harness: WebHarness, kind: str = "backfill", **body: object) -> str:
    body = {"repositories": ["team/web"]} | body
    answer = harness.client(OPERATE).post(f"/api/v1/{kind}", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["id"])


def states(result: Result) -> list[tuple[str, str]]:
    repairs = json_lines(result.stdout)
    return [(repair["id"], repair["state"]) for repair in repairs]


@pytest.mark.parametrize("kind", ["backfill", "reconcile"])
def test_list_show_and_cancel_print_their_state(harness: WebHarness, run: Run, kind: str) -> None:
    first, second = create(harness, kind), create(harness, kind)

    listed = run(kind, "list", "--json")
    cancelled = run(kind, "cancel", first, "--json", SWRHOOK_TOKEN=OPERATE)
    shown = run(kind, "show", first, "--json")

    assert states(listed) == [(second, "comparing"), (first, "comparing")]
    assert [(first, "cancelled")] == states(cancelled) == states(shown)


def test_the_table_names_the_repositories(harness: WebHarness, run: Run) -> None:
    create(harness)

    result = run("backfill", "list")

    headings = ["id", "age", "state", "repositories", "progress", "compared", "syncs", "notes"]
    assert headings == result.stdout.splitlines()[0].split("\t")
    assert "cn-north-4/team/web" in result.stdout


def test_an_unknown_id_exits_with_1(run: Run) -> None:
    result = run("backfill", "show", "nothing")

    assert (result.exit_code, "there is no backfill with this id" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, ["team/web: 2 same."]),
        (
            1,
            [
                "team/web: 2 same, 1 missing.",
                "1 sync to create: 1 call of sync_images and about 1 request to read tags.",
                "Comparing took 1 request.",
            ],
        ),
        (
            20,
            [
                "team/web: 2 same, 20 missing.",
                "20 syncs to create: 20 calls of sync_images and about 20 requests to read tags.",
                "Comparing took 20 requests.",
            ],
        ),
    ],
)
def test_a_plan_counts_syncs_and_requests(count: int, expected: list[str]) -> None:
    plan = dict.fromkeys(("missing", "to_sync", "sync_images", "looks"), count)
    rest = {"same": 2, "diverged": 0, "unwanted": 0, "unreadable": 0}
    repair = {"plan": plan | rest, "repositories": ["team/web"], "notes": [], "calls": count}

    follower = Follower(Client("http://127.0.0.1:9", ""), BACKFILLS, repair)

    assert follower.describe_plan().splitlines() == expected


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["backfill"], 2),
        (["backfill", "--rule", "all"], 2),
        (["backfill", "team/web:v1"], 2),
        (["backfill", "team/web", "--rule", "none"], 2),
        (["backfill", "show"], 2),
        (["reconcile", "--max-calls", "0"], 2),
    ],
    ids=["nothing", "no name", "no repository", "no rule", "no id", "no budget"],
)
def test_wrong_usage_exits_with_2(run: Run, arguments: list[str], status: int) -> None:
    assert run(*arguments, SWRHOOK_TOKEN=OPERATE).exit_code == status


def test_a_read_token_is_refused(run: Run) -> None:
    result = run("backfill", "team/web")

    assert (result.exit_code, "this needs operate (403)" in result.stderr) == (1, True)


def test_ctrl_c_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def press(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", press)
    repair = {"id": "01K", "state": "comparing"}

    with pytest.raises(SystemExit, match="1"):
        Follower(Client("http://127.0.0.1:9", ""), BACKFILLS, repair).wait_until_compared()

    assert capsys.readouterr().err == (
        "The backfill continues on the server: `repairs 01K --watch` follows it, "
        "`backfill cancel 01K` ends it.\n"
    )
