"""Replace `${NAME}` and `${file:/path}` in the values of a document, and find literal secrets.

References are replaced after parsing, so no value can change the structure of the document.
`$${` stands for `${`. A file's content loses one line break at its end. Replaced text is not
searched for references again.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from swrhook.config.diagnostics import Diagnostics, format_path, make_expanded, quote
from swrhook.config.nodes import Data, NodePath, list_at, mapping_at, value_at

ReadFile = Callable[[str], str]

_REFERENCE = re.compile(
    r"(?P<escaped>\$\$\{)|\$\{file:(?P<file>[^{}]*)\}|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{"
)
_LAST_LINE_BREAK = re.compile(r"\r?\n\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_A_REFERENCE = (
    '"${" begins a reference: write ${NAME} or ${file:/path}, or $${ for the characters themselves'
)


# A linked list of steps, last one first: a path is built only where a message needs one.
_Steps: TypeAlias = "tuple[_Steps, str | int] | None"


class _CannotExpand(Exception):
    """A reference cannot be replaced. The message says why and what to do."""


def expand(
    data: Data, diagnostics: Diagnostics, environ: Mapping[str, str], read_file: ReadFile
) -> Data:
    """Return the document with every reference replaced. A reference without a value is a mistake.

    Each file is read only once, even if several references name it.
    """
    return _Expander(diagnostics, environ, functools.cache(read_file)).expand(data, None)


class _Expander:
    """Walks a document and replaces references.

    This is no recursive closure because that would be a reference cycle, which would keep the
    diagnostics and the whole tree of a large file in memory until the next garbage collection.
    """

    def __init__(
        self, diagnostics: Diagnostics, environ: Mapping[str, str], read_file: ReadFile
    ) -> None:
        self._findings = diagnostics
        self._environ = environ
        self._read_file = read_file

    def expand(self, value: Data, steps: _Steps) -> Data:
        if isinstance(value, str):
            return self._replace(value, steps) if "${" in value else value
        if isinstance(value, dict):
            return {key: self.expand(item, (steps, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.expand(item, (steps, index)) for index, item in enumerate(value)]
        return value

    def _replace(self, value: str, steps: _Steps) -> str:
        try:
            text = _REFERENCE.sub(self._replacement, value)
        except _CannotExpand as exc:
            self._findings.suppress_below(_path(steps), str(exc))
            return value
        return make_expanded(text, value)

    def _replacement(self, match: re.Match[str]) -> str:
        return _value(match, self._environ, self._read_file)


def _path(steps: _Steps) -> NodePath:
    return () if steps is None else (*_path(steps[0]), steps[1])


def has_reference(text: str) -> bool:
    """Return whether the text has a reference in it."""
    return any(not match["escaped"] for match in _REFERENCE.finditer(text))


def _value(match: re.Match[str], environ: Mapping[str, str], read_file: ReadFile) -> str:
    """Return the text of one reference. Raises _CannotExpand."""
    if match["escaped"]:
        return "${"
    if match["file"] is not None:
        name, value = f"the file {quote(match['file'])}", _content(match["file"], read_file)
    elif match["name"]:
        name, value = _variable(match["name"], environ)
    else:
        raise _CannotExpand(_NOT_A_REFERENCE)
    if not value:
        raise _CannotExpand(f"{name} is empty: give it a value")
    if _SURROGATE.search(value):
        raise _CannotExpand(f"{name} is not UTF-8: a secret must be text")
    return value


def _variable(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    if name not in environ:
        raise _CannotExpand(f"the environment variable {name} is not set: set it for this process")
    return f"the environment variable {name}", environ[name]


def _content(path: str, read_file: ReadFile) -> str:
    if not path.startswith("/"):
        raise _CannotExpand(
            f'the file {quote(path)} needs its absolute path, which begins with "/"'
        )
    try:
        content = read_file(path)
    except OSError as exc:
        reason = exc.strerror or "it cannot be read"
        raise _CannotExpand(f"the file {quote(path)} cannot be read: {reason}") from None
    except ValueError:  # also for a path with a NUL character
        raise _CannotExpand(f"the file {quote(path)} is not UTF-8 text, or too long") from None
    return _LAST_LINE_BREAK.sub("", content)


def literal_secrets(data: Data, diagnostics: Diagnostics) -> list[str]:
    """Return the paths of secrets that the document contains literally, and warn of each."""
    paths = []
    for path, value in _secrets(data):
        if isinstance(value, str) and not has_reference(value):
            paths.append(format_path(path))
            diagnostics.add_warning(
                path,
                "is a secret in the file itself, so the file is never stored as the last good "
                "configuration: write ${NAME} or ${file:/path}",
            )
    return paths


def _secrets(data: Data) -> Iterator[tuple[NodePath, Data]]:
    """Yield every secret of the unexpanded document with its path."""
    for key in ("password", "token", "secret_key", "security_token"):
        yield ("swr", "credentials", key), value_at(data, "swr", "credentials", key)
    for index, token in enumerate(list_at(data, "access", "tokens")):
        yield ("access", "tokens", index, "token"), value_at(token, "token")
    for name, sender in (mapping_at(data, "senders") or {}).items():
        yield from _sender_secrets(("senders", name, "auth", "secrets"), value_at(sender, "auth"))


def _sender_secrets(path: NodePath, auth: Data) -> Iterator[tuple[NodePath, Data]]:
    secrets = value_at(auth, "secrets")
    if isinstance(secrets, list):
        paths = [((*path, index), secret) for index, secret in enumerate(secrets)]
    else:
        paths = [(path, secrets)]  # a single secret needs no list around it
    for secret_path, secret in paths:
        if isinstance(secret, dict):
            yield (*secret_path, "value"), secret.get("value")
        else:
            yield secret_path, secret
