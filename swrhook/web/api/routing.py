"""Groups of routes that the OpenAPI document describes.

What a route does not know is refused, so that no misspelt parameter is without effect.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

from flask import Request, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, ValidationError
from webargs import missing
from webargs.flaskparser import FlaskParser, abort, is_json_request
from webargs.multidictproxy import MultiDictProxy
from werkzeug.exceptions import UnsupportedMediaType

from swrhook.ledger.queries.views import USUAL_LIMIT
from swrhook.senders.payload import Json, decode
from swrhook.web.api.queries import PagingQuery
from swrhook.web.turns import Turns
from swrhook.wording.message import say

_BUSY = HTTPStatus.TOO_MANY_REQUESTS
P = ParamSpec("P")
Result = TypeVar("Result")
View = TypeVar("View", bound=Callable[..., object])

ONLY_ONCE = say("may be given only once.")


def repeated_parameters(req: Request) -> set[str]:
    """Return the names that a request's URL has more than once."""
    return {name for name, values in req.args.lists() if len(values) > 1}


class _Parser(FlaskParser):
    """Parses bodies as those of deliveries: JSON of limited depth and size.

    Of a parameter that is repeated, no value is chosen.
    """

    def load_querystring(self, req: Request, schema: Schema) -> MultiDictProxy:
        """Return the parameters in the URL. Raises ValidationError."""
        parameters: MultiDictProxy = super().load_querystring(req, schema)
        repeated = repeated_parameters(req) - parameters.multiple_keys
        if repeated:
            raise ValidationError({name: [ONLY_ONCE] for name in sorted(repeated)})
        return parameters

    def _raw_load_json(self, req: Request) -> Json:
        body = req.get_data()
        if body and not is_json_request(req):
            raise UnsupportedMediaType("send JSON, with the header Content-Type: application/json")
        return decode(body) if body else missing


class Routes(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A blueprint of the API; the OpenAPI document has it as a tag."""

    ARGUMENTS_PARSER = _Parser()

    def __init__(self, name: str, description: str, large_pages: Turns) -> None:
        super().__init__(name, __name__, description=description)
        self._large_pages = large_pages

    def get(
        self,
        rule: str,
        answer: type[Schema],
        query: type[Schema] | None = None,
        errors: Sequence[HTTPStatus] = (),
        error: type[Schema] | None = None,
    ) -> Callable[[View], View]:
        """Serve and describe `GET rule`; parameters that `query` does not have are refused.

        `errors` are answers beside those of every route; `error` is their schema, if they have more
        members than a problem.
        """
        return self._add("GET", rule, (200, answer), query, errors, error)

    def post(
        self, rule: str, answer: type[Schema], body: type[Schema] | None = None
    ) -> Callable[[View], View]:
        """Serve and describe `POST rule`, a write: 202, or 409 if the state forbids it.

        Members that `body` does not have are refused.
        """
        return self._add("POST", rule, (202, answer), body, [HTTPStatus.CONFLICT])

    def post_query(
        self,
        rule: str,
        answer: type[Schema],
        body: type[Schema],
        errors: Sequence[HTTPStatus] = (),
    ) -> Callable[[View], View]:
        """Serve and describe `POST rule`, a query that is too long for a URL: 200."""
        return self._add("POST", rule, (200, answer), body, errors)

    def _add(
        self,
        method: str,
        rule: str,
        answer: tuple[int, type[Schema]],
        arguments: type[Schema] | None,
        errors: Sequence[HTTPStatus] = (),
        error: type[Schema] | None = None,
    ) -> Callable[[View], View]:
        """Return the decorator. A rule with an object in its path answers 404 if there is none."""

        def decorate(view: View) -> View:
            described = self.response(*answer)(view)
            is_page = arguments is not None and issubclass(arguments, PagingQuery)
            if is_page:
                described = self._bound(described)
                described = self.alt_response(_BUSY, response=_BUSY.name)(described)
            for status in [*errors, *([HTTPStatus.NOT_FOUND] if "<" in rule else [])]:
                options = {"response": status.name} if error is None else _problem(status, error)
                described = self.alt_response(status, **options)(described)
            if arguments is not None:
                location = "query" if method == "GET" else "json"
                # An instance: webargs would make one of a class for each request.
                described = self.arguments(arguments(), location=location, unknown=RAISE)(described)
            if arguments is None or method == "POST":
                described = _without_parameters(described)
            self.add_url_rule(rule, view_func=described, methods=[method])
            return view

        return decorate

    def _bound(self, view: Callable[P, Result]) -> Callable[P, Result]:
        """Let one request at a time read and write a page of more than USUAL_LIMIT items."""

        @wraps(view)
        def bounded(*args: P.args, **kwargs: P.kwargs) -> Result:
            query: Any = args[-1]  # the loaded arguments
            is_large = query["limit"] > USUAL_LIMIT
            with self._large_pages.take() if is_large else nullcontext():
                return view(*args, **kwargs)

        return bounded


def _without_parameters(view: Callable[P, Result]) -> Callable[P, Result]:
    """Refuse parameters in the URL."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Result:
        if request.args:
            messages = {"query": {name: ["Unknown field."] for name in request.args}}
            abort(HTTPStatus.UNPROCESSABLE_ENTITY, messages=messages)
        return view(*args, **kwargs)

    return checked


def _problem(status: HTTPStatus, schema: type[Schema]) -> dict[str, object]:
    return {
        "schema": schema,
        "description": status.phrase,
        "content_type": "application/problem+json",
    }
