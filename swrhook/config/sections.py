"""marshmallow schemas and fields for mappings and lists."""

from collections.abc import Mapping

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema
from marshmallow.types import ErrorMessages

from swrhook.config.diagnostics import KeyMessage, did_you_mean, list_names
from swrhook.config.fields import OFF, Check, OneOf, PresenceMessages, SecretText, Text, Timestamp
from swrhook.config.nodes import Data

_NOT_A_LIST: ErrorMessages = {"invalid": "must be a list: write [ … ]"}
_NOT_A_MAPPING = 'must be a mapping: write "key: value" lines, or {key: value}'
_MAPPING_MESSAGES = {"type": _NOT_A_MAPPING}


class Section(Schema):
    """A mapping with fixed keys; every other key is a mistake."""

    class Meta:
        """How marshmallow itself treats unknown keys."""

        unknown = EXCLUDE  # the message of `_refuse_unknown_keys` is more helpful

    error_messages = _MAPPING_MESSAGES

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _refuse_unknown_keys(self, _: Data, original: Data, **__: Data) -> None:
        unknown = original.keys() - self.fields.keys() if isinstance(original, dict) else ()
        # The key itself is not shown: where a comma or a quote is missing, it may be a secret.
        errors = {
            key: [KeyMessage(f"there is no such key: {did_you_mean(key, self.fields)}")]
            for key in unknown
        }
        if errors:
            raise ValidationError(errors)


class Part(PresenceMessages, fields.Nested):
    """A section within another."""


class PartOrOff(Part):
    """A section within another, or `off`, which is returned as None. `false` means the same."""

    def _deserialize(self, value: Data, *context: Data, **options: Data) -> Data:
        return None if value in (False, OFF) else super()._deserialize(value, *context, **options)


class Items(PresenceMessages, fields.List[Data]):
    """A list of values of one kind."""

    default_error_messages = _NOT_A_LIST


class OneOrMore(Items):
    """One value, or a list of them."""

    def _deserialize(self, value: Data, *context: Data, **options: Data) -> list[Data]:
        if not isinstance(value, list):
            return [self.inner.deserialize(value)]
        check_not_empty(value)
        return super()._deserialize(value, *context, **options)


class Named(PresenceMessages, fields.Field[dict[str, Data]]):
    """A mapping from names of the author's choice to values of one kind."""

    def __init__(
        self,
        check_name: Check,
        inner: fields.Field[Data],
        *,
        may_be_empty: bool,
        required: bool = True,
    ) -> None:
        """Set the check for each name and the field for each value."""
        super().__init__(required=required)
        self._check_name = check_name
        self.inner = inner
        self.may_be_empty = may_be_empty

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> dict[str, Data]:
        if not isinstance(value, dict):
            raise ValidationError(_NOT_A_MAPPING)
        if not value and not self.may_be_empty:
            raise ValidationError("is empty: write at least one name")
        values: dict[str, Data] = {}
        errors: dict[str, Data] = {}
        for name, item in value.items():
            try:
                self._check_name(name)
            except ValidationError as exc:
                errors[name] = [KeyMessage(message) for message in exc.messages]
                continue
            try:
                values[name] = self.inner.deserialize(item)
            except ValidationError as exc:
                errors[name] = exc.messages
        if errors:
            raise ValidationError(errors)
        return values


class ByKind(PresenceMessages, fields.Field[dict[str, Data]]):
    """A mapping whose allowed keys depend on the value of one key."""

    def __init__(self, key: str, kinds: Mapping[str, Schema]) -> None:
        """Set the deciding key, and the section for each of its values."""
        super().__init__(required=True)
        self.key = key
        self.kinds = kinds
        self._kind = Text(required=True, validate=OneOf(kinds))

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> dict[str, Data]:
        if not isinstance(value, dict):
            raise ValidationError(_NOT_A_MAPPING)
        if self.key not in value:
            raise ValidationError({self.key: [f"is missing: {list_names(self.kinds)}"]})
        try:
            kind = str(self._kind.deserialize(value[self.key]))
        except ValidationError as exc:
            raise ValidationError({self.key: exc.messages}) from None
        return dict(self.kinds[kind].load(value))


class SecretWithExpiry(PresenceMessages, fields.Field[dict[str, Data]]):
    """A secret, alone or with the time at which it expires."""

    def __init__(self, check: Check | None = None) -> None:
        """Set a check for the text of the secret."""
        super().__init__()
        text = SecretText(required=True, validate=check)
        self.section = Section.from_dict({"value": text, "not_after": Timestamp()})()
        self.text = text

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> dict[str, Data]:
        if not isinstance(value, dict):
            return {"value": self.text.deserialize(value)}
        return dict(self.section.load(value))


def check_not_empty(value: list[Data]) -> None:
    """Check that a list is not empty."""
    if not value:
        raise ValidationError("is an empty list: write at least one value")
