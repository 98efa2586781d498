"""marshmallow fields and schemas for what holds other values: mappings and lists."""

from collections.abc import Mapping

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema
from marshmallow.types import ErrorMessages

from swrhook.config.diagnostics import LATER, AtKey, did_you_mean, listing
from swrhook.config.fields import Check, Moment, OneOf, SecretText, Text, Worded
from swrhook.config.nodes import Data

_NO_LIST: ErrorMessages = {"invalid": "must be a list: write [ … ]"}
_ALWAYS_LATER: ErrorMessages = {"null": LATER}
_A_MAPPING = "must be a mapping: write «key: value» lines, or {key: value}"
_NO_MAPPING = {"type": _A_MAPPING}


class Section(Schema):
    """A mapping with fixed keys; every other key is a mistake."""

    class Meta:
        """What marshmallow itself does about other keys."""

        unknown = EXCLUDE  # because `_refuse_unknown_keys` says it better

    error_messages = _NO_MAPPING

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _refuse_unknown_keys(self, _: Data, original: Data, **__: Data) -> None:
        unknown = original.keys() - self.fields.keys() if isinstance(original, dict) else ()
        if not unknown:
            return
        known = [name for name, field in self.fields.items() if not isinstance(field, Unsupported)]
        # The key itself is not shown: where a comma or a quote is missing, it may be a secret's.
        raise ValidationError(
            {key: [AtKey(f"there is no such key: {did_you_mean(key, known)}")] for key in unknown}
        )


class Part(Worded, fields.Nested):
    """A section within another."""


class Items(Worded, fields.List[Data]):
    """A list of values of one kind."""

    default_error_messages = _NO_LIST


class OneOrMore(Items):
    """One value, or a list of them."""

    def _deserialize(self, value: Data, *context: Data, **options: Data) -> list[Data]:
        if not isinstance(value, list):
            return [self.inner.deserialize(value)]
        not_empty(value)
        return super()._deserialize(value, *context, **options)


class Named(Worded, fields.Field[dict[str, Data]]):
    """A mapping from names, which the file's author chooses, to values of one kind."""

    def __init__(self, check_name: Check, inner: fields.Field[Data], *, may_be_empty: bool) -> None:
        """Take the check of each name and the field for each value."""
        super().__init__(required=True)
        self._check_name = check_name
        self.inner = inner
        self.may_be_empty = may_be_empty

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> dict[str, Data]:
        if not isinstance(value, dict):
            raise ValidationError(_A_MAPPING)
        if not value and not self.may_be_empty:
            raise ValidationError("is empty: write at least one name")
        loaded: dict[str, Data] = {}
        errors: dict[str, Data] = {}
        for name, item in value.items():
            try:
                self._check_name(name)
            except ValidationError as exc:
                errors[name] = [AtKey(message) for message in exc.messages]
                continue
            try:
                loaded[name] = self.inner.deserialize(item)
            except ValidationError as exc:
                errors[name] = exc.messages
        if errors:
            raise ValidationError(errors)
        return loaded


class ByKind(Worded, fields.Field[dict[str, Data]]):
    """A mapping whose other keys depend on the value of one."""

    def __init__(self, key: str, kinds: Mapping[str, Schema]) -> None:
        """Take the deciding key, and the section for each of its values."""
        super().__init__(required=True)
        self.key = key
        self.kinds = kinds
        self._kind = Text(required=True, validate=OneOf(kinds))

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> dict[str, Data]:
        if not isinstance(value, dict):
            raise ValidationError(_A_MAPPING)
        if self.key not in value:
            raise ValidationError({self.key: [f"is missing: {listing(self.kinds)}"]})
        try:
            kind = str(self._kind.deserialize(value[self.key]))
        except ValidationError as exc:
            raise ValidationError({self.key: exc.messages}) from None
        loaded: dict[str, Data] = self.kinds[kind].load(value)
        return loaded


class Unsupported(fields.Field[None]):
    """A key that is promised and that this version does not act on: refused, not ignored."""

    default_error_messages = _ALWAYS_LATER

    def _deserialize(self, *_: Data, **__: Data) -> None:
        raise ValidationError(LATER)


class SecretWithEnd(Worded, fields.Field[dict[str, Data]]):
    """A secret, alone or with the time after which it is no longer valid."""

    def __init__(self, check: Check | None = None) -> None:
        """Take a check of the secret's text."""
        super().__init__()
        text = SecretText(required=True, validate=check)
        self.section = Section.from_dict({"value": text, "not_after": Moment()})()
        self.text = text

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> dict[str, Data]:
        if not isinstance(value, dict):
            return {"value": self.text.deserialize(value)}
        loaded: dict[str, Data] = self.section.load(value)
        return loaded


def not_empty(value: list[Data]) -> None:
    """Check that a list has something in it."""
    if not value:
        raise ValidationError("is an empty list: write at least one value")
