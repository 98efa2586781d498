"""/api/v1/rules/pending and /rules/accept: rules that the reload guard holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from swrhook.config.candidate import excerpt_of, read_fingerprint
from swrhook.errors import BadConfiguration, StateForbids
from swrhook.ledger.queries.views import Page
from swrhook.ledger.rule_sets import list_pending
from swrhook.rules.plan import PlanChange
from swrhook.usecases.reload_guard import Effect
from swrhook.usecases.whatif import Example, RuleChanges
from swrhook.web.access import name_object, token_name
from swrhook.web.api.analysis import evaluate
from swrhook.web.api.routing import Routes
from swrhook.web.api.schema_base import ExampleSchema, page_of, schema_of
from swrhook.web.context import WebContext
from swrhook.web.problems import problem
from swrhook.wording.message import say

_FINGERPRINT = validate.Regexp(r"[0-9a-f]{64}\Z", error="must be a `fingerprint` of pending rules.")


@dataclass(frozen=True, slots=True)
class ShownRules:
    """Rules that are held, with the version of the file that has them, and what they change.

    `effect` is null if it could not be measured in time.
    """

    fingerprint: str
    version: str
    at: datetime
    effect: Effect | None


@dataclass(frozen=True, slots=True)
class AcceptedRules:
    """Rules that every process may use."""

    fingerprint: str


EffectSchema = schema_of(
    Effect,
    rules=schema_of(RuleChanges, "PendingRuleChanges"),
    examples=schema_of(Example, "PendingDifference", change=PlanChange),
)
PendingRulesPageSchema = page_of(
    schema_of(ShownRules, "PendingRules", effect=EffectSchema), "PendingRulesPage"
)
AcceptedRulesSchema = schema_of(AcceptedRules)


class AcceptSchema(ExampleSchema):
    """The pending rules to accept or, before their rollout, the file that has them."""

    fingerprint = fields.String(validate=_FINGERPRINT)
    candidate = fields.String(
        metadata={"description": "YAML or JSON with the structure of `swrhook.yaml`, as in whatif."}
    )

    @validates_schema
    def _check(self, body: Mapping[str, Any], **_options: object) -> None:
        if len(body) != 1:
            raise ValidationError(say("a fingerprint or a candidate is needed"), "body")


def add_pending_routes(routes: Routes, web: WebContext) -> None:
    """Add the routes."""

    @routes.get("/rules/pending", PendingRulesPageSchema)
    def list_held() -> Page[ShownRules]:
        """List the rules that some process wants to use, and that are held."""
        return Page(pending_rules(web), None)

    @routes.post("/rules/accept", AcceptedRulesSchema, AcceptSchema)
    def accept(body: dict[str, Any]) -> AcceptedRules | Response:
        """Let every process use rules: pending ones, or those of a file. Needs the role admin."""
        try:
            return accept_rules(web, body.get("fingerprint"), body.get("candidate"))
        except BadConfiguration as exc:
            reasons = [str(mistake) for mistake in exc.mistakes]
            detail = "the candidate is invalid"
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, reasons=reasons)


def pending_rules(web: WebContext) -> list[ShownRules]:
    """Return the rules that are held."""
    pending = web.read(list_pending, web.clock.now())
    return [
        ShownRules(rules.fingerprint, rules.version, rules.at, _to_effect(rules.effect))
        for rules in pending
    ]


def accept_rules(
    web: WebContext, fingerprint: str | None, candidate: str | None = None
) -> AcceptedRules:
    """Let every process use rules. Raises BadConfiguration, and StateForbids if none is pending."""
    version = ""
    if candidate is not None:
        with web.comparisons.take():
            basis = excerpt_of(web.config.current())
            fingerprint = evaluate(read_fingerprint, candidate, basis)
    else:
        versions = {rules.fingerprint: rules.version for rules in pending_rules(web)}
        if fingerprint not in versions:
            raise StateForbids(say("no such rules are pending: see GET /api/v1/rules/pending"))
        version = versions[fingerprint]
    name_object(fingerprint)
    web.operator.accept_rules(fingerprint, version, token_name() or "")
    return AcceptedRules(fingerprint)


def _to_effect(members: Mapping[str, Any] | None) -> Effect | None:
    if members is None:
        return None
    rules = [RuleChanges(**changes) for changes in members["rules"]]
    examples = [Example(**example) for example in members["examples"]]
    return Effect(**{**members, "rules": rules, "examples": examples})
