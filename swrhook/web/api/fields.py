"""Custom fields: times, durations, and names of images."""

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
    """A time in answers: UTC, RFC 3339 with milliseconds and `Z`."""

    def _serialize(
        self, value: datetime | None, attr: str | None, obj: object, **kwargs: object
    ) -> str | None:
        del attr, obj, kwargs
        return None if value is None else _format(value)


class SinceField(fields.Field[Since]):
    """A point in time, as RFC 3339 or as a duration before now, like `24h`."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, Any] | None, **kwargs: object
    ) -> Since:
        del attr, data, kwargs
        text = str(value)
        try:
            return parse_duration(text)
        except ValueError:
            # In a query string, an unencoded "+" (as in +08:00) arrives as a space.
            return _parse_time(text.replace(" ", "+"))

    def _serialize(
        self, value: Since | None, attr: str | None, obj: object, **kwargs: object
    ) -> str | None:
        """Write a default value for the OpenAPI document."""
        del attr, obj, kwargs
        if value is None:
            return None
        return format_duration(value) if isinstance(value, timedelta) else _format(value)


class DurationField(fields.Field[timedelta]):
    """A duration like `24h`, more than zero and at most `longest`."""

    def __init__(self, longest: timedelta, **options: Any) -> None:  # noqa: ANN401  # marshmallow's
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
        image = read_image(str(value))
        if image is None:
            raise ValidationError("must be namespace/repository or namespace/repository:tag")
        return image


class TagField(fields.Field[ImageFilter]):
    """`namespace/repository:tag`, with names that SWR allows."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, Any] | None, **kwargs: object
    ) -> ImageFilter:
        del attr, data, kwargs
        image = read_image(value) if isinstance(value, str) else None
        if image is None or not (
            is_namespace(image.namespace)
            and is_repository(image.repository)
            and is_tag(image.tag or "")
        ):
            raise ValidationError("must be namespace/repository:tag, with names that SWR allows")
        return image


class RepositoryField(fields.Field[ImageFilter]):
    """`namespace/repository`, with names that SWR allows."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, Any] | None, **kwargs: object
    ) -> ImageFilter:
        del attr, data, kwargs
        image = read_image(value) if isinstance(value, str) else None
        if image is None or not (
            is_namespace(image.namespace) and is_repository(image.repository) and image.tag is None
        ):
            raise ValidationError("must be namespace/repository, with names that SWR allows")
        return image


def read_image(text: str) -> ImageFilter | None:
    """Parse `namespace/repository` or `namespace/repository:tag`; None if it is neither."""
    namespace, _, rest = text.partition("/")
    repository, colon, tag = rest.partition(":")
    if not namespace or not repository or (colon and not tag):
        return None
    return ImageFilter(namespace, repository, tag or None)


def _format(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parse_time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValidationError(
        "must be a time like 2026-01-31T12:00:00Z, or a duration like 30m, 24h or 7d"
    )
