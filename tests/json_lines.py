"""Reads what logs and commands write: JSON, an object a line."""

import json
from typing import Any


def json_lines(text: str) -> list[dict[str, Any]]:
    """Return the objects of a text."""
    return [json.loads(line) for line in text.splitlines()]
