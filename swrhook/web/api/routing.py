"""A route of the API: its view, the schema of its query and that of its answer, in one line."""

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
    """Serve and describe `GET rule`; a parameter that `query` does not know is refused."""

    def decorate(view: View) -> View:
        documented = blueprint.response(200, answer)(view)
        for status in [*errors, *([HTTPStatus.NOT_FOUND] if "<" in rule else [])]:
            documented = blueprint.alt_response(status, status.name)(documented)
        if query is not None:
            documented = blueprint.arguments(query, location="query", unknown=RAISE)(documented)
        blueprint.add_url_rule(rule, view_func=documented)
        return view

    return decorate


def post(
    blueprint: Any,  # noqa: ANN401
    rule: str,
    answer: type[Schema],
    body: type[Schema] | None = None,
) -> Callable[[View], View]:
    """Serve and describe `POST rule`, which changes something: 202, or 409 if it cannot.

    An object in the path may not be there: 404. In the body, what the schema does not know is
    refused.
    """

    def decorate(view: View) -> View:
        documented = blueprint.response(202, answer)(view)
        documented = blueprint.alt_response(409, "CONFLICT")(documented)
        if "<" in rule:
            documented = blueprint.alt_response(404, "NOT_FOUND")(documented)
        if body is not None:
            documented = blueprint.arguments(body, location="json", unknown=RAISE)(documented)
        blueprint.add_url_rule(rule, view_func=documented, methods=["POST"])
        return view

    return decorate


def ask(
    blueprint: Any,  # noqa: ANN401
    rule: str,
    answer: type[Schema],
    body: type[Schema],
) -> Callable[[View], View]:
    """Serve and describe `POST rule`, a question that is too long for a URL: 200."""

    def decorate(view: View) -> View:
        documented = blueprint.response(200, answer)(view)
        documented = blueprint.arguments(body, location="json", unknown=RAISE)(documented)
        blueprint.add_url_rule(rule, view_func=documented, methods=["POST"])
        return view

    return decorate


def blueprint(name: str, description: str) -> Any:  # noqa: ANN401  # flask-smorest has no types
    """Return flask-smorest's blueprint."""
    return Blueprint(name, __name__, description=description)
