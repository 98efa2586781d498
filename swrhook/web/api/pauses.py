"""/api/v1/pauses, /pause and /resume: hold back the syncs of a region, a rule or a sender."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from swrhook.config.model import Config
from swrhook.errors import NothingUsable
from swrhook.ledger.pauses import list_pauses
from swrhook.ledger.queries.views import Page
from swrhook.syncs.pauses import Pause, Paused, PauseKind
from swrhook.web.access import name_object, token_name
from swrhook.web.api.fields import Since, SinceField
from swrhook.web.api.routing import Routes
from swrhook.web.api.schema_base import ExampleSchema, Length, page_of, schema_of
from swrhook.web.context import WebContext
from swrhook.wording.message import say

# A pause that should last longer needs no end.
LONGEST = timedelta(days=366)
LONGEST_REASON = 500

PauseSchema = schema_of(Pause, "Pause", kind=PauseKind)
PausePageSchema = page_of(PauseSchema, "PausePage")


class PausedSchema(ExampleSchema):
    """One region, rule or sender."""

    region = fields.String()
    rule = fields.String()
    sender = fields.String()

    @validates_schema
    def _check(self, names: Mapping[str, Any], **_options: object) -> None:
        if sum(kind in names for kind in PauseKind) != 1:
            raise ValidationError(say("one region, rule or sender is needed"), "body")


class PauseOrderSchema(PausedSchema):
    """What to pause; `until` is a time (RFC 3339) or a duration from now."""

    until = SinceField()
    reason = fields.String(validate=Length(1, LONGEST_REASON))


def add_pause_routes(routes: Routes, web: WebContext) -> None:
    """Add the routes."""

    @routes.get("/pauses", PausePageSchema)
    def list_all() -> Page[Pause]:
        """List what is paused."""
        return Page(web.read(list_pauses), None)

    @routes.post("/pause", PauseSchema, PauseOrderSchema)
    def begin(body: dict[str, Any]) -> Pause:
        """Hold back the syncs of a region, a rule or a sender, or change how long."""
        return begin_pause(web, to_paused(body), body.get("until"), body.get("reason"))

    @routes.post("/resume", PauseSchema, PausedSchema)
    def end(body: dict[str, Any]) -> Pause:
        """End a pause: what it held back goes on in order. 409 if there is none."""
        return end_pause(web, to_paused(body))


def begin_pause(web: WebContext, paused: Paused, until: Since | None, reason: str | None) -> Pause:
    """Begin a pause, or change the one that lasts; return it. Raises NothingUsable."""
    name_object(str(paused))
    if paused.name not in _names(web.config.current())[paused.kind]:
        raise NothingUsable(say("no %(paused)s is configured", paused=paused.name_in_words))
    now = web.clock.now()
    end = _end(until, now)
    pause = Pause(paused.kind, paused.name, now, end, token_name() or "", reason)
    return web.operator.pause(pause)


def end_pause(web: WebContext, paused: Paused) -> Pause:
    """End a pause; return it. Raises StateForbids if there is none."""
    name_object(str(paused))
    return web.operator.resume(paused)


def _names(config: Config) -> Mapping[PauseKind, Iterable[str]]:
    """Return the names that can be paused."""
    return {
        PauseKind.REGION: config.swr.regions,
        PauseKind.RULE: [rule.name for rule in config.rules],
        PauseKind.SENDER: config.senders,
    }


def _end(until: Since | None, now: datetime) -> datetime | None:
    if until is None:
        return None
    in_time = until if isinstance(until, timedelta) else until - now
    if not timedelta() < in_time <= LONGEST:
        raise NothingUsable(say("until must be in the future, and within a year"))
    return now + in_time


def to_paused(body: Mapping[str, str]) -> Paused:
    """Return what a checked body names."""
    kind = next(kind for kind in PauseKind if kind in body)
    return Paused(kind, body[kind])
