"""The schema of `rules` and `defaults`.

A pattern is a glob, `{regex: …}` or, for a tag, `{semver: …}`. It is compiled while the schema is
checked, so that a message can say where in the pattern a mistake is.
"""

import functools
from collections.abc import Callable

from marshmallow import ValidationError, fields

from swrhook.config import validators
from swrhook.config.diagnostics import KeyMessage, quote
from swrhook.config.fields import Flag, OneOf, OptionalText, PresenceMessages, Text
from swrhook.config.nodes import Data
from swrhook.config.sections import Items, OneOrMore, Part, Section, check_not_empty
from swrhook.rules.glob import Glob
from swrhook.rules.match import FIELDS, Pattern
from swrhook.rules.regex import Regex
from swrhook.rules.version_ranges import Semver

# Many rules have the same patterns. Each is compiled once and shared.
glob = functools.lru_cache(maxsize=100_000)(Glob)
regex = functools.lru_cache(maxsize=100_000)(Regex)
_semver = functools.lru_cache(maxsize=10_000)(Semver)


class RegexSection(Section):
    """A regular expression."""

    regex = Text(required=True)


class SemverSection(Section):
    """A range of versions."""

    semver = Text(required=True)
    variant = OptionalText()
    prerelease = Flag()


_REGEX_SECTION = RegexSection()
_SEMVER_SECTION = SemverSection()


class PatternField(PresenceMessages, fields.Field[Pattern]):
    """One pattern for a field of a push."""

    def __init__(self, of: str) -> None:
        """Set the name of the field of a push."""
        super().__init__()
        self.of = of
        self._text = Text()

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> Pattern:
        if not isinstance(value, dict):
            return glob(self._text.deserialize(value))
        if "semver" in value:
            return self._semver(value)
        if "regex" in value:
            return _compile(value, "regex", regex, _REGEX_SECTION.load(value)["regex"])
        patterns = "{regex: …} or {semver: …}" if self.of == "tag" else "{regex: …}"
        raise ValidationError(f"must be a glob or a pattern {patterns}")

    def _semver(self, value: Data) -> Pattern:
        if self.of != "tag":
            raise ValidationError(
                {"semver": [KeyMessage("is only for tag: other fields have no version")]}
            )
        options = _SEMVER_SECTION.load(value)
        return _compile(value, "semver", _semver, options.pop("semver"), **options)


def _compile(
    value: Data, key: str, pattern: Callable[..., Pattern], text: str, **options: Data
) -> Pattern:
    try:
        return pattern(text, **options)
    except ValueError as exc:
        raise ValidationError({key: [f"{quote(value[key])} {exc}"]}) from None


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
    sync = Items(Part(TargetSection), required=True, validate=check_not_empty)
    enabled = Flag()
    shadow = Flag()
    skip_attachments = Flag()
    backfill = Text(validate=OneOf(("ask", "auto")))


class DefaultsSection(Section):
    """Defaults for all rules and targets."""

    override = Flag()
    skip_attachments = Flag()
