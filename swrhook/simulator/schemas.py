"""The JSON schemas of scenario files and of the control API, derived from the dataclasses."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

from marshmallow import Schema, ValidationError, post_load, validates_schema
from marshmallow.fields import Boolean, Dict, Field, Float, Integer, List, Nested, Raw, String
from marshmallow.validate import OneOf, Range

from swrhook import swr_names
from swrhook.simulator import error_codes, model
from swrhook.simulator.operations import IAM_OPERATIONS, OPERATIONS
from swrhook.simulator.retention_rule import RetentionRule
from swrhook.simulator.tag_selector import TagSelector

Validator: TypeAlias = Callable[[Any], Any]

# JSON's true and false, and no texts or numbers that mean the same.
_FIELDS: Mapping[Any, Callable[..., Field[Any]]] = {
    str: String,
    bool: lambda **options: Boolean(truthy={True}, falsy={False}, **options),
    int: lambda **options: Integer(strict=True, **options),
    float: Float,
    tuple: lambda **options: List(String(), post_load=tuple, **options),
    Mapping: lambda **options: Dict(keys=String(), values=String(), **options),
    model.Json: lambda **options: Raw(**options | {"allow_none": True}),
}


def fields_of(cls: type, **validators: Validator) -> dict[str, Field[Any]]:
    """Return a field for each of a dataclass; it is required if it has no default."""
    return {
        field.name: _field(
            field.type,
            required=field.default is MISSING and field.default_factory is MISSING,
            validate=validators.get(field.name),
        )
        for field in fields(cls)
    }


class _MappingSchema(Schema):
    """A schema that says what it loads."""

    error_messages: dict[str, str] = {"type": "must be a mapping."}  # noqa: RUF012  # marshmallow's


def schema_of(
    cls: type, check: Callable[[Mapping[str, Any]], None] | None = None, **validators: Validator
) -> type[Schema]:
    """Return a schema that loads a dataclass and refuses unknown keys.

    `check` may raise ValidationError for the data as a whole.
    """

    class DataclassSchema(_MappingSchema):
        class Meta:
            include = fields_of(cls, **validators)

        @validates_schema
        def _check(self, data: Mapping[str, Any], **_: object) -> None:
            if check is not None:
                check(data)

        @post_load
        def _create(self, data: Mapping[str, Any], **_: object) -> object:
            return cls(**data)

    return DataclassSchema


def _field(hint: Any, **options: Any) -> Field[Any]:  # noqa: ANN401 - any type of a field
    union = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    types = [member for member in union if member is not NoneType]
    options["allow_none"] = len(types) < len(union)
    if get_origin(types[0]) is Literal:
        options["validate"] = OneOf([choice for member in types for choice in get_args(member)])
        return String(**options)
    return _FIELDS[get_origin(types[0]) or types[0]](**options)


def _must(rule: Callable[[str], bool], name: str) -> Validator:
    def check(text: str) -> None:
        if not rule(text):
            raise ValidationError(f"Not {name}.")

    return check


def _check_fault(data: Mapping[str, Any]) -> None:
    """Refuse fields without effect: those of a call beside those of its tags or their jobs."""
    for aim, useless in (
        (_JOB_FIELDS, _CALL_FIELDS | {"failed_tags", "status", "headers"}),
        ({"failed_tags"}, _CALL_FIELDS | _JOB_FIELDS),
    ):
        present, conflicts = sorted(aim & data.keys()), sorted(useless & data.keys())
        if present and conflicts:
            message = f"{', '.join(conflicts)} would be without effect beside {present[0]}."
            raise ValidationError(message)


def _check_retention(data: Mapping[str, Any]) -> None:
    if data.get("keep") is None and data.get("max_age") is None:
        raise ValidationError("It needs keep or max_age.")


def _check_selector(data: Mapping[str, Any]) -> None:
    if not any(data.values()):
        raise ValidationError("It names no tag.")


_JOB_FIELDS = {"job", "job_shown", "job_delay"}
# The fields in the order of Fault: those of the call and its answer are before `pause`.
_NAMES = [field.name for field in fields(model.Fault)]
_CALL_FIELDS = {*_NAMES[_NAMES.index("token_kill") : _NAMES.index("pause")]} - {"status", "headers"}
_not_negative = Range(min=0)
_organization = _must(
    lambda name: swr_names.is_namespace(name) and name not in model.RESERVED_ORGANIZATIONS,
    "an organization's name",
)

OrganizationSchema = schema_of(model.SeedOrganization, namespace=_organization)
TagSchema = schema_of(
    model.SeedTag,
    namespace=_organization,
    repository=_must(swr_names.is_repository, "a repository's name"),
    tag=_must(swr_names.is_tag, "a tag"),
    digest=_must(swr_names.is_digest, "a digest"),
)
RetentionSchema = schema_of(
    RetentionRule, _check_retention, keep=_not_negative, max_age=_not_negative
)
SelectorSchema = schema_of(TagSelector, _check_selector)
FaultSchema = schema_of(
    model.Fault,
    _check_fault,
    operation=OneOf((model.EVERYWHERE, *OPERATIONS, *IAM_OPERATIONS)),
    times=Range(min=1),
    nth=Range(min=1),
    share=Range(min=0, max=1),
    delay=_not_negative,
    status=Range(min=200, max=599),
    error=OneOf(error_codes.KNOWN, error="Not a known code."),
    pause=_not_negative,
    limit=Range(min=0, min_inclusive=False),
    job_delay=_not_negative,
)
SettingsSchema = Schema.from_dict(
    fields_of(
        model.Settings,
        delay=_not_negative,
        token_size=Range(min=64, max=60_000),
        lock_after=Range(min=1),
        lock_time=_not_negative,
        organization_quota=_not_negative,
    ),
    name="SettingsSchema",
)


class ScenarioSchema(_MappingSchema):
    """A whole scenario file."""

    organizations = List(Nested(OrganizationSchema))
    tags = List(Nested(TagSchema))
    retention = List(Nested(RetentionSchema))
    faults = List(Nested(FaultSchema))
    settings = Nested(SettingsSchema)
