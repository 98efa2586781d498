"""What `settings` may say in swrhook.yaml. The defaults are in values.Options."""

from collections.abc import Mapping

from marshmallow import ValidationError, validates_schema

from swrhook.config import validators
from swrhook.config.fields import (
    Duration,
    DurationOrOff,
    Network,
    Size,
    Whole,
    at_least,
    size_between,
)
from swrhook.config.model import Pace, Retention
from swrhook.config.nodes import Data
from swrhook.config.sections import Items, Part, Section
from swrhook.syncs.backoff import Retry, Verify
from swrhook.units import format_duration

# A wait holds a thread of gunicorn's (32) for as long as it lasts: most are left to the others.
MOST_WAITS = 16

_SOME_TIME = at_least("1ms")
_A_SECOND = at_least("1s")
_A_MINUTE = at_least("1m")
_AN_HOUR = at_least("1h")


class RetrySection(Section):
    """`retry`: how long and how often a failed call is tried again."""

    base = Duration(validate=_SOME_TIME)
    cap = Duration(validate=_SOME_TIME)
    deadline = Duration(validate=_A_SECOND)

    @validates_schema
    def _check_order(self, data: Mapping[str, Data], **_: Data) -> None:
        backoff = Retry().backoff
        if data.get("cap", backoff.cap) < data.get("base", backoff.base):
            raise ValidationError("base must not be longer than cap")


class VerifySection(Section):
    """`verify`: how the target is looked at after a call."""

    first = Duration(validate=_SOME_TIME)
    cap = Duration(validate=_SOME_TIME)
    deadline = Duration(validate=_A_SECOND)
    retriggers = Whole(0, 100)

    @validates_schema
    def _check_order(self, data: Mapping[str, Data], **_: Data) -> None:
        backoff = Verify().backoff
        if data.get("cap", backoff.cap) < data.get("first", backoff.base):
            raise ValidationError("first must not be longer than cap")


class PaceSection(Section):
    """`pace`: the most that one process asks of one endpoint."""

    per_second = Whole(1, 10_000)
    in_flight = Whole(1, 1_000)
    in_flight_per_target = Whole(1, 1_000)

    @validates_schema
    def _check_order(self, data: Mapping[str, Data], **_: Data) -> None:
        in_flight = data.get("in_flight", Pace().in_flight)
        if data.get("in_flight_per_target", Pace().in_flight_per_target) > in_flight:
            raise ValidationError("in_flight_per_target must not be more than in_flight")


class TimeoutsSection(Section):
    """`timeouts`: how long an answer is waited for."""

    connect = Duration(validate=_SOME_TIME)
    read = Duration(validate=_SOME_TIME)


class ReconcileSection(Section):
    """`reconcile`: comparing source and targets by itself."""

    every = DurationOrOff(validate=_A_MINUTE)
    max_calls = Whole(1, 1_000_000)


class RetentionSection(Section):
    """`retention`: how long the ledger keeps what is finished."""

    deliveries = Duration(validate=_AN_HOUR)
    syncs = Duration(validate=_AN_HOUR)

    @validates_schema
    def _check_order(self, data: Mapping[str, Data], **_: Data) -> None:
        deliveries = data.get("deliveries", Retention().deliveries)
        if data.get("syncs", Retention().syncs) < deliveries:
            longer = format_duration(deliveries)
            raise ValidationError(f"syncs must not be shorter than deliveries, which is {longer}")


class OptionsSection(Section):
    """The section `settings`."""

    body_limit = Size(validate=size_between("1KiB", "64MiB"))
    dedup_window = Duration()
    source_deadline = Duration(validate=_A_SECOND)
    retry = Part(RetrySection)
    verify = Part(VerifySection)
    batch = Whole(1, 1_000)
    pace = Part(PaceSection)
    timeouts = Part(TimeoutsSection)
    trusted_proxies = Items(Network(validate=validators.some_network))
    waits = Whole(0, MOST_WAITS)
    retention = Part(RetentionSection)
    reconcile = Part(ReconcileSection)
