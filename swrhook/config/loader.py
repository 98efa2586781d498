"""A configuration file, from its bytes to frozen values, or to everything that is wrong with it."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from marshmallow import Schema, ValidationError
from marshmallow.exceptions import SCHEMA

from swrhook.auth import NO_KEYS, KeyProvider
from swrhook.config.build import (
    build_access,
    build_options,
    build_rules,
    build_senders,
    build_swr,
    check_pod,
)
from swrhook.config.cross_checks import check_links, check_rules
from swrhook.config.diagnostics import AtKey, Diagnostics, Expanded
from swrhook.config.diff import fingerprints
from swrhook.config.interpolation import ReadFile, expand, literal_secrets
from swrhook.config.model import Config
from swrhook.config.nodes import Data, NodePath, plain
from swrhook.config.rule_lint import warn_of_rules
from swrhook.config.schema import Root
from swrhook.config.yaml_document import read
from swrhook.config.yaml_errors import LARGEST, NotYaml
from swrhook.errors import BadConfiguration, Mistake

_ROOT = Root()


def check_structure(
    data: Data, findings: Diagnostics, sections: Schema = _ROOT
) -> Mapping[str, Data]:
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


def _flat(messages: Data, path: NodePath) -> Iterator[tuple[NodePath, str]]:
    """Yield each message of marshmallow's tree with its path."""
    if isinstance(messages, dict):
        for step, below in messages.items():
            yield from _flat(below, path if step == SCHEMA else (*path, step))
    elif isinstance(messages, list):
        for message in messages:
            yield from _flat(message, path)
    else:
        yield path, messages


_LARGEST_SECRET = 64 * 1024


# Returns at most so many bytes of a file. Raises OSError; ValueError for what can be no path.
ReadBytes = Callable[[str, int], bytes]


def read_bytes(path: str, most: int) -> bytes:
    """Return at most so many bytes of a file. Raises OSError, or ValueError."""
    with Path(path).open("rb") as file:
        return file.read(most)


def load(
    path: Path,
    environ: Mapping[str, str],
    outside: KeyProvider = NO_KEYS,
    read_file: ReadBytes = read_bytes,
) -> Config:
    """Read a file. Raises BadConfiguration with every mistake in it and in what it refers to."""
    try:
        text = read_file(str(path), LARGEST + 1)
    except OSError as exc:
        message = f"cannot be read: {exc.strerror or 'unknown reason'}"
        if isinstance(exc, FileNotFoundError):
            message += "; begin with a copy of swrhook.example.yaml"
        raise BadConfiguration([Mistake(str(path), 0, 0, message)]) from None

    def read_secret(name: str) -> str:
        return read_secret_file(name, read_file)

    return parse(text, file=str(path), environ=environ, read_file=read_secret, outside=outside)


def parse(
    text: bytes,
    *,
    file: str,
    environ: Mapping[str, str],
    read_file: ReadFile,
    outside: KeyProvider = NO_KEYS,
) -> Config:
    """Read a file's bytes, for any bytes. Raises BadConfiguration with every mistake found.

    `file` names them in messages; `read_file` returns the content of a file named in `${file:}`.
    `outside` is who the senders will ask for keys when a delivery comes; here it is not asked.
    """
    with _uncollected():
        return _parse(text, file, environ, read_file, outside)


def _parse(
    text: bytes,
    file: str,
    environ: Mapping[str, str],
    read_file: ReadFile,
    outside: KeyProvider,
) -> Config:
    try:
        root, refused = read(text)
    except NotYaml as exc:
        raise BadConfiguration([Mistake(file, *exc.place, str(exc))]) from None
    findings = Diagnostics(file, root)
    findings.mistakes += [Mistake(file, *place, message) for place, message in refused]
    written = plain(root)
    secret_files: list[str] = []

    def read_and_note(path: str) -> str:
        secret_files.append(path)
        return read_file(path)

    data = expand(written, findings, environ, read_and_note)
    checked = check_structure(data, findings)
    check_links(data, findings)
    check_rules(data, findings)
    check_pod(data, findings, environ)
    literal = literal_secrets(written, findings)
    if findings.mistakes:
        raise BadConfiguration(findings.mistakes)
    rules = build_rules(checked["rules"], checked.get("defaults", {}))
    warn_of_rules(rules, findings)
    marked = fingerprints(checked)
    checked = _without_origin({key: checked[key] for key in checked if key != "rules"})
    return Config(
        version=sha256(text).hexdigest()[:12],
        swr=build_swr(checked["swr"], environ),
        access=build_access(checked.get("access", {})),
        senders=build_senders(checked["senders"], outside),
        rules=rules,
        options=build_options(checked.get("settings", {})),
        literal_secrets=tuple(literal),
        warnings=tuple(findings.warnings),
        text=text,
        secret_files=tuple(secret_files),
        marks=marked,
    )


def read_secret_file(path: str, read_file: ReadBytes = read_bytes) -> str:
    """Return the text of a file named in `${file:}`; ValueError when it is none, or too large."""
    content = read_file(path, _LARGEST_SECRET + 1)
    if len(content) > _LARGEST_SECRET:
        raise ValueError
    return content.decode()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage: a large file's values are none, and looking takes a third of the time.

    There is no switch for one thread alone. Others go on as before, for all but cycles is freed at
    once; theirs wait for these seconds. Whoever found it on switches it on, whatever was raised: of
    two at a time the first one to end, and the other one takes longer.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _without_origin(data: Data) -> Data:
    """Return the values without the memory of where they came from."""
    if isinstance(data, dict):
        return {key: _without_origin(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_without_origin(value) for value in data]
    return str(data) if isinstance(data, Expanded) else data
