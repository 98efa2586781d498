"""Each recorded request gives the result in its JSON file."""

import re

import pytest

from swrhook.dialects import DIALECTS
from swrhook.errors import (
    Ignored,
    IgnoredSecret,
    NothingUsable,
    SwrhookError,
    Undecodable,
    UnknownShape,
)
from tests.dialects.recordings import Recording, every_recording

REFUSALS: dict[str, type[SwrhookError]] = {
    "ignored": Ignored,
    "nothing_usable": NothingUsable,
    "undecodable": Undecodable,
    "unknown_shape": UnknownShape,
}


@every_recording
def test_a_recording_is_read_as_stated(recording: Recording) -> None:
    parse = DIALECTS[recording.dialect]
    expected = recording.expected
    if "pushes" in expected:
        announcements = parse(recording.delivery).announcements
        read = [
            {"name": a.name, "tag": a.tag, "digest": a.digest, "event_id": a.event_id}
            for a in announcements
        ]
        assert expected["pushes"] == read
        return
    (verdict,) = REFUSALS.keys() & expected.keys()
    with pytest.raises(REFUSALS[verdict]) as refusal:
        parse(recording.delivery)
    assert refusal.type in {REFUSALS[verdict], IgnoredSecret}
    assert re.search(expected[verdict], str(refusal.value))


@every_recording
def test_a_recording_says_where_its_format_is_documented(recording: Recording) -> None:
    assert recording.expected.get("source")
    assert len(recording.expected.keys() & {"pushes", *REFUSALS}) == 1


@every_recording
def test_a_recordings_body_has_its_original_length(recording: Recording) -> None:
    assert recording.delivery.header("content-length") == str(len(recording.delivery.body))
