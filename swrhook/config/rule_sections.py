"""What a rule may say: `rules` and `defaults` in swrhook.yaml."""

from marshmallow import fields

from swrhook.config import checks
from swrhook.config.containers import Items, OneOrMore, PlainPart, Section, not_empty
from swrhook.config.fields import Flag, Text
from swrhook.config.patterns import PatternField
from swrhook.config.tree import Data
from swrhook.rules import FIELDS


def _patterns() -> dict[str, fields.Field[Data]]:
    return {field: OneOrMore(PatternField(field)) for field in FIELDS}


UnlessSection = Section.from_dict(_patterns())
WhenSection = Section.from_dict({**_patterns(), "not": PlainPart(UnlessSection)})


class TargetSection(Section):
    """One target of a rule."""

    region = Text(required=True)
    namespace = Text(required=True, validate=checks.organization_template)
    override = Flag()


class RuleSection(Section):
    """One rule."""

    name = Text(required=True, validate=checks.label)
    when = PlainPart(WhenSection, required=True)
    sync = Items(PlainPart(TargetSection), required=True, validate=not_empty)
    enabled = Flag()
    shadow = Flag()
    skip_attachments = Flag()


class DefaultsSection(Section):
    """What rules and targets say unless they say otherwise."""

    override = Flag()
    skip_attachments = Flag()
