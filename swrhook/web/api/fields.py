"""Custom fields: times, durations, and names of images."""

import re
from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from marshmallow import ValidationError, fields

from swrhook.ledger.queries.views import ImageFilter
from swrhook.swr_names import is_digest, is_namespace, is_repository, is_tag
from swrhook.units import format_duration, parse_duration
from swrhook.usecases.availability.copies import AskedImage
from swrhook.wording.message import say

Since = datetime | timedelta
# Nothing is older, and calculations with an earlier time may leave the range of `datetime`.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
Value = TypeVar("Value")


def format_instant(time: datetime) -> str:
    """Write a time as the API does: UTC, RFC 3339 with milliseconds and `Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Instant(fields.DateTime):
    """A time in answers, written by `format_instant`."""

    def _serialize(self, value: datetime | None, *_args: object, **_kwargs: object) -> str | None:
        return None if value is None else format_instant(value)


class TextField(fields.Field[Value], ABC):
    """A value that is written as text; a subclass has the parser."""

    @abstractmethod
    def parse(self, text: str) -> Value:
        """Return the value of a text. Raises ValidationError."""

    def _deserialize(self, value: object, *_args: object, **_kwargs: object) -> Value:
        return self.parse(str(value))

    def _serialize(self, value: Value | None, *_args: object, **_kwargs: object) -> str | None:
        """Write a default value, which is always a duration, for the OpenAPI document."""
        return format_duration(value) if isinstance(value, timedelta) else None


class SinceField(TextField[Since]):
    """A point in time, as RFC 3339 or as a duration before now, like `24h`."""

    def parse(self, text: str) -> Since:
        """Return the time or the duration."""
        with suppress(ValueError):
            return parse_duration(text)
        with suppress(ValueError, OverflowError):
            # In a query string, an unencoded "+" (as in +08:00) arrives as a space.
            time = datetime.fromisoformat(text.replace(" ", "+"))
            if time.tzinfo is not None:
                return max(time.astimezone(UTC), _EARLIEST)
        raise ValidationError(
            say("must be a time like 2026-01-31T12:00:00Z, or a duration like 30m, 24h or 7d")
        )


class DurationField(TextField[timedelta]):
    """A duration like `24h`, more than zero and at most `longest`."""

    def __init__(self, longest: timedelta, **options: Any) -> None:  # noqa: ANN401  # marshmallow's
        super().__init__(**options)
        self._longest = longest

    def parse(self, text: str) -> timedelta:
        """Return the duration."""
        with suppress(ValueError):
            duration = parse_duration(text)
            if timedelta() < duration <= self._longest:
                return duration
        longest = format_duration(self._longest)
        raise ValidationError(
            say("must be a duration like 30m or 24h, at most %(longest)s", longest=longest)
        )


class ImageField(TextField[ImageFilter]):
    """`namespace/repository` or `namespace/repository:tag`."""

    requirement = say("must be namespace/repository or namespace/repository:tag")

    def parse(self, text: str) -> ImageFilter:
        """Return the repository or tag, if the field allows it."""
        namespace, _, rest = text.partition("/")
        repository, colon, tag = rest.partition(":")
        image = ImageFilter(namespace, repository, tag or None)
        if not namespace or not repository or (colon and not tag) or not self.allows(image):
            raise ValidationError(self.requirement)
        return image

    def allows(self, image: ImageFilter) -> bool:
        """Tell whether the field takes this image, whose names are not empty."""
        del image
        return True


class AskedImageField(TextField[AskedImage]):
    """`namespace/repository` with `:tag`, `@digest` or both, with names that SWR allows."""

    def parse(self, text: str) -> AskedImage:
        """Return the image."""
        name, at, digest = text.partition("@")
        namespace, _, rest = name.partition("/")
        repository, colon, tag = rest.partition(":")
        is_named = is_namespace(namespace) and is_repository(repository)
        is_tagged = is_tag(tag) if colon else bool(at)
        if not (is_named and is_tagged and (is_digest(digest) or not at)):
            raise ValidationError(
                say(
                    "must be namespace/repository:tag, namespace/repository@digest, or both,"
                    " with names that SWR allows"
                )
            )
        return AskedImage(namespace, repository, tag or None, digest or None)


class RepositoryField(ImageField):
    """`namespace/repository`, with names that SWR allows."""

    requirement = say("must be namespace/repository, with names that SWR allows")

    def allows(self, image: ImageFilter) -> bool:
        """Tell whether this is a repository that SWR can have."""
        is_name = is_namespace(image.namespace) and is_repository(image.repository)
        return is_name and image.tag is None


class PlaceField(TextField[ImageFilter]):
    """`namespace/repository`, or `namespace` or `namespace/*` for a whole organization.

    The name of an organization may be a glob. Its value has no repository.
    """

    def parse(self, text: str) -> ImageFilter:
        """Return the repository or the organizations."""
        namespace, _, repository = text.partition("/")
        if repository not in ("", "*", "**"):
            if not (is_namespace(namespace) and is_repository(repository)):
                raise ValidationError(RepositoryField.requirement)
            return ImageFilter(namespace, repository)
        if not is_namespace(_WILDCARD.sub("a", namespace)):
            raise ValidationError(say("must be an organization, or a glob such as team-*"))
        return ImageFilter(namespace, "")


_WILDCARD = re.compile(r"[*?]+")


class TagField(ImageField):
    """`namespace/repository:tag`, with names that SWR allows."""

    requirement = say("must be namespace/repository:tag, with names that SWR allows")

    def allows(self, image: ImageFilter) -> bool:
        """Tell whether this is a tag that SWR can have."""
        is_name = is_namespace(image.namespace) and is_repository(image.repository)
        return is_name and is_tag(image.tag or "")
