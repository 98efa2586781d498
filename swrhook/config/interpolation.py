"""`${NAME}` and `${file:/path}` in a document's values, after parsing: no value can break it.

A file's content loses one line break at its end. `$${` stands for `${` itself. What was put in
is not looked at again.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from swrhook.config.cross_checks import at, items, mapping
from swrhook.config.diagnostics import Diagnostics, dotted, expanded, quote
from swrhook.config.nodes import Data, NodePath

ReadFile = Callable[[str], str]

_REFERENCE = re.compile(
    r"(?P<escaped>\$\$\{)|\$\{file:(?P<file>[^{}]*)\}|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{"
)
_LAST_LINE_BREAK = re.compile(r"\r?\n\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_A_REFERENCE = (
    "«${» begins a reference: write ${NAME} or ${file:/path}, or $${ for the characters themselves"
)


# The way to a value, from its end: the path is made only where it is told.
_Way: TypeAlias = "tuple[_Way, str | int] | None"


class _CannotExpand(Exception):
    """A reference has no value; the message says why and what to do."""


def expand(
    data: Data, findings: Diagnostics, environ: Mapping[str, str], read_file: ReadFile
) -> Data:
    """Return the document with every reference replaced; the findings name those without value.

    Each file is read once, however often it is named.
    """
    return _Expander(findings, environ, functools.cache(read_file)).expand(data, None)


class _Expander:
    """Walks a document. A recursive closure would form a reference cycle around the findings.

    It would keep the whole tree of a large file alive until the next garbage collection.
    """

    def __init__(
        self, findings: Diagnostics, environ: Mapping[str, str], read_file: ReadFile
    ) -> None:
        self._findings = findings
        self._environ = environ
        self._read_file = read_file

    def expand(self, value: Data, way: _Way) -> Data:
        if isinstance(value, str):
            return self._text(value, way) if "${" in value else value
        if isinstance(value, dict):
            return {key: self.expand(item, (way, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.expand(item, (way, index)) for index, item in enumerate(value)]
        return value

    def _text(self, value: str, way: _Way) -> str:
        try:
            text = _REFERENCE.sub(self._replacement, value)
        except _CannotExpand as exc:
            self._findings.suppress_below(_path(way), str(exc))
            return value
        return expanded(text, value)

    def _replacement(self, match: re.Match[str]) -> str:
        return _value(match, self._environ, self._read_file)


def _path(way: _Way) -> NodePath:
    return () if way is None else (*_path(way[0]), way[1])


def has_reference(text: str) -> bool:
    """Tell whether any part of the text comes from elsewhere."""
    return any(not match["escaped"] for match in _REFERENCE.finditer(text))


def _value(match: re.Match[str], environ: Mapping[str, str], read_file: ReadFile) -> str:
    """Return what one reference stands for."""
    if match["escaped"]:
        return "${"
    if match["file"] is not None:
        what, value = f"the file {quote(match['file'])}", _content(match["file"], read_file)
    elif match["name"]:
        what, value = _variable(match["name"], environ)
    else:
        raise _CannotExpand(_NOT_A_REFERENCE)
    if not value:
        raise _CannotExpand(f"{what} is empty: give it a value")
    if _SURROGATE.search(value):
        raise _CannotExpand(f"{what} is not UTF-8: a secret must be text")
    return value


def _variable(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    if name not in environ:
        raise _CannotExpand(f"the environment variable {name} is not set: set it for this process")
    return f"the environment variable {name}", environ[name]


def _content(path: str, read_file: ReadFile) -> str:
    if not path.startswith("/"):
        message = f"the file {quote(path)} needs its whole path, from «/» on"
        raise _CannotExpand(message)
    try:
        content = read_file(path)
    except OSError as exc:
        reason = exc.strerror or "it cannot be read"
        raise _CannotExpand(f"the file {quote(path)} cannot be read: {reason}") from None
    except ValueError:  # or a path with a NUL in it
        raise _CannotExpand(f"the file {quote(path)} is not UTF-8 text, or too long") from None
    return _LAST_LINE_BREAK.sub("", content)


def literal_secrets(data: Data, findings: Diagnostics) -> list[str]:
    """Return the paths of secrets that are written out in the document, and warn of each."""
    found = []
    for path, value in _secrets(data):
        if isinstance(value, str) and not has_reference(value):
            found.append(dotted(path))
            findings.warn(
                path,
                "a secret is written into the file, which is therefore never kept as the last good "
                "one: write ${NAME} or ${file:/path}",
            )
    return found


def _secrets(data: Data) -> Iterator[tuple[NodePath, Data]]:
    """Yield every value of the unexpanded document that is a secret."""
    for key in ("password", "token", "secret_key", "security_token"):
        yield ("swr", "credentials", key), at(data, "swr", "credentials", key)
    for index, token in enumerate(items(data, "access", "tokens")):
        yield ("access", "tokens", index, "token"), at(token, "token")
    for name, sender in (mapping(data, "senders") or {}).items():
        yield from _sender_secrets(("senders", name, "auth", "secrets"), at(sender, "auth"))


def _sender_secrets(path: NodePath, auth: Data) -> Iterator[tuple[NodePath, Data]]:
    secrets = at(auth, "secrets")
    # One secret may stand alone, without a list around it.
    listed = enumerate(secrets) if isinstance(secrets, list) else [(None, secrets)]
    for index, secret in listed:
        place = path if index is None else (*path, index)
        if isinstance(secret, dict):
            yield (*place, "value"), secret.get("value")
        else:
            yield place, secret
