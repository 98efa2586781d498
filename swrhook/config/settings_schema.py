"""The schema of `settings`. The defaults are in swrhook.config.model.Options."""

from collections.abc import Mapping

from marshmallow import ValidationError, validates_schema

from swrhook.config import validators
from swrhook.config.fields import (
    Duration,
    DurationOrOff,
    Network,
    Share,
    Size,
    TextOrOff,
    WholeNumber,
    WholeNumberOrAuto,
)
from swrhook.config.model import Pace, Retention
from swrhook.config.nodes import Data
from swrhook.config.sections import Items, Part, PartOrOff, Section
from swrhook.syncs.backoff import Retry, Verify
from swrhook.units import format_duration

# A wait occupies one of gunicorn's 32 threads until it ends. Half of them stay free for requests.
MAX_WAITS = 16


class RetrySection(Section):
    """`retry`: the backoff and the deadline after a failed call."""

    base = Duration("1ms")
    cap = Duration("1ms")
    deadline = Duration("1s")

    @validates_schema
    def _check_order(self, data: Mapping[str, Data], **_: Data) -> None:
        backoff = Retry().backoff
        if data.get("cap", backoff.cap) < data.get("base", backoff.base):
            raise ValidationError("base must not be longer than cap")


class VerifySection(Section):
    """`verify`: how often and how long the target is polled after a call."""

    first = Duration("1ms")
    cap = Duration("1ms")
    deadline = Duration("1s")
    job_deadline = Duration("1s")
    retriggers = WholeNumber(0, 100)

    @validates_schema
    def _check_order(self, data: Mapping[str, Data], **_: Data) -> None:
        backoff = Verify().backoff
        if data.get("cap", backoff.cap) < data.get("first", backoff.base):
            raise ValidationError("first must not be longer than cap")


class PaceSection(Section):
    """`pace`: the limits for the requests of all processes to one endpoint."""

    per_second = WholeNumberOrAuto(1, 10_000)
    in_flight = WholeNumber(1, 1_000)
    in_flight_per_target = WholeNumber(1, 1_000)

    @validates_schema
    def _check_order(self, data: Mapping[str, Data], **_: Data) -> None:
        in_flight = data.get("in_flight", Pace().in_flight)
        if data.get("in_flight_per_target", Pace().in_flight_per_target) > in_flight:
            raise ValidationError("in_flight_per_target must not be more than in_flight")


class TimeoutsSection(Section):
    """`timeouts`: how long a request may take."""

    connect = Duration("1ms")
    read = Duration("1ms")


class ReconcileSection(Section):
    """`reconcile`: regular comparison of source and targets."""

    every = DurationOrOff("1m")
    max_calls = WholeNumber(1, 1_000_000)


class ReloadGuardSection(Section):
    """`reload_guard`: the effect above which a change of rules waits for an administrator."""

    syncs = WholeNumber(1, 1_000_000)
    share = Share()


class RetentionSection(Section):
    """`retention`: how long the ledger keeps deliveries and finished syncs."""

    deliveries = Duration("1h")
    other_bodies = Duration()
    syncs = Duration("1h")

    @validates_schema
    def _check_order(self, data: Mapping[str, Data], **_: Data) -> None:
        deliveries = data.get("deliveries", Retention().deliveries)
        if data.get("syncs", Retention().syncs) < deliveries:
            minimum = format_duration(deliveries)
            raise ValidationError(f"syncs must not be shorter than deliveries, which is {minimum}")


class OptionsSection(Section):
    """The section `settings`."""

    body_limit = Size("1KiB", "64MiB")
    dedup_window = Duration()
    source_deadline = Duration("1s")
    retry = Part(RetrySection)
    verify = Part(VerifySection)
    batch = WholeNumber(1, 1_000)
    pace = Part(PaceSection)
    timeouts = Part(TimeoutsSection)
    trusted_proxies = Items(Network(validate=validators.some_network))
    waits = WholeNumber(0, MAX_WAITS)
    retention = Part(RetentionSection)
    late = Duration("1s")
    documentation = TextOrOff(validate=validators.dashboard_url)
    reconcile = Part(ReconcileSection)
    reload_guard = PartOrOff(ReloadGuardSection)
