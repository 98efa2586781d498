"""What a rule may say: `rules` in swrhook.yaml."""

from marshmallow import ValidationError, fields

from swrhook.config import checks
from swrhook.config.containers import Items, Later, OneOrMore, Part, Section, not_empty
from swrhook.config.fields import Flag, Text
from swrhook.config.tree import Data
from swrhook.config.wording import LATER
from swrhook.rules import FIELDS

_LATER_PATTERNS = {"regex", "semver"}


class Pattern(Text):
    """A glob."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> str:
        if isinstance(value, dict) and value.keys() & _LATER_PATTERNS:
            raise ValidationError(f"a pattern {{regex: …}} or {{semver: …}} {LATER}: write a glob")
        return super()._deserialize(value)


def _patterns() -> dict[str, fields.Field[Data]]:
    return {field: OneOrMore(Pattern()) for field in FIELDS}


UnlessSection = Section.from_dict(_patterns())
WhenSection = Section.from_dict({**_patterns(), "not": Part(UnlessSection)})


class TargetSection(Section):
    """One target of a rule."""

    region = Text(required=True)
    namespace = Text(required=True, validate=checks.organization_template)
    override = Flag()


class RuleSection(Section):
    """One rule."""

    name = Text(required=True, validate=checks.label)
    when = Part(WhenSection, required=True)
    sync = Items(Part(TargetSection), required=True, validate=not_empty)
    enabled = Later()
    shadow = Later()
    skip_attachments = Later()
