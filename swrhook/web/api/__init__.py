"""The HTTP API under /api/v1, and its description at /api/openapi.json."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask
from flask_smorest import Api
from marshmallow import Schema

from swrhook import __version__
from swrhook.web.api.fields import DurationField, ImageField, RepositoryField, SinceField, TagField
from swrhook.web.api.schemas import ProblemSchema

_DESCRIPTION = """What swrhook received, and where every image tag is.

Lists are sorted newest first and come in pages: `next` is the cursor of the next page, or null on
the last one. Every error is `application/problem+json` (RFC 9457)."""
_OPTIONS = {
    "info": {"description": _DESCRIPTION},
    "security": [{"bearer": []}],
    "components": {
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": (
                    "One of `access.tokens` in swrhook.yaml. Reading needs the role `read`, writing"
                    " `operate`, and some routes need `admin`."
                ),
            }
        }
    },
}


class _Api(Api):  # type: ignore[misc]  # flask-smorest has no types
    ERROR_SCHEMA: type[Schema] = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Register none: flask-smorest's handlers would replace those of problems.py."""

    def _register_responses(self) -> None:
        """Describe errors as problem+json; flask-smorest would say application/json."""
        phrases = {status.name: status.phrase for status in HTTPStatus}
        for name, phrase in {**phrases, self.DEFAULT_ERROR_RESPONSE_NAME: "Any error"}.items():
            content = {"application/problem+json": {"schema": self.ERROR_SCHEMA}}
            response = {"description": phrase, "content": content}
            self.spec.components.response(name, response, lazy=True)


def install(app: Flask, blueprints: Iterable[Any]) -> None:
    """Add the API to the app."""
    app.config["OPENAPI_URL_PREFIX"] = "/api"
    api = _Api(
        app,
        spec_kwargs={
            "title": "swrhook",
            "version": __version__,
            "openapi_version": "3.1.0",
            **_OPTIONS,
        },
    )
    # flask-smorest knows no OpenAPI type for a class of ours.
    for field in (SinceField, DurationField, ImageField, RepositoryField, TagField):
        api.register_field(field, "string", None)
    for blueprint in blueprints:
        api.register_blueprint(blueprint, url_prefix="/api/v1")
