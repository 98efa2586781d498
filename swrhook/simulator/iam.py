"""IAM: tokens for a user and password, and the projects that they can be scoped to.

Source: IAM API reference, «Obtaining a User Token Through Password Authentication» and
«Querying Project Information Based on the Specified Criteria».
"""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from flask import Blueprint, Flask, Response, request

from swrhook.simulator import refusals
from swrhook.simulator.accounts import Credentials
from swrhook.simulator.state import State
from swrhook.simulator.values import IAM, Json, Token, identifier
from swrhook.simulator.web import answer, new_app, parse_json, state

iam = Blueprint("iam", __name__)


def create_app(its_state: State) -> Flask:
    """Make the IAM application of a simulator."""
    app = new_app(__name__, its_state, IAM)
    app.register_blueprint(iam)
    return app


def project_id(region: str) -> str:
    """Tell the id of a region's project, the same in every run."""
    return identifier("project", region)


@iam.post("/v3/auth/tokens")
def tokens() -> Response:
    """Issue a token."""
    auth = _object(_body(), "auth")
    region = _scope(auth)
    token = state().accounts.login(_credentials(auth), region=region)
    return answer({"token": _token(token)}, status=201, headers={"X-Subject-Token": token.value})


@iam.get("/v3/projects")
def projects() -> Response:
    """List the projects, or those of one name."""
    token = state().accounts.token(request.headers.get("X-Auth-Token", ""))
    if token is None:
        raise refusals.unauthorized()
    name = request.args.get("name")
    found = [region for region in state().regions if name in (None, region)]
    links: Json = {"self": request.url, "next": None, "previous": None}
    return answer({"projects": [_project(region, token) for region in found], "links": links})


def _body() -> Mapping[str, object]:
    try:
        body = parse_json(request.get_data())
    except ValueError:
        body = None
    if not request.is_json or not isinstance(body, dict):
        raise refusals.iam(400, "0011", "Request body is invalid.")
    return body


def _object(parent: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = parent.get(key)
    if not isinstance(value, dict):
        raise refusals.iam(400, "0072", f"'{key}' is a required property.")
    return value


def _text(parent: Mapping[str, object], key: str) -> str:
    value = parent.get(key)
    if not isinstance(value, str) or not value:
        raise refusals.iam(400, "0072", f"'{key}' is a required property.")
    return value


def _credentials(auth: Mapping[str, object]) -> Credentials:
    identity = _object(auth, "identity")
    if identity.get("methods") != ["password"]:
        raise refusals.iam(400, "0073", "Invalid input for field 'methods'.")
    user = _object(_object(identity, "password"), "user")
    password = _text(user, "password")
    if "id" in user:
        return Credentials(_text(user, "id"), password, domain=None)
    return Credentials(_text(user, "name"), password, _text(_object(user, "domain"), "name"))


def _scope(auth: Mapping[str, object]) -> str | None:
    """Find the region whose project is asked for; a domain, or nothing, asks for none."""
    scope = cast("Mapping[str, object]", _object(auth, "scope") if "scope" in auth else {})
    if "project" not in scope:
        return None
    project = _object(scope, "project")
    key = "id" if "id" in project else "name"
    wanted = _text(project, key)
    for region in state().regions:
        if wanted == (project_id(region) if key == "id" else region):
            return region
    raise refusals.iam(400, "1109", "The project information cannot be found.")


def _token(token: Token) -> Json:
    user = token.user
    domain: Json = {"id": user.domain_id, "name": user.domain}
    body: dict[str, Json] = {
        "methods": ["password"],
        "expires_at": _stamp(token.expires_at),
        "issued_at": _stamp(token.issued_at),
        "user": {"id": user.id, "name": user.name, "domain": domain, "password_expires_at": ""},
        "roles": [{"id": "0", "name": "te_admin"}],
        "catalog": [],
    }
    if token.region is None:
        return body | {"domain": domain}
    project: Json = {"id": project_id(token.region), "name": token.region, "domain": domain}
    return body | {"project": project}


def _project(region: str, token: Token) -> Json:
    domain_id = token.user.domain_id
    return {
        "id": project_id(region),
        "name": region,
        "domain_id": domain_id,
        "parent_id": domain_id,
        "is_domain": False,
        "enabled": True,
        "description": "",
        "links": {"self": f"{request.base_url}/{project_id(region)}"},
    }


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
