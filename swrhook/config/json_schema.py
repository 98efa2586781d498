"""Generate a JSON Schema of swrhook.yaml for editors from the sections that check the file.

It describes the shape of each value. Checks across values, and the syntax of patterns, are only in
the command `check`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from swrhook.config import sections
from swrhook.config.fields import (
    AUTO,
    OFF,
    Flag,
    OneOf,
    Share,
    Text,
    WholeNumber,
    WholeNumberOrAuto,
)
from swrhook.config.rule_schema import PatternField, RegexSection, SemverSection
from swrhook.config.schema import Root

Json = dict[str, Any]

_REFERENCE: Json = {"type": "string", "pattern": r"\$\{"}


def json_schema() -> Json:
    """Return the schema of the whole file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "swrhook.yaml",
        **_section(Root()),
    }


def _section(section: Schema) -> Json:
    document = type(section).__doc__ or ""
    parts = {
        "type": "object",
        "description": document if "\n" not in document else "",
        "properties": {name: _value(field) for name, field in section.fields.items()},
        "required": [name for name, field in section.fields.items() if field.required],
        "additionalProperties": False,
    }
    return {key: part for key, part in parts.items() if part not in ("", [])}


def _value(field: fields.Field[Any]) -> Json:
    convert = next(_CONVERTERS[kind] for kind in type(field).__mro__ if kind in _CONVERTERS)
    return convert(field)


def _text(field: Text) -> Json:
    choices = [check.choices for check in field.validators if isinstance(check, OneOf)]
    if choices:
        return {"anyOf": [{"enum": list(choices[0])}, _REFERENCE]}
    shortest = {} if field.may_be_empty else {"minLength": 1}
    # No `maxLength`: a reference like `${NAME}` may be longer than the text that replaces it.
    return {"type": "string", **shortest}


def _items(field: sections.Items) -> Json:
    least = {"minItems": 1} if sections.check_not_empty in field.validators else {}
    return {"type": "array", "items": _value(field.inner), **least}


def _one_or_more(field: sections.OneOrMore) -> Json:
    inner = _value(field.inner)
    return {"anyOf": [inner, {"type": "array", "items": inner, "minItems": 1}]}


def _named(field: sections.Named) -> Json:
    least = {} if field.may_be_empty else {"minProperties": 1}
    return {"type": "object", "additionalProperties": _value(field.inner), **least}


def _by_kind(field: sections.ByKind) -> Json:
    kinds = {name: _section(section) for name, section in field.kinds.items()}
    for name, kind in kinds.items():
        kind["properties"][field.key] = {"const": name}
    return {"oneOf": list(kinds.values())}


def _pattern(field: PatternField) -> Json:
    patterns = [RegexSection(), *([SemverSection()] if field.of == "tag" else [])]
    return {"anyOf": [{"type": "string", "minLength": 1}, *map(_section, patterns)]}


def _whole_number(field: WholeNumber) -> Json:
    return {"type": "integer", "minimum": field.low, "maximum": field.high}


_CONVERTERS: Mapping[type, Callable[[Any], Json]] = {
    sections.PartOrOff: lambda field: {"anyOf": [{"enum": [OFF, False]}, _section(field.schema)]},
    Share: lambda _: {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    sections.Part: lambda field: _section(field.schema),
    sections.OneOrMore: _one_or_more,
    sections.Items: _items,
    sections.Named: _named,
    sections.ByKind: _by_kind,
    sections.SecretWithExpiry: lambda field: {
        "anyOf": [_value(field.text), _section(field.section)]
    },
    PatternField: _pattern,
    Text: _text,
    Flag: lambda _: {"type": "boolean"},
    WholeNumberOrAuto: lambda field: {"anyOf": [{"const": AUTO}, _whole_number(field)]},
    WholeNumber: _whole_number,
    # Durations, sizes, rates, networks and times are text in a format of their own.
    fields.Field: lambda _: {"type": "string", "minLength": 1},
}
