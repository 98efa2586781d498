"""docs/cli.md is the help of every command: `python tests/cli/test_docs.py > docs/cli.md`."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from swrhook.cli import COMMANDS, main  # noqa: E402  # run as a program, it must find the package

FILE = ROOT / "docs" / "cli.md"
HEAD = """\
# The command line

`python -m swrhook COMMAND` runs a command: from swrhook's folder with `.venv/bin/python`, or in its
container image. Where the package is installed, `swrhook COMMAND` is the same, and
`swrhook completion bash` (`zsh`, `fish`) prints what completes commands, options and their values.

`serve`, `worker`, `db`, `check`, `simulator`, `demo`, `import-autosync` and `completion` work on
this machine. All others use the [API](api.md) of a running server: the one at `SWRHOOK_URL`
(default `http://127.0.0.1:8080`), with the token in `SWRHOOK_TOKEN`, one of `access.tokens`.

What a command prints depends on where it goes:

- On a terminal: tables as wide as the terminal. No name is broken; columns that do not fit are
  below the others. Long work shows a progress bar. Ages are in their largest unit.
- In a pipe or a file: the same columns, with one tab between two cells, and neither colours nor
  progress.
- With `--json`: the objects of the API, one per line, with exact times. Use it in scripts.

A list with `--watch` is kept up to date until Ctrl-C, with exit code 0: on a terminal in its place,
elsewhere as lines for what is new or has changed. A server that restarts meanwhile is waited for.

| exit code | meaning |
|---|---|
| 0 | success; `wait`: all is verified; `available`: all is there; `whatif`: no sync would differ |
| 1 | refused, unreachable, incomplete; `wait`, `available`, `coverage`: no; `whatif`: yes |
| 2 | an option or an argument is wrong; `available`: it is not known |
"""


def command(name: str) -> click.Command:
    result = main.get_command(click.Context(main), name)
    assert result is not None
    return result


def parent() -> click.Context:
    """Return the parent context of every command: it has the name of the help option."""
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


def test_the_page_is_up_to_date() -> None:
    # In its own process: click caches the help option of a command at first use.
    program = [sys.executable, __file__]
    result = subprocess.run(program, capture_output=True, text=True, check=True)

    assert result.stdout == FILE.read_text(encoding="utf-8")


def examples() -> Iterator[tuple[str, str]]:
    """Yield every example with the command that it belongs to."""
    for name in COMMANDS:
        for line in (command(name).epilog or "").splitlines()[2:]:
            yield name, line.strip()


def test_every_command_has_examples() -> None:
    assert list(COMMANDS) == list(dict.fromkeys(name for name, _ in examples()))


@pytest.mark.parametrize(("name", "line"), list(examples()))
def test_every_example_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("event.json").touch()
    words = shlex.split(line.partition(" | ")[0])
    start = words.index("swrhook") + 2

    assert words[start - 1] == name
    with parent() as context:
        command(name).make_context(name, words[start:], context).close()


if __name__ == "__main__":
    sys.stdout.write(page())
