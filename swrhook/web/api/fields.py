"""Fields of our own: times as the contract writes them, and filters as people write them."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import ValidationError, fields

from swrhook.ledger.queries.views import ImageFilter
from swrhook.swr_names import is_namespace, is_repository, is_tag
from swrhook.units import format_duration, parse_duration

Since = datetime | timedelta


class Instant(fields.DateTime):
    """A time in UTC, RFC 3339 with milliseconds and `Z`."""

    def _serialize(
        self, value: datetime | None, attr: str | None, obj: object, **kwargs: object
    ) -> str | None:
        del attr, obj, kwargs
        return None if value is None else _written(value)


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

    def _serialize(
        self, value: Since | None, attr: str | None, obj: object, **kwargs: object
    ) -> str | None:
        """Write a default, which the description shows."""
        del attr, obj, kwargs
        if value is None:
            return None
        return format_duration(value) if isinstance(value, timedelta) else _written(value)


class DurationField(fields.Field[timedelta]):
    """A duration like `24h`."""

    def __init__(self, longest: timedelta, **options: Any) -> None:  # noqa: ANN401  # marshmallow's
        """Take what is too long."""
        super().__init__(**options)
        self._longest = longest

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, Any] | None, **kwargs: object
    ) -> timedelta:
        del attr, data, kwargs
        with suppress(ValueError):
            duration = parse_duration(str(value))
            if timedelta() < duration <= self._longest:
                return duration
        longest = format_duration(self._longest)
        raise ValidationError(f"must be a duration like 30m or 24h, at most {longest}")

    def _serialize(
        self, value: timedelta | None, attr: str | None, obj: object, **kwargs: object
    ) -> str | None:
        del attr, obj, kwargs
        return None if value is None else format_duration(value)


class ImageField(fields.Field[ImageFilter]):
    """`namespace/repository` or `namespace/repository:tag`."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, Any] | None, **kwargs: object
    ) -> ImageFilter:
        del attr, data, kwargs
        found = read_image(str(value))
        if found is None:
            raise ValidationError("must be namespace/repository or namespace/repository:tag")
        return found


class TagField(fields.Field[ImageFilter]):
    """`namespace/repository:tag`, under names that SWR allows."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, Any] | None, **kwargs: object
    ) -> ImageFilter:
        del attr, data, kwargs
        found = read_image(value) if isinstance(value, str) else None
        if found is None or not (
            is_namespace(found.namespace)
            and is_repository(found.repository)
            and is_tag(found.tag or "")
        ):
            raise ValidationError("must be namespace/repository:tag, with names that SWR allows")
        return found


class RepositoryField(fields.Field[ImageFilter]):
    """`namespace/repository`, under names that SWR allows."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, Any] | None, **kwargs: object
    ) -> ImageFilter:
        del attr, data, kwargs
        found = read_image(value) if isinstance(value, str) else None
        if found is None or not (
            is_namespace(found.namespace) and is_repository(found.repository) and found.tag is None
        ):
            raise ValidationError("must be namespace/repository, with names that SWR allows")
        return found


def read_image(text: str) -> ImageFilter | None:
    """Return what `namespace/repository` or `namespace/repository:tag` names."""
    namespace, _, rest = text.partition("/")
    repository, colon, tag = rest.partition(":")
    if not namespace or not repository or (colon and not tag):
        return None
    return ImageFilter(namespace, repository, tag or None)


def _written(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
