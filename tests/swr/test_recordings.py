import json
from pathlib import Path

import pytest

from swrhook.errors import BadRecording
from swrhook.swr.recordings import IAM, Exchange, Recording, read_recording, to_text

RECORDING = Recording(
    [
        Exchange(IAM, "POST", "/v3/auth/tokens?nocatalog=true", 403, {}, {"error": {"code": 403}}),
        Exchange("cn-north-4", "GET", "/v2/manage/regions", 404, {"via": "x"}, "<html>"),
    ],
    [{"fact": "show-tag", "region": "cn-north-4", "answer": "yes"}],
)


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    file.write_text(to_text(RECORDING), encoding="utf-8")

    assert read_recording(file) == RECORDING
    assert read_recording(file).regions == ["cn-north-4"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "not JSON",
        "[" * 100_000,
        '{"format": "swrhook-recording/2", "exchanges": []}',
        '{"format": "swrhook-recording/1", "exchanges": [{}]}',
        json.dumps(
            {
                "format": "swrhook-recording/1",
                "exchanges": [{"place": "iam", "request": "GET /", "status": 42}],
            }
        ),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "answers.json"
    file.write_text(content)

    with pytest.raises(BadRecording, match="is not a recording"):
        read_recording(file)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording):
        read_recording(tmp_path / "absent.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    with pytest.raises(BadRecording):
        read_recording(tmp_path / "binary.json")
