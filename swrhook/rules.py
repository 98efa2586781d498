"""Rules: which pushes go where.

A glob stands for a whole value: `*` for anything within a component (no `/`), `**` for anything,
`?` for one character but `/`, everything else for itself.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import re2

from swrhook.model import Push

FIELDS = ("source", "namespace", "repository", "tag")
VARIABLES = ("namespace", "repository")

_GLOB_TOKEN = re.compile(r"\*\*|\*|\?")
_GLOB_REGEX = {"**": "(?s:.*)", "*": "[^/]*", "?": "[^/]"}
_VARIABLE = re.compile(r"\{([^{}]*)\}")


class Pattern(Protocol):
    """Something that a field's value fits or does not."""

    def matches(self, value: str) -> bool:
        """Tell whether the whole of `value` fits."""
        ...


class Glob:
    """One glob. RE2 underneath: no pattern takes more than linear time."""

    __slots__ = ("_regex", "text")

    def __init__(self, text: str) -> None:
        """Compile the glob; every text is one."""
        self.text = text
        self._regex = re2.compile(_glob_regex(text))

    def matches(self, value: str) -> bool:
        """Tell whether the whole of `value` fits."""
        return self._regex.fullmatch(value) is not None

    def __repr__(self) -> str:
        """Show the text, as messages do."""
        return f"Glob({self.text!r})"


@dataclass(frozen=True, slots=True)
class RuleTarget:
    """Where a rule sends images; `{namespace}` and `{repository}` stand for the push's own."""

    region: str
    namespace: str
    override: bool = False

    def namespace_for(self, push: Push) -> str:
        """Return the organization for this push; whether SWR allows it is the plan's question."""
        values = {"namespace": push.namespace, "repository": push.repository}
        return _VARIABLE.sub(lambda variable: values[variable[1]], self.namespace)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `when` all its fields match (any pattern of each) and no pattern of `unless`."""

    name: str
    when: Mapping[str, Sequence[Pattern]]
    unless: Mapping[str, Sequence[Pattern]]
    sync: Sequence[RuleTarget]

    def matches(self, push: Push) -> bool:
        """Tell whether this rule wants the push."""
        return all(
            _any_matches(patterns, push, field) for field, patterns in self.when.items()
        ) and not any(
            _any_matches(patterns, push, field) for field, patterns in self.unless.items()
        )


def unknown_variables(template: str) -> list[str]:
    """Return what stands in braces in a target's organization and is no variable."""
    return [name for name in _VARIABLE.findall(template) if name not in VARIABLES]


def _any_matches(patterns: Sequence[Pattern], push: Push, field: str) -> bool:
    value = str(getattr(push, field))
    return any(pattern.matches(value) for pattern in patterns)


def _glob_regex(glob: str) -> str:
    parts = []
    end = 0
    for token in _GLOB_TOKEN.finditer(glob):
        parts += [re2.escape(glob[end : token.start()]), _GLOB_REGEX[token[0]]]
        end = token.end()
    return "".join([*parts, re2.escape(glob[end:])])
