"""Log lines: one event each; one that cannot be written costs nothing else."""

import io
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout

import pytest

from swrhook import logs


@pytest.fixture(autouse=True)
def _usual() -> Iterator[None]:
    yield
    logs.configure("json", "INFO")


def written(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "INFO")

    logs.event("sync.verified", image="team/a:v1", note="标签\nsecond line")

    [line] = written(capsys)
    told = json.loads(line)
    assert told.pop("time").endswith("Z")
    assert told == {
        "event": "sync.verified",
        "level": "info",
        "image": "team/a:v1",
        "note": "标签\nsecond line",
    }


def test_a_warning_needs_a_look(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "INFO")

    logs.warning("sync.missing")

    assert json.loads(written(capsys)[0])["level"] == "warning"


def test_a_failure_is_told_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "INFO")
    try:
        _ = 1 / 0
    except ZeroDivisionError as exc:
        logs.failure("lane.failed", exc, lane="a")

    told = json.loads(written(capsys)[0])
    assert (told["level"], told["event"], told["lane"]) == ("error", "lane.failed", "a")
    assert "ZeroDivisionError: division by zero" in told["exception"]


def test_lines_of_a_block_are_written_together_with_those_that_come_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logs.configure("json", "INFO")
    written: list[str] = []
    monkeypatch.setattr(logs, "_write", written.append)

    with logs.together():
        logs.event("delivery.accepted", delivery="1")
        other = threading.Thread(target=logs.event, args=("sync.verified",))
        other.start()
        other.join()
        logs.event("delivery.accepted", delivery="2")
        assert written == []

    [text] = written
    events = [json.loads(line)["event"] for line in text.splitlines()]
    assert events == ["delivery.accepted", "sync.verified", "delivery.accepted"]


def test_below_the_level_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "WARNING")

    logs.event("sync.verified")
    logs.warning("sync.missing")

    assert [json.loads(line)["event"] for line in written(capsys)] == ["sync.missing"]


def test_for_a_person_it_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console", "INFO")

    logs.event("sync.verified", image="team/a:v1")

    [line] = written(capsys)
    assert "sync.verified" in line
    assert "image=team/a:v1" in line
    assert "\x1b" not in line  # no colours into a pipe


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("broken", [Full(), io.TextIOWrapper(io.BytesIO(), encoding="ascii")])
def test_a_line_that_cannot_be_written_is_lost_and_nothing_else(broken: io.TextIOBase) -> None:
    logs.configure("json", "INFO")

    with redirect_stdout(broken):
        logs.event("sync.verified", image="标签")


def test_a_closed_stdout_is_no_reason_to_fail() -> None:
    logs.configure("json", "INFO")
    closed = io.StringIO()
    closed.close()

    with redirect_stdout(closed):
        logs.event("sync.verified")

    assert sys.stdout is not closed
