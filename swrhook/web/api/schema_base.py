"""Base of the API's schemas, and schemas derived from the dataclasses that the routes return."""

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from enum import StrEnum
from types import NoneType
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from marshmallow import Schema, fields, validate

from swrhook.web.api.fields import Instant
from swrhook.wording.message import say

# By name of the member or parameter: the OpenAPI document shows one consistent story.
EXAMPLES: Mapping[str, object] = {
    "image": "team-a/web/shop:1.4.2",
    "sender": "harbor-prod",
    "namespace": "team-a",
    "repository": "web/shop",
    "tag": "1.4.2",
    "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "region": "cn-east-3",
    "source_region": "cn-north-4",
    "target_region": "cn-east-3",
    "target_namespace": "team-a",
    "delivery": "01KB3Y6Q3Z6B1D8F2G4H5J7K9M",
    "rule": "web-releases",
    "rules_version": "3f2a9c41d07e",
    "created_at": "2026-01-31T12:00:00.000Z",
    "updated_at": "2026-01-31T12:00:01.250Z",
    "received_at": "2026-01-31T12:00:00.000Z",
    "since": "24h",
    "window": "24h",
    "token": "ops",
    "role": "operate",
    "action": "POST /api/v1/syncs/<sync_id>/retry",
    "dialect": "harbor",
}


class ExampleSchema(Schema):
    """Adds the examples of EXAMPLES to its fields, by name."""

    error_messages: dict[str, str] = {"type": "must be a JSON object."}  # noqa: RUF012  # marshmallow's

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Add a field's example; a time named `since` gets a time, not the queries' duration."""
        example = EXAMPLES.get(field_name)
        if isinstance(field_obj, fields.DateTime) and field_name == "since":
            example = "2026-01-31T12:00:00.000Z"
        if example is not None and not isinstance(field_obj, fields.List | fields.Nested):
            field_obj.metadata = {**field_obj.metadata, "examples": [example]}


class ValueSchema(ExampleSchema):
    """Writes dataclasses, in half the time: each attribute exists and has its field's name."""

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:  # noqa: ANN401  # marshmallow's
        """Return the values of an object's attributes, or those of a list of objects."""
        if self.many if many is None else many:
            return [self.dump(item, many=False) for item in obj]
        return {
            name: field._serialize(getattr(obj, name), name, obj)  # noqa: SLF001  # documented
            for name, field in self.dump_fields.items()
        }


# A whole field, or what replaces the annotated type: the values of an enum, another schema.
Override: TypeAlias = fields.Field[Any] | type[StrEnum] | type[Schema]
_SCALARS: Mapping[object, type[fields.Field[Any]]] = {
    str: fields.String,
    int: fields.Integer,
    float: fields.Float,
    bool: fields.Boolean,
    datetime: Instant,
}


def schema_of(model: type[Any], name: str | None = None, **overrides: Override) -> type[Schema]:
    """Return the schema that writes a dataclass: its attributes, in order, all of them required.

    `name` is the schema's name in the OpenAPI document; default: the class's. An override applies
    to the attribute of its name. Raises KeyError for a type that has no field.
    """
    members = {
        attribute: _field(annotation, overrides.pop(attribute, None), required=True)
        for attribute, annotation in get_type_hints(model).items()
    }
    if overrides:
        raise KeyError(f"{model.__name__} has no attributes {sorted(overrides)}")
    return ValueSchema.from_dict(members, name=f"{name or model.__name__}Schema")


def page_of(item: type[Schema], name: str) -> type[Schema]:
    """Return the schema of a page of these items; `next` is null on the last page."""
    members: dict[str, fields.Field[Any]] = {
        "items": fields.List(fields.Nested(item), required=True),
        "next": fields.String(required=True, allow_none=True),
    }
    return ExampleSchema.from_dict(members, name=f"{name}Schema")


class OneOf(validate.OneOf):
    """The same, with a message that a page can put into its language."""

    def _format_error(self, _value: object) -> str:
        return say("Must be one of: %(choices)s.", choices=self.choices_text)


class Length(validate.Length):
    """The same, with such a message; it has both bounds."""

    def _format_error(self, _value: object, _message: str) -> str:
        return say(
            "Length must be between %(min)s and %(max)s.", min=self.min or 0, max=self.max or 0
        )


def one_of(values: type[StrEnum], **options: Any) -> fields.String:  # noqa: ANN401  # marshmallow's
    """Return a field for one of an enum's values."""
    return fields.String(validate=OneOf([*values]), **options)


def _field(
    annotation: Any,  # noqa: ANN401  # type, union or generic alias
    override: Override | None,
    **options: Any,  # noqa: ANN401  # marshmallow's
) -> fields.Field[Any]:
    """Return the field of an annotation; an override replaces it inside Sequence and Optional."""
    arguments = get_args(annotation)
    if NoneType in arguments:
        [inner] = set(arguments) - {NoneType}
        return _field(inner, override, allow_none=True, **options)
    if get_origin(annotation) is Sequence:
        return fields.List(_field(arguments[0], override), **options)
    if override is None:
        return _derived(annotation, **options)
    return _overridden(override, **options)


def _overridden(override: Override, **options: Any) -> fields.Field[Any]:  # noqa: ANN401  # as above
    if isinstance(override, fields.Field):
        return override
    if issubclass(override, StrEnum):
        return one_of(override, **options)
    return fields.Nested(override, **options)


def _derived(annotation: Any, **options: Any) -> fields.Field[Any]:  # noqa: ANN401  # as above
    if get_origin(annotation) is Mapping:
        _, value = get_args(annotation)
        values = None if value is Any else _field(value, None)
        return fields.Dict(keys=fields.String(), values=values, **options)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return fields.Nested(schema_of(annotation), **options)
    return _SCALARS[annotation](**options)
