"""A JSON Schema of swrhook.yaml for editors, made of the sections that check the file.

It says what can be said of a value's shape. What one value says about another, and what is in a
pattern, only `check` tells.
"""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from swrhook.config.fields import Flag, OneOf, Text, Whole
from swrhook.config.rule_schema import PatternField, RegexSection, SemverSection
from swrhook.config.schema import Root
from swrhook.config.sections import (
    ByKind,
    Items,
    Named,
    OneOrMore,
    Part,
    SecretWithEnd,
    Unsupported,
    not_empty,
)

Json = dict[str, Any]

_REFERENCE: Json = {"type": "string", "pattern": r"\$\{"}


def json_schema() -> Json:
    """Return the schema of the whole file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "swrhook.yaml",
        **_section(Root()),
    }


def _section(section: Schema, **known: Json) -> Json:
    properties = {name: known.get(name) or _value(field) for name, field in section.fields.items()}
    required = [name for name, field in section.fields.items() if field.required]
    return {
        "type": "object",
        **({"description": text} if (text := _description(section)) else {}),
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _description(section: Schema) -> str:
    document = type(section).__doc__ or ""
    return document if "\n" not in document else ""


def _value(field: fields.Field[Any]) -> Json:
    make = next(_KINDS[kind] for kind in type(field).__mro__ if kind in _KINDS)
    return make(field)


def _text(field: Text) -> Json:
    choices = [check.names for check in field.validators if isinstance(check, OneOf)]
    if choices:
        return {"anyOf": [{"enum": list(choices[0])}, _REFERENCE]}
    shortest = {} if field.may_be_empty else {"minLength": 1}
    # What stands for text, `${NAME}`, may be shorter than that text, and longer; no `maxLength`.
    return {"type": "string", **shortest}


def _items(field: Items) -> Json:
    least = {"minItems": 1} if not_empty in field.validators else {}
    return {"type": "array", "items": _value(field.inner), **least}


def _one_or_more(field: OneOrMore) -> Json:
    inner = _value(field.inner)
    return {"anyOf": [inner, {"type": "array", "items": inner, "minItems": 1}]}


def _named(field: Named) -> Json:
    least = {} if field.may_be_empty else {"minProperties": 1}
    return {"type": "object", "additionalProperties": _value(field.inner), **least}


def _by_kind(field: ByKind) -> Json:
    kinds = [
        _section(section, **{field.key: {"const": name}}) for name, section in field.kinds.items()
    ]
    for kind in kinds:
        kind["required"] = [
            field.key,
            *(key for key in kind.get("required", ()) if key != field.key),
        ]
    return {"oneOf": kinds}


def _secret(field: SecretWithEnd) -> Json:
    return {"anyOf": [_value(field.text), _section(field.section)]}


def _pattern(field: PatternField) -> Json:
    sections = [RegexSection(), *([SemverSection()] if field.of == "tag" else [])]
    return {"anyOf": [{"type": "string", "minLength": 1}, *map(_section, sections)]}


_KINDS: Mapping[type, Callable[[Any], Json]] = {
    Part: lambda field: _section(field.schema),
    OneOrMore: _one_or_more,
    Items: _items,
    Named: _named,
    ByKind: _by_kind,
    Unsupported: lambda _: {"not": {}},
    SecretWithEnd: _secret,
    PatternField: _pattern,
    Text: _text,
    Flag: lambda _: {"type": "boolean"},
    Whole: lambda field: {"type": "integer", "minimum": field.low, "maximum": field.high},
    # Durations, sizes, rates, networks and times are text with a form of their own.
    fields.Field: lambda _: {"type": "string", "minLength": 1},
}
