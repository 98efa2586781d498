"""What a rule asks of one field: a glob, `{regex: …}` or, of a tag, `{semver: …}`.

Values become patterns here at once, so that a mistake is told with its place in the pattern.
"""

import functools
import re
from collections.abc import Callable, Mapping

from marshmallow import ValidationError, fields

from swrhook.config.containers import Section
from swrhook.config.fields import Flag, Prefix, Text, Worded
from swrhook.config.findings import quote
from swrhook.config.tree import Data
from swrhook.config.wording import AtKey
from swrhook.rules import Glob, Pattern, Regex, Semver

# What stands in no name of this kind. A glob with such a character never matches: mostly it was
# meant as another language's.
FOREIGN: Mapping[str, re.Pattern[str]] = {
    "source": re.compile(r"[^a-z0-9._*?-]"),
    "namespace": re.compile(r"[^a-z0-9._*?-]"),
    "repository": re.compile(r"[^a-z0-9._/*?-]"),
    "tag": re.compile(r"[^A-Za-z0-9._*?-]"),
}

# Rules repeat each other's patterns: those are made once and shared.
glob = functools.lru_cache(maxsize=100_000)(Glob)
regex = functools.lru_cache(maxsize=100_000)(Regex)
_semver = functools.lru_cache(maxsize=10_000)(Semver)


class RegexSection(Section):
    """A regular expression."""

    regex = Text(required=True)


class SemverSection(Section):
    """A range of versions."""

    semver = Text(required=True)
    variant = Prefix()
    prerelease = Flag()


_REGEX_SECTION = RegexSection()
_SEMVER_SECTION = SemverSection()


class PatternField(Worded, fields.Field[Pattern]):
    """One pattern of a field."""

    def __init__(self, of: str) -> None:
        """Take the field's name."""
        super().__init__()
        self.of = of
        self._text = Text()

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> Pattern:
        if not isinstance(value, dict):
            return self._glob(self._text.deserialize(value) or "")
        if "semver" in value:
            return self._semver(value)
        if "regex" in value:
            return self._regex(value)
        known = ["regex", "semver"] if self.of == "tag" else ["regex"]
        raise ValidationError(f"must be a glob or a pattern {{{': …} or {'.join(known)}: …}}")

    def _glob(self, text: str) -> Pattern:
        foreign = FOREIGN[self.of].search(text)
        if foreign is not None:
            place = foreign.start() + 1
            raise ValidationError(
                f"{quote(text)} can match nothing: no {self.of} holds what is its character "
                f"{place}; a glob knows *, ** and ?, and several stand in a list"
            )
        return glob(str(text))

    def _regex(self, value: Data) -> Pattern:
        loaded = _REGEX_SECTION.load(value)
        return _made(("regex",), loaded["regex"], lambda: regex(str(loaded["regex"])))

    def _semver(self, value: Data) -> Pattern:
        if self.of != "tag":
            raise ValidationError(
                {"semver": [AtKey("goes with tag alone: others have no version")]}
            )
        loaded = _SEMVER_SECTION.load(value)
        variant = str(loaded.get("variant", ""))
        self._glob(variant)
        return _made(
            ("semver",),
            loaded["semver"],
            lambda: _semver(
                str(loaded["semver"]), variant, prerelease=loaded.get("prerelease", False)
            ),
        )


def _made(path: tuple[str], text: str, make: Callable[[], Pattern]) -> Pattern:
    try:
        return make()
    except ValueError as exc:
        raise ValidationError({path[0]: [f"{quote(text)} {exc}"]}) from None
