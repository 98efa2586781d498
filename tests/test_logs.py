"""Each event is one log line, and a line that cannot be written is lost without an error."""

import io
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout

import pytest

from swrhook import logs
from tests.json_lines import json_lines


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    yield
    logs.configure("json", "INFO")


def written(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_an_event_is_one_json_object_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "INFO")

    logs.event("sync.verified", image="team/a:v1", note="标签\nsecond line")

    [line] = written(capsys)
    fields = json.loads(line)
    assert fields.pop("time").endswith("Z")
    assert fields == {
        "event": "sync.verified",
        "level": "info",
        "image": "team/a:v1",
        "note": "标签\nsecond line",
    }


HOSTILE = "\x9b31m\x1b[2J\x7f\u2028\u202etxet\ud800\x08"


def test_control_characters_are_escaped_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "INFO")

    logs.event("delivery.ignored", reason=HOSTILE)

    [line] = written(capsys)
    assert line.isprintable()
    assert json.loads(line)["reason"] == HOSTILE


def test_control_characters_are_escaped_on_a_console(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console", "INFO")

    logs.event("delivery.ignored", reason=HOSTILE, lines="one\ntwo", images=["\x1b[2J"])

    [line] = written(capsys)
    assert line.isprintable()
    assert r"\u009b31m\u001b[2J\u007f\u2028\u202etxet\ud800\u0008" in line


def test_a_warning_has_the_level_warning(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "INFO")

    logs.warning("sync.missing")

    assert json.loads(written(capsys)[0])["level"] == "warning"


def test_a_failure_has_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "INFO")
    try:
        _ = 1 / 0
    except ZeroDivisionError as exc:
        logs.failure("lane.failed", exc, lane="a")

    fields = json.loads(written(capsys)[0])
    assert (fields["level"], fields["event"], fields["lane"]) == ("error", "lane.failed", "a")
    assert "ZeroDivisionError: division by zero" in fields["exception"]


class Writes(io.StringIO):
    """A stdout that records every write."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def write(self, text: str) -> int:
        self.texts.append(text)
        return len(text)


def test_lines_of_a_block_are_written_at_once_with_those_of_other_threads() -> None:
    logs.configure("json", "INFO")

    with redirect_stdout(Writes()) as stdout, logs.buffer_lines():
        logs.event("delivery.accepted", delivery="1")
        other = threading.Thread(target=logs.event, args=("sync.verified",))
        other.start()
        other.join()
        logs.event("delivery.accepted", delivery="2")
        assert stdout.texts == []

    [text] = stdout.texts
    events = [line["event"] for line in json_lines(text)]
    assert events == ["delivery.accepted", "sync.verified", "delivery.accepted"]


def test_events_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "WARNING")

    logs.event("sync.verified")
    logs.warning("sync.missing")

    assert [json.loads(line)["event"] for line in written(capsys)] == ["sync.missing"]


def test_the_console_format_is_text_without_colours_in_a_pipe(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("console", "INFO")

    logs.event("sync.verified", image="team/a:v1")

    [line] = written(capsys)
    assert "sync.verified" in line
    assert "image=team/a:v1" in line
    assert "\x1b" not in line


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("broken", [Full(), io.TextIOWrapper(io.BytesIO(), encoding="ascii")])
def test_a_line_that_cannot_be_written_raises_nothing(broken: io.TextIOBase) -> None:
    logs.configure("json", "INFO")

    with redirect_stdout(broken):
        logs.event("sync.verified", image="标签")


def test_a_closed_stdout_raises_nothing() -> None:
    logs.configure("json", "INFO")
    closed = io.StringIO()
    closed.close()

    with redirect_stdout(closed):
        logs.event("sync.verified")

    assert sys.stdout is not closed
