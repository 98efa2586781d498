"""Decorators that add a route of the API and describe it in the OpenAPI document."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from flask_smorest import Blueprint
from marshmallow import RAISE, Schema

View = TypeVar("View", bound=Callable[..., object])


def get(
    # flask-smorest has no types
    blueprint: Any,  # noqa: ANN401
    rule: str,
    answer: type[Schema],
    query: type[Schema] | None = None,
    errors: Sequence[HTTPStatus] = (),
) -> Callable[[View], View]:
    """Serve and describe `GET rule`; parameters that `query` does not have are refused."""

    def decorate(view: View) -> View:
        described = blueprint.response(200, answer)(view)
        for status in [*errors, *([HTTPStatus.NOT_FOUND] if "<" in rule else [])]:
            described = blueprint.alt_response(status, status.name)(described)
        if query is not None:
            described = blueprint.arguments(query, location="query", unknown=RAISE)(described)
        blueprint.add_url_rule(rule, view_func=described)
        return view

    return decorate


def post(
    blueprint: Any,  # noqa: ANN401
    rule: str,
    answer: type[Schema],
    body: type[Schema] | None = None,
) -> Callable[[View], View]:
    """Serve and describe `POST rule`, a write: 202, or 409 if the state forbids it.

    With an object in the path: 404 if there is none. Members that `body` does not have are refused.
    """

    def decorate(view: View) -> View:
        described = blueprint.response(202, answer)(view)
        described = blueprint.alt_response(409, "CONFLICT")(described)
        if "<" in rule:
            described = blueprint.alt_response(404, "NOT_FOUND")(described)
        if body is not None:
            described = blueprint.arguments(body, location="json", unknown=RAISE)(described)
        blueprint.add_url_rule(rule, view_func=described, methods=["POST"])
        return view

    return decorate


def post_query(
    blueprint: Any,  # noqa: ANN401
    rule: str,
    answer: type[Schema],
    body: type[Schema],
) -> Callable[[View], View]:
    """Serve and describe `POST rule`, a query that is too long for a URL: 200."""

    def decorate(view: View) -> View:
        described = blueprint.response(200, answer)(view)
        described = blueprint.arguments(body, location="json", unknown=RAISE)(described)
        blueprint.add_url_rule(rule, view_func=described, methods=["POST"])
        return view

    return decorate


def blueprint(name: str, description: str) -> Any:  # noqa: ANN401  # flask-smorest has no types
    """Return a blueprint of flask-smorest; the OpenAPI document has it as a tag."""
    return Blueprint(name, __name__, description=description)
