"""Shell completion: the code for each shell, and what it offers."""

import shutil

import pytest
from click.testing import CliRunner

from swrhook.cli import COMMANDS, main


def offered(words: str, *, index: int) -> list[str]:
    """Return what bash is offered for the word with this index."""
    environ = {
        "_SWRHOOK_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(index),
    }
    result = CliRunner().invoke(main, [], env=environ, prog_name="swrhook")
    assert result.exit_code == 0, result.output
    return [line.partition(",")[2] for line in result.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_code_asks_the_program(shell: str) -> None:
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("needs bash")
    result = CliRunner().invoke(main, ["completion", shell])

    assert (result.exit_code, f"_SWRHOOK_COMPLETE={shell}_complete" in result.stdout) == (0, True)


def test_commands_are_completed() -> None:
    assert offered("swrhook ", index=1) == list(COMMANDS)
    assert offered("swrhook rep", index=1) == ["replay", "repairs"]


def test_subcommands_options_and_their_values_are_completed() -> None:
    assert offered("swrhook backfill ", index=2) == ["cancel", "list", "resume", "show"]
    assert "--region" in offered("swrhook syncs --", index=2)
    assert offered("swrhook syncs --state ver", index=3) == ["verified"]
