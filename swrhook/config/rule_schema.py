"""What a rule asks of one field: a glob, `{regex: …}` or, of a tag, `{semver: …}`.

Values become patterns here at once, so that a mistake is told with its place in the pattern.
"""

import functools
from collections.abc import Callable

from marshmallow import ValidationError, fields

from swrhook.config import validators
from swrhook.config.diagnostics import AtKey, quote
from swrhook.config.fields import Flag, Prefix, Text, Worded
from swrhook.config.nodes import Data
from swrhook.config.sections import (
    Items,
    OneOrMore,
    Part,
    Section,
    not_empty,
)
from swrhook.rules import FIELDS, Glob, Pattern, Regex, Semver

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
            return glob(str(self._text.deserialize(value)))
        if "semver" in value:
            return self._semver(value)
        if "regex" in value:
            return self._regex(value)
        known = ["regex", "semver"] if self.of == "tag" else ["regex"]
        raise ValidationError(f"must be a glob or a pattern {{{': …} or {'.join(known)}: …}}")

    def _regex(self, value: Data) -> Pattern:
        text: str = _REGEX_SECTION.load(value)["regex"]
        return _made("regex", text, lambda: regex(str(text)))

    def _semver(self, value: Data) -> Pattern:
        if self.of != "tag":
            raise ValidationError(
                {"semver": [AtKey("goes with tag alone: others have no version")]}
            )
        given = _SEMVER_SECTION.load(value)
        text: str = given["semver"]
        variant = str(given.get("variant", ""))
        prerelease: bool = given.get("prerelease", False)
        return _made("semver", text, lambda: _semver(str(text), variant, prerelease=prerelease))


def _made(key: str, text: str, make: Callable[[], Pattern]) -> Pattern:
    try:
        return make()
    except ValueError as exc:
        raise ValidationError({key: [f"{quote(text)} {exc}"]}) from None


def _patterns() -> dict[str, fields.Field[Data]]:
    return {field: OneOrMore(PatternField(field)) for field in FIELDS}


UnlessSection = Section.from_dict(_patterns())
WhenSection = Section.from_dict({**_patterns(), "not": Part(UnlessSection)})


class TargetSection(Section):
    """One target of a rule."""

    region = Text(required=True)
    namespace = Text(required=True, validate=validators.organization_template)
    override = Flag()


class RuleSection(Section):
    """One rule."""

    name = Text(required=True, validate=validators.label)
    when = Part(WhenSection, required=True)
    sync = Items(Part(TargetSection), required=True, validate=not_empty)
    enabled = Flag()
    shadow = Flag()
    skip_attachments = Flag()


class DefaultsSection(Section):
    """What rules and targets say unless they say otherwise."""

    override = Flag()
    skip_attachments = Flag()
