"""marshmallow fields for a file that people write: strict types, messages that tell what to do.

marshmallow's own fields take "5" for a number and "yes" for true; here every value is what it
looks like. Messages complete a sentence that begins with the key's path.
"""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar

from marshmallow import ValidationError, fields
from marshmallow.types import ErrorMessages

from swrhook.config.diagnostics import did_you_mean, kind_of, quote
from swrhook.config.nodes import Data
from swrhook.units import Rate, parse_duration, parse_rate, parse_size

_ABSENT: ErrorMessages = {"required": "is missing", "null": "is empty: write a value"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
# What stands before an IPv4 address within IPv6: ::ffff:0:0/96.
_MAPPED_BITS = 96

_T = TypeVar("_T")
Check = Callable[[str], None]


OFF = "off"


class Worded:
    """What every field here says of a value that is not there."""

    default_error_messages = _ABSENT


class Text(Worded, fields.Field[str]):
    """Text, not empty."""

    longest = 1024
    may_be_empty = False

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> str:
        if isinstance(value, bool | int | float):
            raise ValidationError(f"must be text, not {kind_of(value)}: put it in quotes")
        if not isinstance(value, str):
            raise ValidationError(f"must be text, not {kind_of(value)}")
        if not value and not self.may_be_empty:
            raise ValidationError("is empty: write a value")
        if len(value) > self.longest:
            raise ValidationError(f"is longer than {self.longest} characters")
        return value


class Prefix(Text):
    """Text that may be empty."""

    may_be_empty = True


class SecretText(Text):
    """Text that nobody else may see; IAM's tokens are long."""

    longest = 32 * 1024


class Duration(Worded, fields.Field[timedelta]):
    """A duration with its unit."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> timedelta:
        return _read(
            parse_duration, value, "a duration like 30s (ms, s, m, h or d; at most 36500d)"
        )


class DurationOrOff(Duration):
    """A duration with its unit, or `off`, which YAML may take for a boolean."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> timedelta | None:  # type: ignore[override]
        return None if value in (False, OFF) else super()._deserialize(value)

    def _validate(self, value: timedelta | None) -> None:
        if value is not None:
            super()._validate(value)


class Size(Worded, fields.Field[int]):
    """A number of bytes with its unit."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> int:
        return _read(parse_size, value, "a size like 1MiB (B, KiB or MiB)")


class PerTime(Worded, fields.Field[Rate]):
    """A number of events in a time."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> Rate:
        return _read(parse_rate, value, "a rate like 100/s (/s, /m or /h)")


class Network(Worded, fields.Field[IPv4Network | IPv6Network]):
    """Internet addresses that begin with the same bits; an address alone is such a network too."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> IPv4Network | IPv6Network:
        return _read(_network, value, "an address or a network like 192.0.2.0/24 or 2001:db8::/32")


class Moment(Worded, fields.Field[datetime]):
    """A moment as RFC 3339 writes it."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> datetime:
        return _read(_moment, value, "a time like 2026-01-31T00:00:00Z")


class Whole(Worded, fields.Field[int]):
    """A whole number within bounds."""

    def __init__(self, at_least: int, at_most: int) -> None:
        """Take the bounds, both allowed."""
        super().__init__()
        self.low, self.high = at_least, at_most

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> int:
        if type(value) is not int:
            raise ValidationError("must be a whole number, without quotes")
        if not self.low <= value <= self.high:
            raise ValidationError(f"must be from {self.low} to {self.high}")
        return value


class Flag(Worded, fields.Field[bool]):
    """True or false."""

    def _deserialize(self, value: Data, *_: Data, **__: Data) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false, without quotes")
        return value


def _read(parse: Callable[[str], _T], value: Data, wanted: str) -> _T:
    if not isinstance(value, str):
        raise ValidationError(f"must be {wanted}, not {kind_of(value)}")
    try:
        return parse(value)
    except ValueError:
        # The parser's own message quotes the value, which may have come from the environment.
        raise ValidationError(f"{quote(value)} is not {wanted}") from None


def _network(text: str) -> IPv4Network | IPv6Network:
    network = ip_network(text)
    first = network.network_address
    mapped = first.ipv4_mapped if first.version == 6 else None  # noqa: PLR2004
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def _moment(text: str) -> datetime:
    if _MOMENT.fullmatch(text) is None:
        raise ValueError
    return datetime.fromisoformat(text).astimezone(UTC)


class OneOf:
    """A check for one of these names."""

    def __init__(self, names: Collection[str]) -> None:
        """Take the names."""
        self.names = names

    def __call__(self, value: str) -> None:
        """Raise ValidationError for any other name."""
        if value not in self.names:
            raise ValidationError(f"{quote(value)} is unknown: {did_you_mean(value, self.names)}")


def at_least(shortest: str) -> Callable[[timedelta], None]:
    """Return a check for a duration that is long enough, written as in the file."""

    def check(value: timedelta) -> None:
        if value < parse_duration(shortest):
            raise ValidationError(f"must be at least {shortest}")

    return check


def size_between(smallest: str, largest: str) -> Callable[[int], None]:
    """Return a check for a size within bounds, written as in the file."""

    def check(value: int) -> None:
        if not parse_size(smallest) <= value <= parse_size(largest):
            raise ValidationError(f"must be from {smallest} to {largest}")

    return check
