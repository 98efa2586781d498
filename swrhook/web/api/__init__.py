"""The API for people and programs: /api/v1 and its description, /api/openapi.json."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask
from flask_smorest import Api
from marshmallow import Schema

from swrhook import __version__
from swrhook.web.api.fields import DurationField, ImageField, RepositoryField, SinceField, TagField
from swrhook.web.api.schemas import ProblemSchema

_ABOUT = """What swrhook received, and where every image tag is.

Lists are sorted newest first and come in pages: `next` is the cursor of the following page, null
at the end. Every error is `application/problem+json` (RFC 9457)."""
_OPTIONS = {
    "info": {"description": _ABOUT},
    "security": [{"bearer": []}],
    "components": {
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": (
                    "A token of `access.tokens`. Reading needs the role `read`, everything else"
                    " `operate`."
                ),
            }
        }
    },
}


class _Api(Api):  # type: ignore[misc]  # flask-smorest has no types
    ERROR_SCHEMA: type[Schema] = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Leave errors to problems.py: flask-smorest would replace its handler."""

    def _register_responses(self) -> None:
        """Describe errors as what they are; flask-smorest knows application/json only."""
        phrases = {status.name: status.phrase for status in HTTPStatus}
        for name, phrase in {**phrases, self.DEFAULT_ERROR_RESPONSE_NAME: "Any error"}.items():
            content = {"application/problem+json": {"schema": self.ERROR_SCHEMA}}
            described = {"description": phrase, "content": content}
            self.spec.components.response(name, described, lazy=True)


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
    for field in (SinceField, DurationField, ImageField, RepositoryField, TagField):
        api.register_field(field, "string", None)
    for each in blueprints:
        api.register_blueprint(each, url_prefix="/api/v1")
