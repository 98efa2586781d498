"""The JSON shapes of seeds, faults and settings, in scenario files and in the control API."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, get_args

from marshmallow import (
    RAISE,
    Schema,
    ValidationError,
    fields,
    post_load,
    validate,
    validates_schema,
)

from swrhook import swr_names
from swrhook.simulator import error_codes
from swrhook.simulator.model import (
    EVERYWHERE,
    IAM_OPERATIONS,
    OPERATIONS,
    AcceptedBody,
    Connection,
    ErrorShape,
    Fault,
    Outcome,
    SeedOrganization,
    SeedTag,
    Shown,
    UnknownOrganization,
)


def _follows(rule: Callable[[str], bool], what: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if not rule(text):
            message = f"Not {what}."
            raise ValidationError(message)

    return check


_OF_LISTS = {"failed_tags"}
_OF_JOBS = {"job", "job_shown", "job_delay"}
_OF_CALLS = {
    "token_kill",
    "account_lock",
    "delay",
    "effect",
    "accepted_body",
    "unknown_organization",
    "error",
    "error_shape",
    "body",
    "without_headers",
    "connection",
    *_OF_JOBS,
}


def _choice(choices: object, *, allow_none: bool = False) -> fields.String:
    """Make the field of a closed choice, given as the type that it has in values.py."""
    return fields.String(allow_none=allow_none, validate=validate.OneOf(tuple(_members(choices))))


def _members(choices: object) -> Iterator[str]:
    for choice in get_args(choices):
        yield from [choice] if isinstance(choice, str) else _members(choice)


class Strict(Schema):
    """Refuses what it does not know, so that a slip of the pen is not silently without effect."""

    class Meta:
        """marshmallow's options."""

        unknown = RAISE


class OrganizationSchema(Strict):
    """An organization; its region may be `*`."""

    region = fields.String(required=True)
    namespace = fields.String(
        required=True, validate=_follows(swr_names.is_namespace, "an organization's name")
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> SeedOrganization:
        return SeedOrganization(**data)


class TagSchema(Strict):
    """A tag; without a digest it gets a new one."""

    region = fields.String(required=True)
    namespace = fields.String(
        required=True, validate=_follows(swr_names.is_namespace, "an organization's name")
    )
    repository = fields.String(
        required=True, validate=_follows(swr_names.is_repository, "a repository's name")
    )
    tag = fields.String(required=True, validate=_follows(swr_names.is_tag, "a tag"))
    digest = fields.String(validate=_follows(swr_names.is_digest, "a digest"))
    index = fields.Boolean(truthy={True}, falsy={False})

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> SeedTag:
        return SeedTag(**data)


class FaultSchema(Strict):
    """A fault, with the fields of `Fault`."""

    region = fields.String(load_default=EVERYWHERE)
    operation = fields.String(
        load_default=EVERYWHERE, validate=validate.OneOf((EVERYWHERE, *OPERATIONS, *IAM_OPERATIONS))
    )
    namespace = fields.String(allow_none=True)
    repository = fields.String(allow_none=True)
    tag = fields.String(allow_none=True)
    target_region = fields.String(allow_none=True)
    target_organization = fields.String(allow_none=True)
    name = fields.String()
    times = fields.Integer(strict=True, allow_none=True, validate=validate.Range(min=1))
    nth = fields.Integer(strict=True, allow_none=True, validate=validate.Range(min=1))
    share = fields.Float(allow_none=True, validate=validate.Range(min=0, max=1))
    token_kill = fields.Boolean(truthy={True}, falsy={False})
    account_lock = fields.Boolean(truthy={True}, falsy={False})
    delay = fields.Float(validate=validate.Range(min=0))
    effect = _choice(Literal["none", "accepted"])
    accepted_body = _choice(AcceptedBody, allow_none=True)
    unknown_organization = _choice(UnknownOrganization, allow_none=True)
    status = fields.Integer(strict=True, allow_none=True, validate=validate.Range(min=200, max=599))
    error = fields.String(
        allow_none=True, validate=validate.OneOf(error_codes.KNOWN, error="Not a known code.")
    )
    error_shape = _choice(ErrorShape, allow_none=True)
    body = fields.Raw(allow_none=True)
    headers = fields.Dict(keys=fields.String(), values=fields.String())
    without_headers = fields.List(fields.String())
    connection = _choice(Connection, allow_none=True)
    pause = fields.Float(validate=validate.Range(min=0))
    limit = fields.Float(validate=validate.Range(min=0, min_inclusive=False))
    failed_tags = fields.List(fields.String())
    job = _choice(Outcome, allow_none=True)
    job_shown = _choice(Shown, allow_none=True)
    job_delay = fields.Float(validate=validate.Range(min=0))

    @validates_schema
    def _check_aim(self, data: Mapping[str, Any], **_: object) -> None:
        """Refuse what would be without effect: a field of a call beside those of its tags."""
        for aims, idle in (
            (_OF_JOBS, (_OF_CALLS - _OF_JOBS) | {"failed_tags", "status", "headers"}),
            (_OF_LISTS, _OF_CALLS),
        ):
            aimed, useless = sorted(aims & data.keys()), sorted(idle & data.keys())
            if aimed and useless:
                message = f"{', '.join(useless)} would be without effect beside {aimed[0]}."
                raise ValidationError(message)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Fault:
        lists = {key: tuple(data.get(key, ())) for key in ("failed_tags", "without_headers")}
        return Fault(**(data | lists))


class SettingsSchema(Strict):
    """Some of the fields of `Settings`."""

    delay = fields.Float(validate=validate.Range(min=0))
    unknown_organization = _choice(UnknownOrganization)
    accepted_body = _choice(AcceptedBody)
    error_shape = _choice(ErrorShape)
    token_ttl = fields.Float()
    token_size = fields.Integer(strict=True, validate=validate.Range(min=64, max=60_000))
    lock_after = fields.Integer(strict=True, validate=validate.Range(min=1))
    lock_time = fields.Float(validate=validate.Range(min=0))
    seed = fields.Integer(strict=True)


class ScenarioSchema(Strict):
    """A whole scenario file."""

    organizations = fields.List(fields.Nested(OrganizationSchema))
    tags = fields.List(fields.Nested(TagSchema))
    faults = fields.List(fields.Nested(FaultSchema))
    settings = fields.Nested(SettingsSchema)
