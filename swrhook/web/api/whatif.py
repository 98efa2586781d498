"""POST /api/v1/whatif: compare other rules with those in use, on recorded pushes."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from flask import Response
from marshmallow import fields

from swrhook.errors import BadConfiguration
from swrhook.rules.plan import PlanChange
from swrhook.usecases.whatif import Example, WhatIf
from swrhook.web.analysis import compare_rules
from swrhook.web.api.fields import SinceField
from swrhook.web.api.routing import blueprint, post_query
from swrhook.web.api.schema_base import ExampleSchema, schema_of
from swrhook.web.context import WebContext
from swrhook.web.problems import problem

DEFAULT_SINCE = timedelta(days=7)


class CandidateSchema(ExampleSchema):
    """The rules to compare with those in use, and the time since which pushes count."""

    candidate = fields.String(
        required=True,
        metadata={
            "description": "YAML or JSON with the structure of `swrhook.yaml`: `rules` and, where"
            " they differ from those in use, `defaults`, `senders` and `swr.regions`. The rest is"
            " ignored."
        },
    )
    since = SinceField(
        load_default=DEFAULT_SINCE,
        metadata={"description": "Recorded at or after: a time (RFC 3339) or `7d`."},
    )


WhatIfSchema = schema_of(WhatIf, examples=schema_of(Example, "Difference", change=PlanChange))


def whatif_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("whatif", "What other rules would have done.")

    @post_query(routes, "/whatif", WhatIfSchema, CandidateSchema)
    def compare(body: dict[str, Any]) -> WhatIf | Response:
        """Evaluate the recorded pushes with other rules; changes nothing."""
        try:
            return compare_rules(web, body["candidate"], body["since"])
        except BadConfiguration as exc:
            reasons = [str(mistake) for mistake in exc.mistakes]
            detail = "the candidate is invalid"
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, reasons=reasons)

    return routes
