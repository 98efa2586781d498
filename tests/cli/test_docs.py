"""docs/cli.md is every command's own help: `python tests/cli/test_docs.py > docs/cli.md`."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from swrhook.cli import COMMANDS, main  # noqa: E402  # as a program it finds itself

FILE = ROOT / "docs" / "cli.md"
HEAD = """\
# The command line

`python -m swrhook COMMAND`, from swrhook's folder with `.venv/bin/python`, or in its image.

`syncs`, `deliveries`, `explain`, `whatif`, `wait`, `retry`, `cancel`, `backfill`, `reconcile` and
`replay` ask a running server, by its [API](api.md): the one at `SWRHOOK_URL` (default
`http://127.0.0.1:8080`), with `SWRHOOK_TOKEN`, a token of `access.tokens`. Lists are tables; with
`--json`, one object a line. Colours, progress and the live line of `wait` are shown on a terminal
only.

| exit code | when |
|---|---|
| 0 | done; of `wait`: every sync is verified; of `whatif`: no sync differs |
| 1 | refused, not reached, not all done; of `wait`: ended otherwise, late; of `whatif`: some do |
| 2 | an option or an argument is wrong |
"""


def command(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None
    return found


def parent() -> click.Context:
    """Return the context in which every command stands: it decides how help is asked for."""
    name = "python -m swrhook"
    return main.make_context(name, ["serve"], terminal_width=100)


def help_of(name: str) -> str:
    with parent() as context:
        return click.Context(command(name), context, info_name=name).get_help()


def page() -> str:
    sections = [HEAD]
    for name in COMMANDS:
        text = help_of(name)
        sections.append(f"## {name}\n\n```text\n{text}\n```\n")
    return "\n".join(sections)


def test_the_page_is_what_the_commands_say() -> None:
    # In a process of its own: click remembers how a command was asked for help first.
    program = [sys.executable, __file__]
    result = subprocess.run(program, capture_output=True, text=True, check=True)

    assert result.stdout == FILE.read_text(encoding="utf-8")


def shown() -> Iterator[tuple[str, str]]:
    """Yield every example with the command whose help has it."""
    for name in COMMANDS:
        for line in (command(name).epilog or "").splitlines()[2:]:
            yield name, line.strip()


def test_every_command_has_examples() -> None:
    assert list(COMMANDS) == list(dict.fromkeys(name for name, _ in shown()))


@pytest.mark.parametrize(("name", "line"), list(shown()))
def test_every_example_can_be_written_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("event.json").touch()
    words = shlex.split(line.partition(" | ")[0])
    start = words.index("swrhook") + 2

    assert name == words[start - 1]
    with parent() as context:
        command(name).make_context(name, words[start:], context).close()


if __name__ == "__main__":
    sys.stdout.write(page())
