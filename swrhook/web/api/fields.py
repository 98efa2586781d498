"""Fields of our own: times as the contract writes them, and filters as people write them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import ValidationError, fields

from swrhook.durations import parse_duration
from swrhook.ledger.listed import ImageFilter

Since = datetime | timedelta


class Instant(fields.DateTime):
    """A time in UTC, RFC 3339 with milliseconds and `Z`."""

    def _serialize(
        self, value: datetime | None, attr: str | None, obj: object, **kwargs: object
    ) -> str | None:
        del attr, obj, kwargs
        if value is None:
            return None
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class SinceField(fields.Field[Since]):
    """A point in time, RFC 3339, or a duration that ends now, like `24h`."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, Any] | None, **kwargs: object
    ) -> Since:
        del attr, data, kwargs
        text = str(value)
        try:
            return parse_duration(text)
        except ValueError:
            # In a query, «+» is a space until somebody encodes it.
            return _time(text.replace(" ", "+"))


class ImageField(fields.Field[ImageFilter]):
    """`namespace/repository` or `namespace/repository:tag`."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, Any] | None, **kwargs: object
    ) -> ImageFilter:
        del attr, data, kwargs
        namespace, _, rest = str(value).partition("/")
        repository, colon, tag = rest.partition(":")
        if not namespace or not repository or (colon and not tag):
            raise ValidationError("must be namespace/repository or namespace/repository:tag")
        return ImageFilter(namespace, repository, tag or None)


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValidationError(
        "must be a time like 2026-01-31T12:00:00Z, or a duration like 30m, 24h or 7d"
    )
