"""Load a configuration file: from its bytes to a Config, or to a list of all its mistakes."""

import gc
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from marshmallow import Schema, ValidationError
from marshmallow.exceptions import SCHEMA

from swrhook.auth import NO_KEYS, KeyProvider
from swrhook.config.build import (
    build_access,
    build_gate,
    build_notify,
    build_options,
    build_rules,
    build_senders,
    build_sso,
    build_swr,
    check_pod_identity,
)
from swrhook.config.cross_checks import check_references
from swrhook.config.diagnostics import Diagnostics, KeyMessage
from swrhook.config.diff import make_fingerprints
from swrhook.config.interpolation import ReadFile, expand, literal_secrets
from swrhook.config.model import Config, NoCredentials
from swrhook.config.nodes import Data, NodePath, value_at
from swrhook.config.rule_lint import lint_rules
from swrhook.config.schema import Root
from swrhook.config.yaml_document import read
from swrhook.config.yaml_errors import MAX_FILE_SIZE, NotYaml
from swrhook.errors import BadConfiguration, Mistake

_ROOT = Root()


def open_document(text: bytes, file: str) -> tuple[Data, Diagnostics]:
    """Return the bare values of a file, and diagnostics with the mistakes in its syntax.

    Raises BadConfiguration for a file that is not YAML at all.
    """
    try:
        data, positions, refused = read(text)
    except NotYaml as exc:
        raise BadConfiguration([Mistake(file, *exc.position, str(exc))]) from None
    diagnostics = Diagnostics(file, positions)
    diagnostics.mistakes += [Mistake(file, *position, message) for position, message in refused]
    return data, diagnostics


def check_structure(
    data: Data, diagnostics: Diagnostics, sections: Schema = _ROOT
) -> Mapping[str, Data]:
    """Check each value against the schema. Returns the result, which is {} after any mistake."""
    try:
        checked: Mapping[str, Data] = sections.load(data)
    except ValidationError as exc:
        for path, message in _flatten(exc.messages, ()):
            if isinstance(message, KeyMessage):
                diagnostics.add_key_mistake(path, message)
            else:
                diagnostics.add_mistake(path, message)
        return {}
    return checked


def _flatten(messages: Data, path: NodePath) -> Iterator[tuple[NodePath, str]]:
    """Yield each message of marshmallow's tree of messages with its path."""
    if isinstance(messages, dict):
        for step, inner in messages.items():
            yield from _flatten(inner, path if step == SCHEMA else (*path, step))
    elif isinstance(messages, list):
        for message in messages:
            yield from _flatten(message, path)
    else:
        yield path, messages


_MAX_SECRET_SIZE = 64 * 1024


# Returns at most so many bytes of a file. Raises OSError, or ValueError for an impossible path.
ReadBytes = Callable[[str, int], bytes]


def read_bytes(path: str, limit: int) -> bytes:
    """Return at most `limit` bytes of a file. Raises OSError, or ValueError."""
    with Path(path).open("rb") as file:
        return file.read(limit)


def load(
    path: Path,
    environ: Mapping[str, str],
    key_provider: KeyProvider = NO_KEYS,
    read_file: ReadBytes = read_bytes,
    *,
    with_credentials: bool = True,
) -> Config:
    """Read a file. Raises BadConfiguration with every mistake in it and in its references."""
    try:
        text = read_file(str(path), MAX_FILE_SIZE + 1)
    except OSError as exc:
        message = f"cannot be read: {exc.strerror or 'unknown reason'}"
        if isinstance(exc, FileNotFoundError):
            message += "; start with a copy of swrhook.example.yaml"
        raise BadConfiguration([Mistake(str(path), 0, 0, message)]) from None
    read_secret = partial(read_secret_file, read_file=read_file)
    return parse(
        text,
        file=str(path),
        environ=environ,
        read_file=read_secret,
        key_provider=key_provider,
        with_credentials=with_credentials,
    )


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Pause the search for reference cycles, which takes a third of the time for a large file.

    The pause concerns all threads of the process, since Python cannot pause it for one. They go on
    as usual: only objects in reference cycles are freed later. If two threads are in here at once,
    the first one to leave ends the pause for both.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_garbage_collection_paused()
def parse(
    text: bytes,
    *,
    file: str,
    environ: Mapping[str, str],
    read_file: ReadFile,
    key_provider: KeyProvider = NO_KEYS,
    with_credentials: bool = True,
) -> Config:
    """Parse the bytes of a file, whatever they are. Raises BadConfiguration with every mistake.

    `file` is the file's name in messages. `read_file` returns the content of a `${file:}`.
    `key_provider` fetches the keys of senders, only once they deliver. Without credentials, those
    under `swr` are not read, so that what they refer to may be missing.
    """
    document, diagnostics = open_document(text, file)
    secret_files: list[str] = []

    def read_and_record(path: str) -> str:
        secret_files.append(path)
        return read_file(path)

    needed = document if with_credentials else _without_credentials(document)
    data = expand(needed, diagnostics, environ, read_and_record)
    checked = check_structure(data, diagnostics)
    check_references(data, diagnostics)
    check_pod_identity(data, diagnostics, environ)
    literal = literal_secrets(document, diagnostics)
    diagnostics.raise_mistakes()
    rules = build_rules(checked["rules"], checked.get("defaults", {}))
    lint_rules(rules, diagnostics)
    swr = build_swr(checked["swr"], environ)
    return Config(
        version=sha256(text).hexdigest()[:12],
        swr=swr if with_credentials else replace(swr, credentials=NoCredentials()),
        gate=build_gate(checked.get("gate", {}), swr.regions),
        access=build_access(checked.get("access", {})),
        sso=build_sso(checked.get("sso")),
        senders=build_senders(checked["senders"], key_provider),
        rules=rules,
        options=build_options(checked.get("settings", {})),
        notify=build_notify(checked.get("notify", {})),
        literal_secrets=tuple(literal),
        warnings=tuple(diagnostics.warnings),
        text=json.dumps(document).encode(),
        secret_files=tuple(secret_files),
        fingerprints=make_fingerprints(checked),
    )


def _without_credentials(document: Data) -> Data:
    """Return a document with credentials that refer to nothing in place of its own, if any."""
    if not isinstance(value_at(document, "swr", "credentials"), dict):
        return document
    return document | {"swr": document["swr"] | {"credentials": {"kind": "ecs_agency"}}}


def read_secret_file(path: str, read_file: ReadBytes = read_bytes) -> str:
    """Return the text of a secret's file. Raises OSError, or ValueError if it is no text."""
    content = read_file(path, _MAX_SECRET_SIZE + 1)
    if len(content) > _MAX_SECRET_SIZE:
        raise ValueError
    return content.decode()
