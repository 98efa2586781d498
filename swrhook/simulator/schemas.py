"""The JSON shapes of seeds, faults and settings, in scenario files and in the control API."""

from collections.abc import Callable
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from swrhook import names
from swrhook.simulator.values import (
    EVERYWHERE,
    IAM_OPERATIONS,
    OPERATIONS,
    Fault,
    SeedOrganization,
    SeedTag,
)


def _follows(rule: Callable[[str], bool], what: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if not rule(text):
            message = f"Not {what}."
            raise ValidationError(message)

    return check


class Strict(Schema):
    """Refuses what it does not know, so that a slip of the pen is not silently without effect."""

    class Meta:
        """marshmallow's options."""

        unknown = RAISE


class OrganizationSchema(Strict):
    """An organization; its region may be `*`."""

    region = fields.String(required=True)
    namespace = fields.String(
        required=True, validate=_follows(names.is_namespace, "an organization's name")
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> SeedOrganization:
        return SeedOrganization(**data)


class TagSchema(Strict):
    """A tag; without a digest it gets a new one."""

    region = fields.String(required=True)
    namespace = fields.String(
        required=True, validate=_follows(names.is_namespace, "an organization's name")
    )
    repository = fields.String(
        required=True, validate=_follows(names.is_repository, "a repository's name")
    )
    tag = fields.String(required=True, validate=_follows(names.is_tag, "a tag"))
    digest = fields.String(validate=_follows(names.is_digest, "a digest"))

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> SeedTag:
        return SeedTag(**data)


class FaultSchema(Strict):
    """A fault, with the fields of `Fault`."""

    region = fields.String(load_default=EVERYWHERE)
    operation = fields.String(
        load_default=EVERYWHERE, validate=validate.OneOf((EVERYWHERE, *OPERATIONS, *IAM_OPERATIONS))
    )
    times = fields.Integer(strict=True, allow_none=True, validate=validate.Range(min=1))
    token_kill = fields.Boolean(truthy={True}, falsy={False})
    delay = fields.Float(validate=validate.Range(min=0))
    status = fields.Integer(strict=True, allow_none=True, validate=validate.Range(min=200, max=599))
    body = fields.Raw(allow_none=True)
    headers = fields.Dict(keys=fields.String(), values=fields.String())
    failed_tags = fields.List(fields.String())

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Fault:
        return Fault(**(data | {"failed_tags": tuple(data.get("failed_tags", ()))}))


class SettingsSchema(Strict):
    """Some of the fields of `Settings`."""

    delay = fields.Float(validate=validate.Range(min=0))
    unknown_organization = fields.String(validate=validate.OneOf(("accept", "refuse")))
    accepted_body = fields.String(validate=validate.OneOf(("empty_list", "tags", "nothing")))
    error_shape = fields.String(validate=validate.OneOf(("array", "errors", "object")))
    token_ttl = fields.Float()
    token_size = fields.Integer(strict=True, validate=validate.Range(min=64, max=60_000))
    lock_after = fields.Integer(strict=True, validate=validate.Range(min=1))
    lock_time = fields.Float(validate=validate.Range(min=0))


class ScenarioSchema(Strict):
    """A whole scenario file."""

    organizations = fields.List(fields.Nested(OrganizationSchema))
    tags = fields.List(fields.Nested(TagSchema))
    faults = fields.List(fields.Nested(FaultSchema))
    settings = fields.Nested(SettingsSchema)
