"""marshmallow fields with strict types, and messages that say what to write.

marshmallow's own fields accept "5" as a number and "yes" as true; these do not. A message completes
a sentence that begins with the path of the key.
"""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar
from zoneinfo import ZoneInfo

from marshmallow import ValidationError, fields, validate
from marshmallow.types import ErrorMessages

from swrhook.config.diagnostics import did_you_mean, quote, type_name
from swrhook.config.nodes import Data
from swrhook.units import Rate, parse_duration, parse_rate, parse_size

_ABSENT: ErrorMessages = {"required": "is missing", "null": "is empty: write a value"}
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_OFFSET = re.compile(r"([+-])([01][0-9]):([0-5][0-9])", re.ASCII)
# An IPv4 address within IPv6 stands behind a prefix of so many bits: ::ffff:0:0/96.
_MAPPED_PREFIX_BITS = 96

_T = TypeVar("_T")
# Raises ValidationError for a text that is not valid.
Check = Callable[[str], None]

OFF, AUTO = "off", "auto"


class PresenceMessages:
    """The messages of every field here about a value that is missing or null."""

    default_error_messages = _ABSENT


class Text(PresenceMessages, fields.Field[str]):
    """Text, not empty."""

    longest = 1024
    may_be_empty = False

    def __init__(self, *, required: bool = False, validate: Check | None = None) -> None:
        """Set the check, which still sees Expanded text, so that no message shows a secret."""
        super().__init__(required=required, validate=validate, post_load=str)

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> str:
        if isinstance(value, bool | int | float):
            raise ValidationError(f"must be text, not {type_name(value)}: put it in quotes")
        if not isinstance(value, str):
            raise ValidationError(f"must be text, not {type_name(value)}")
        if not value and not self.may_be_empty:
            raise ValidationError("is empty: write a value")
        if len(value) > self.longest:
            raise ValidationError(f"is longer than {self.longest} characters")
        return value


class OptionalText(Text):
    """Text that may be empty."""

    may_be_empty = True


class SecretText(Text):
    """Text that is a secret. It may be long, as IAM's tokens are."""

    longest = 32 * 1024


class Duration(PresenceMessages, fields.Field[timedelta]):
    """A duration with its unit."""

    def __init__(self, shortest: str = "0s", longest: str | None = None) -> None:
        """Set the bounds, as they are written in the file. Both are allowed."""
        error = f"must be at least {shortest}" + (f" and at most {longest}" if longest else "")
        most = parse_duration(longest) if longest else None
        super().__init__(validate=validate.Range(parse_duration(shortest), most, error=error))

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> timedelta:
        return _parse_text(
            parse_duration, value, "a duration like 30s (ms, s, m, h or d; at most 36500d)"
        )


class DurationOrOff(Duration):
    """A duration with its unit, or `off`. `false` means the same."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> timedelta | None:  # type: ignore[override]
        return None if value in (False, OFF) else super()._deserialize(value)

    def _validate(self, value: timedelta | None) -> None:
        if value is not None:
            super()._validate(value)


class TextOrOff(Text):
    """Text, or `off`. `false` means the same."""

    def __init__(self, *, validate: Check) -> None:
        super().__init__(validate=validate)
        self.post_load = [lambda text: text]  # off stays None

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> str | None:  # type: ignore[override]
        return None if value in (False, OFF) else super()._deserialize(value)

    def _validate(self, value: str | None) -> None:
        if value is not None:
            super()._validate(value)


class TimeOfDay(PresenceMessages, fields.Field[time]):
    """A time of day, in hours and minutes."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> time:
        return _parse_text(_time_of_day, value, "a time like 22:00, in quotes")


