"""Replace `${NAME}` and `${file:/path}` in the values of a document, and find literal secrets.

References are replaced after parsing, so no value can change the structure of the document.
`$${` stands for `${`. A file's content loses one line break at its end. Replaced text is not
searched for references again.
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from swrhook.config.diagnostics import Diagnostics, format_path, make_expanded, quote
from swrhook.config.nodes import Data, NodePath, texts_in, value_at
from swrhook.config.validators import is_token_hash

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


@dataclass(frozen=True, slots=True)
class _Expander:
    """Walks a document and replaces references.

    This is no recursive closure because that would be a reference cycle, which would keep the
    diagnostics and the whole tree of a large file in memory until the next garbage collection.
    """

    diagnostics: Diagnostics
    environ: Mapping[str, str]
    read_file: ReadFile

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
            self.diagnostics.suppress_below(_path(steps), str(exc))
            return value
        return make_expanded(text, value)

    def _replacement(self, match: re.Match[str]) -> str:
        """Return the text of one reference. Raises _CannotExpand."""
        if match["escaped"]:
            return "${"
        if match["file"] is not None:
            name = f"the file {quote(match['file'])}"
            value = _content(match["file"], name, self.read_file)
        elif match["name"]:
            name = f"the environment variable {match['name']}"
            value = _variable(match["name"], name, self.environ)
        else:
            raise _CannotExpand(_NOT_A_REFERENCE)
        if not value:
            raise _CannotExpand(f"{name} is empty: give it a value")
        if _SURROGATE.search(value):
            raise _CannotExpand(f"{name} is not UTF-8: a secret must be text")
        return value


def _path(steps: _Steps) -> NodePath:
    return () if steps is None else (*_path(steps[0]), steps[1])


def has_reference(text: str) -> bool:
    """Return whether the text has a reference in it."""
    return any(not match["escaped"] for match in _REFERENCE.finditer(text))


def _variable(variable: str, name: str, environ: Mapping[str, str]) -> str:
    if variable not in environ:
        raise _CannotExpand(f"{name} is not set: set it for this process")
    return environ[variable]


def _content(path: str, name: str, read_file: ReadFile) -> str:
    if not path.startswith("/"):
        raise _CannotExpand(f'{name} needs its absolute path, which begins with "/"')
    try:
        content = read_file(path)
    except OSError as exc:
        reason = exc.strerror or "it cannot be read"
        raise _CannotExpand(f"{name} cannot be read: {reason}") from None
    except ValueError:  # also for a path with a NUL character
        raise _CannotExpand(f"{name} is not UTF-8 text, or too long") from None
    return _LAST_LINE_BREAK.sub("", content)


def literal_secrets(data: Data, diagnostics: Diagnostics) -> list[str]:
    """Return the paths of secrets that the unexpanded document contains, and warn of each."""
    paths = []
    sections = ("swr", "access", "sso", "senders", "notify")
    for path, text in texts_in({key: value_at(data, key) for key in sections}):
        if _is_secret(path) and not has_reference(text) and not is_token_hash(text):
            paths.append(format_path(path))
            diagnostics.add_warning(
                path,
                "is a secret in the file itself, so the file is never stored as the last good "
                "configuration: write ${NAME} or ${file:/path}",
            )
    return paths


def _is_secret(path: NodePath) -> bool:
    match path:
        case (
            ("swr", "credentials", "password" | "token" | "secret_key" | "security_token")
            | ("access", "tokens", int(), "token")
            | ("sso", "client_secret")
            | ("notify", "channels", _, "apprise" | "secret")
            # A single secret needs no list around it, and one without an expiry no mapping.
            | ("senders", _, "auth", "secrets")
            | ("senders", _, "auth", "secrets", int() | "value")
            | ("senders", _, "auth", "secrets", int(), "value")
        ):
            return True
    return False
