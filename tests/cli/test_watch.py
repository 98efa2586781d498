"""`--watch`: what a pipe and a terminal get, a server that is away for a while, and Ctrl-C."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from swrhook.cli.client import Item, Unreachable
from swrhook.cli.tables import Column, Resource
from swrhook.cli.watch import Watch
from tests.cli.conftest import Run
from tests.json_lines import json_lines

RESOURCE = Resource("/", "sync", "syncs", (Column("id"), Column("state")))
AWAY = Unreachable("cannot be reached")


def sync(id_: str, state: str) -> Item:
    return {"id": id_, "state": state}


def watch(*answers: Sequence[Item] | Exception) -> Watch:
    """Return a watch that gets these answers; then Ctrl-C is pressed."""
    return Watch(RESOURCE, replies(*answers), timedelta())


def replies(*answers: Sequence[Item] | Exception) -> Callable[[], Sequence[Item]]:
    left = iter(answers)

    def read() -> Sequence[Item]:
        answer = next(left, KeyboardInterrupt())
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return read


def test_a_pipe_gets_what_is_new_or_has_changed(capsys: pytest.CaptureFixture[str]) -> None:
    first = [sync("2", "pending"), sync("1", "pending")]
    second = [sync("3", "pending"), sync("2", "verified"), sync("1", "pending")]

    watch(first, AWAY, AWAY, second).run(as_json=False)

    output = capsys.readouterr()
    rows = ["1\tpending", "2\tpending", "2\tverified", "3\tpending"]
    assert output.out.splitlines() == ["id\tstate", *rows]
    assert output.err == "cannot be reached\n"


def test_json_lines_are_the_objects(capsys: pytest.CaptureFixture[str]) -> None:
    watch([sync("1", "pending")], [sync("1", "pending")]).run(as_json=True)

    assert json_lines(capsys.readouterr().out) == [sync("1", "pending")]


def test_a_terminal_shows_the_list_in_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # makes rich take the pipe for a terminal
    monkeypatch.setenv("TERM", "xterm")

    watch([sync("1", "pending")], AWAY, []).run(as_json=False)

    shown = capsys.readouterr().out
    assert [text in shown for text in ("Ctrl-C ends", AWAY.message, "No syncs found.")] == [
        True,
        True,
        True,
    ]


def test_a_first_read_that_fails_ends_it() -> None:
    with pytest.raises(Unreachable):
        watch(AWAY).run(as_json=True)


@pytest.mark.parametrize("options", [["--watch", "--all"], ["--watch", "0s"], ["--watch=soon"]])
def test_wrong_usage_exits_with_2(run: Run, options: list[str]) -> None:
    result = run("syncs", *options)

    assert (result.exit_code, result.stdout) == (2, "")