class TimeZone(PresenceMessages, fields.Field[tzinfo]):
    """A time zone: a name of the IANA database, or an offset."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> tzinfo:
        return _parse_text(_time_zone, value, "a time zone like Asia/Shanghai or +08:00")


class Size(PresenceMessages, fields.Field[int]):
    """A number of bytes with its unit."""

    def __init__(self, smallest: str, largest: str) -> None:
        """Set the bounds, as they are written in the file. Both are allowed."""
        error = f"must be from {smallest} to {largest}"
        bounds = validate.Range(parse_size(smallest), parse_size(largest), error=error)
        super().__init__(validate=bounds)

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> int:
        return _parse_text(parse_size, value, "a size like 1MiB (B, KiB or MiB)")


class RateField(PresenceMessages, fields.Field[Rate]):
    """A number of events per second, minute or hour."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> Rate:
        return _parse_text(parse_rate, value, "a rate like 100/s (/s, /m or /h)")


class Network(PresenceMessages, fields.Field[IPv4Network | IPv6Network]):
    """A network of IP addresses; an address alone is a network of one."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> IPv4Network | IPv6Network:
        return _parse_text(
            _network, value, "an address or a network like 192.0.2.0/24 or 2001:db8::/32"
        )


class Timestamp(PresenceMessages, fields.Field[datetime]):
    """A point in time in the format of RFC 3339, returned in UTC."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> datetime:
        return _parse_text(_timestamp, value, "a time like 2026-01-31T00:00:00Z")


class WholeNumber(PresenceMessages, fields.Field[int]):
    """A whole number within bounds."""

    def __init__(self, at_least: int, at_most: int) -> None:
        """Set the bounds, which are both allowed."""
        super().__init__()
        self.low, self.high = at_least, at_most

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> int:
        if type(value) is not int:
            raise ValidationError("must be a whole number, without quotes")
        if not self.low <= value <= self.high:
            raise ValidationError(f"must be from {self.low} to {self.high}")
        return value


class Share(PresenceMessages, fields.Field[float]):
    """A part of a whole: a number above 0 and up to 1."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> float:
        if type(value) not in (int, float) or not 0 < value <= 1:
            raise ValidationError("must be a number above 0 and up to 1, without quotes")
        return float(value)


class WholeNumberOrAuto(WholeNumber):
    """A whole number within bounds, or `auto`, which is returned as None."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> int | None:  # type: ignore[override]
        if value == AUTO:
            return None
        if type(value) is not int:
            raise ValidationError(f"must be a whole number, without quotes, or {AUTO}")
        return super()._deserialize(value)


class Flag(PresenceMessages, fields.Field[bool]):
    """True or false."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false, without quotes")
        return value


def _parse_text(parse: Callable[[str], _T], value: Data, expected: str) -> _T:
    if not isinstance(value, str):
        raise ValidationError(f"must be {expected}, not {type_name(value)}")
    try:
        return parse(value)
    except ValueError:
        # The parser's own message quotes the value, which may have come from the environment.
        raise ValidationError(f"{quote(value)} is not {expected}") from None


def _network(text: str) -> IPv4Network | IPv6Network:
    network = ip_network(text)
    address = network.network_address
    # A mapped network stands for IPv4 addresses, and an IPv4 client has an IPv4 address.
    mapped = address.ipv4_mapped if address.version == 6 else None  # noqa: PLR2004
    if mapped is None or network.prefixlen < _MAPPED_PREFIX_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX_BITS))


def _time_of_day(text: str) -> time:
    if _TIME_OF_DAY.fullmatch(text) is None:
        raise ValueError
    return time.fromisoformat(text)


def _time_zone(text: str) -> tzinfo:
    offset = _OFFSET.fullmatch(text)
    if offset is not None:
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(span if offset[1] == "+" else -span)
    try:
        return ZoneInfo(text)
    except (OSError, LookupError) as exc:
        raise ValueError from exc


def _timestamp(text: str) -> datetime:
    if _TIMESTAMP.fullmatch(text) is None:
        raise ValueError
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as exc:  # in UTC, it is before the first year or after the last one
        raise ValueError from exc


class OneOf(validate.OneOf):
    """A check that a text is one of several names."""

    choices: Collection[str]

    def _format_error(self, value: str) -> str:
        return f"{quote(value)} is unknown: {did_you_mean(value, self.choices)}"
