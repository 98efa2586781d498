"""Recorded requests, tests/deliveries/<dialect>/<case>.http, and their expected results (.json)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from swrhook.senders.delivery import Delivery

FOLDER = Path(__file__).parents[1] / "deliveries"


@dataclass(frozen=True)
class Recording:
    """One recorded request and its expected result."""

    dialect: str
    case: str
    delivery: Delivery
    expected: dict[str, Any]


def read_http(path: Path) -> Delivery:
    """Read a request as a proxy saw it: request line, headers, blank line, body."""
    raw = path.read_bytes()
    end = b"\r\n" if b"\r\n\r\n" in raw else b"\n"
    head, _, body = raw.partition(end * 2)
    _, *lines = head.decode("latin-1").split(end.decode())
    fields = (line.partition(":") for line in lines)
    return Delivery({name.lower(): value.strip() for name, _, value in fields}, body)


def statement(path: Path) -> dict[str, Any]:
    """Return the expected result; a missing file fails a test, but not the collection."""
    content: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return content


def recordings() -> list[Recording]:
    """Return every recording."""
    return [
        Recording(
            path.parent.name,
            path.stem,
            read_http(path),
            statement(path.with_suffix(".json")),
        )
        for path in sorted(FOLDER.glob("*/*.http"))
    ]


every_recording = pytest.mark.parametrize(
    "recording", [pytest.param(r, id=f"{r.dialect}-{r.case}") for r in recordings()]
)
