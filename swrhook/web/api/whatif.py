"""POST /api/v1/whatif: what other rules would have done."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from flask import Response
from marshmallow import fields

from swrhook.config.candidate import read_candidate
from swrhook.errors import BadConfiguration
from swrhook.rules.plan import PlanChange
from swrhook.usecases.whatif import Example, WhatIf, whatif
from swrhook.web.api.fields import SinceField
from swrhook.web.api.queries import point_in_time
from swrhook.web.api.routing import ask, blueprint
from swrhook.web.api.schema_base import ExampleSchema, schema_of
from swrhook.web.context import WebContext
from swrhook.web.problems import problem

USUAL_SINCE = timedelta(days=7)


class CandidateSchema(ExampleSchema):
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


WhatIfSchema = schema_of(WhatIf, examples=schema_of(Example, "Difference", change=PlanChange))


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
