"""The options that several commands share."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from swrhook.cli import COMMANDS, main
from tests.cli.conftest import Run
from tests.web.harness import OPERATE, WebHarness

# A configuration's file and the simulator's addresses are no filters.
NO_FILTERS = {"check --header", "simulator --bind", "simulator --mirror", "simulator --regions"}


def text_options() -> Iterator[str]:
    """Yield every option whose value is any text, after the command that it belongs to."""
    commands = [(name, main.get_command(click.Context(main), name)) for name in COMMANDS]
    for name, command in commands:
        assert command is not None
        if isinstance(command, click.Group):
            commands.extend((f"{name} {sub}", command.commands[sub]) for sub in command.commands)
        for option in command.params:
            if isinstance(option, click.Option) and option.type is click.STRING:
                yield f"{name} {option.opts[0]}"


def test_options_of_subcommands_are_found() -> None:
    names = set(text_options())

    assert {"cancel --image", "backfill run --rule", "reconcile list --since"} <= names
    assert names > NO_FILTERS


@pytest.mark.parametrize("option", sorted(set(text_options()) - NO_FILTERS))
def test_an_empty_filter_exits_with_2(option: str) -> None:
    result = CliRunner().invoke(main, [*option.split(), ""])

    message = f"Error: {option.rsplit(maxsplit=1)[-1]} must not be empty"
    assert (result.exit_code, result.stdout, result.stderr.splitlines()[-1]) == (2, "", message)


def test_an_empty_filter_does_not_select_every_sync(harness: WebHarness, run: Run) -> None:
    harness.push("team/web:v1")

    result = run("cancel", "--state=pending", "--image=", "--yes", SWRHOOK_TOKEN=OPERATE)

    assert result.exit_code == 2
    [sync] = harness.client().get("/api/v1/syncs").get_json()["items"]
    assert sync["state"] == "pending"
