"""POST /api/v1/whatif: what other rules would have done."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from flask import Response
from marshmallow import fields, validate

from swrhook.config.candidate import read_candidate
from swrhook.errors import BadConfiguration
from swrhook.rules.plan import PlanChange
from swrhook.usecases.whatif import WhatIf, whatif
from swrhook.web.api.fields import Instant, SinceField
from swrhook.web.api.queries import point_in_time
from swrhook.web.api.routing import ask, blueprint
from swrhook.web.api.schema_base import Exemplary
from swrhook.web.context import WebContext
from swrhook.web.problems import problem

USUAL_SINCE = timedelta(days=7)


class CandidateSchema(Exemplary):
    """Rules to be compared with those in use, and since when pushes count."""

    candidate = fields.String(
        required=True,
        metadata={
            "description": "YAML or JSON as in the file: `rules` and, where they differ from those"
            " in use, `defaults`, `senders` and `swr.regions`. The rest is left out."
        },
    )
    since = SinceField(
        load_default=USUAL_SINCE, metadata={"description": "A time (RFC 3339) or `7d`."}
    )


class RuleChangesSchema(Exemplary):
    """How many syncs a rule would gain, lose, or redirect: the same target, another override."""

    rule = fields.String(required=True)
    gained = fields.Integer(required=True)
    lost = fields.Integer(required=True)
    redirected = fields.Integer(required=True)


class DifferenceSchema(Exemplary):
    """One sync that would differ; an override is null where there is no sync."""

    change = fields.String(required=True, validate=validate.OneOf([*PlanChange]))
    image = fields.String(required=True)
    sender = fields.String(required=True)
    target_region = fields.String(required=True)
    target_namespace = fields.String(required=True)
    before = fields.Boolean(required=True, allow_none=True)
    after = fields.Boolean(required=True, allow_none=True)
    rule = fields.String(required=True)


class WhatIfSchema(Exemplary):
    """How the candidate differs from the rules in use, over what was announced since then."""

    rules_version = fields.String(required=True)
    since = Instant(required=True)
    complete = fields.Boolean(required=True)
    pushes = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    gained = fields.Integer(required=True)
    lost = fields.Integer(required=True)
    redirected = fields.Integer(required=True)
    rules = fields.List(fields.Nested(RuleChangesSchema), required=True)
    examples = fields.List(fields.Nested(DifferenceSchema), required=True)
    warnings = fields.List(fields.String(), required=True)


def whatif_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("comparing", "What other rules would have done.")

    @ask(routes, "/whatif", WhatIfSchema, CandidateSchema)
    def compare(body: dict[str, Any]) -> WhatIf | Response:
        """Run the recorded pushes through other rules; nothing is changed by it."""
        current = web.config.current()
        try:
            candidate = read_candidate(body["candidate"].encode("utf-8", "replace"), current)
        except BadConfiguration as exc:
            reasons = [str(mistake) for mistake in exc.mistakes]
            words = "the candidate cannot be used"
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, words, reasons=reasons)
        return whatif(
            candidate, current, web.database, point_in_time(body["since"], web.clock.now())
        )

    return routes
