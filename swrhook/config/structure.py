"""Checks a document against the sections: each value for itself."""

from collections.abc import Iterator, Mapping

from marshmallow import Schema, ValidationError
from marshmallow.exceptions import SCHEMA

from swrhook.config.findings import Findings
from swrhook.config.sections import Root
from swrhook.config.tree import Data, Path
from swrhook.config.wording import AtKey

_ROOT = Root()


def check_structure(data: Data, findings: Findings, sections: Schema = _ROOT) -> Mapping[str, Data]:
    """Return the checked values, to be used only when nothing was found."""
    try:
        checked: Mapping[str, Data] = sections.load(data)
    except ValidationError as exc:
        for path, message in _flat(exc.messages, ()):
            if isinstance(message, AtKey):
                findings.mistake_at_key(path, message)
            else:
                findings.mistake(path, message)
        return {}
    return checked


def _flat(messages: Data, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield each message of marshmallow's tree with its path."""
    if isinstance(messages, dict):
        for step, below in messages.items():
            yield from _flat(below, path if step == SCHEMA else (*path, step))
    elif isinstance(messages, list):
        for message in messages:
            yield from _flat(message, path)
    else:
        yield path, messages
