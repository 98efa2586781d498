"""Files of recorded requests and responses, which the simulator can replay.

A recording holds no credential and no name of its account: pseudonyms.py has replaced them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load
from marshmallow.validate import Equal, Range

from swrhook.errors import BadRecording
from swrhook.senders.payload import Json

IAM = "iam"
"""The place of an exchange with IAM; every other place is a region."""
MAX_FILE_SIZE = 64 * 1024 * 1024
_FORMAT = "swrhook-recording/1"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request without its body, and the response. A body that is not JSON is a text."""

    place: str
    method: str
    path: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None


@dataclass(frozen=True, slots=True)
class Recording:
    """Exchanges, and what was learned about SWR from them, in sentences."""

    exchanges: Sequence[Exchange]
    facts: Sequence[Mapping[str, str]] = ()

    @property
    def regions(self) -> Sequence[str]:
        """Return the regions that were asked."""
        return [*dict.fromkeys(one.place for one in self.exchanges if one.place != IAM)]


def to_text(recording: Recording) -> str:
    """Return the text of a recording's file."""
    exchanges = [
        {
            "place": exchange.place,
            "request": f"{exchange.method} {exchange.path}",
            "status": exchange.status,
            "headers": dict(exchange.headers),
            "body": exchange.body,
        }
        for exchange in recording.exchanges
    ]
    content = {"format": _FORMAT, "facts": [*recording.facts], "exchanges": exchanges}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_recording(path: Path) -> Recording:
    """Read a recording. Raises BadRecording."""
    try:
        if path.stat().st_size > MAX_FILE_SIZE:
            raise BadRecording(f"{path} is larger than {MAX_FILE_SIZE} bytes")
        content = json.loads(path.read_text(encoding="utf-8"))
        recording: Recording = _RecordingSchema().load(content)
    except OSError as exc:
        raise BadRecording(f"{path} cannot be read: {exc.strerror}") from exc
    except (ValueError, RecursionError, ValidationError) as exc:
        raise BadRecording(f"{path} is not a recording: {exc}") from exc
    return recording


class _ExchangeSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    place = fields.String(required=True)
    request = fields.String(required=True)
    status = fields.Integer(required=True, strict=True, validate=Range(200, 599))
    headers = fields.Dict(fields.String(), fields.String(), load_default=dict)
    body = fields.Raw(load_default=None, allow_none=True)

    @post_load
    def _make(self, data: Mapping[str, Any], **_: object) -> Exchange:
        method, _, path = data["request"].partition(" ")
        return Exchange(data["place"], method, path, data["status"], data["headers"], data["body"])


class _RecordingSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    format = fields.String(required=True, validate=Equal(_FORMAT))
    facts = fields.List(fields.Dict(fields.String(), fields.String()), load_default=list)
    exchanges = fields.List(fields.Nested(_ExchangeSchema), required=True)

    @post_load
    def _make(self, data: Mapping[str, Any], **_: object) -> Recording:
        return Recording(data["exchanges"], data["facts"])
