"""The IAM application: tokens for passwords, keys and agencies; projects; temporary access keys.

Source: IAM API reference, "Obtaining a User Token Through Password Authentication", "Obtaining an
Agency Token", "Querying Project Information Based on the Specified Criteria" and "Obtaining
Temporary Access Keys and Security Tokens of an IAM User". `hw_ak_sk` is not documented; public
clients use it.
"""

from collections.abc import Mapping
from typing import TypeAlias

from flask import Blueprint, Flask, Response, request

from swrhook.simulator import errors, signatures
from swrhook.simulator.accounts import Credentials
from swrhook.simulator.app import answer, iam_timestamp, new_app, parse_json, replay, state
from swrhook.simulator.metadata import answer_with_key, machine
from swrhook.simulator.model import IAM, Json, Token, User, identifier
from swrhook.simulator.state import State
from swrhook.swr.auth.signing import AccessKey

# The lifetimes that a temporary key may have, in seconds; the first is the default.
_LIFETIMES = range(900, 86_401)

Object: TypeAlias = Mapping[str, object]
iam = Blueprint("iam", __name__)


def create_app(simulator: State) -> Flask:
    """Create the IAM application of a simulator."""
    app = new_app(__name__, simulator, IAM)
    app.before_request(replay)
    app.register_blueprint(iam)
    app.register_blueprint(machine)
    return app


def project_id(region: str) -> str:
    """Return the id of a region's project, the same in every run."""
    return identifier("project", region)


@iam.post("/v3/auth/tokens")
def tokens() -> Response:
    """Issue a token."""
    auth = _object(_body(), "auth")
    region, identity = _scope(auth), _object(auth, "identity")
    match identity.get("methods"):
        case ["password"]:
            token = state().accounts.login(_credentials(identity), region=region)
        case ["hw_ak_sk"]:
            token = state().accounts.login_with_key(_access_key(identity), region=region)
        case ["assume_role"]:
            user = _user_of(_token_value({}))
            domain, agency = _agency(identity)
            token = state().accounts.assume_agency(user, domain, agency, region=region)
        case _:
            raise errors.iam("0073", "Invalid input for field 'methods'.")
    return answer({"token": _token(token)}, status=201, headers={"X-Subject-Token": token.value})


@iam.get("/v3/projects")
def projects() -> Response:
    """List the projects, or the one with a name."""
    user = signatures.signer() if signatures.is_signed() else _user_of(_token_value({}))
    name = request.args.get("name")
    regions = [region for region in state().regions if name in (None, region)]
    links: Json = {"self": request.url, "next": None, "previous": None}
    return answer({"projects": [_project(region, user) for region in regions], "links": links})


@iam.post("/v3.0/OS-CREDENTIAL/securitytokens")
def securitytokens() -> Response:
    """Issue a temporary key to the user of a token."""
    identity = _object(_object(_body(), "auth"), "identity")
    if identity.get("methods") != ["token"]:
        raise errors.iam("0073", "Invalid input for field 'methods'.")
    token = _object(identity, "token", default={})
    seconds = token.get("duration_seconds", _LIFETIMES[0])
    if not isinstance(seconds, int) or seconds not in _LIFETIMES:
        raise errors.iam("0072", "Invalid input for field 'duration_seconds'.")
    return answer_with_key(_user_of(_token_value(token)), seconds, status=201)


def _token_value(body: Object) -> str:
    """Return the token in a request's body, or else in its header."""
    return _text(body, "id") if "id" in body else request.headers.get("X-Auth-Token", "")


def _user_of(value: str) -> User:
    token = state().accounts.token(value)
    if token is None:
        raise errors.unauthorized()
    return token.user


def _body() -> Object:
    try:
        body = parse_json(request.get_data())
    except ValueError:
        body = None
    if not request.is_json or not isinstance(body, dict):
        raise errors.iam("0011")
    return body


def _object(parent: Object, key: str, *, default: Object | None = None) -> Object:
    value = parent.get(key, default)
    if not isinstance(value, dict):
        raise errors.iam("0072", f"'{key}' is a required property.")
    return value


def _text(parent: Object, key: str) -> str:
    value = parent.get(key)
    if not isinstance(value, str) or not value:
        raise errors.iam("0072", f"'{key}' is a required property.")
    return value


def _credentials(identity: Object) -> Credentials:
    user = _object(_object(identity, "password"), "user")
    password = _text(user, "password")
    if "id" in user:
        return Credentials(_text(user, "id"), password, domain=None)
    return Credentials(_text(user, "name"), password, _text(_object(user, "domain"), "name"))


def _access_key(identity: Object) -> AccessKey:
    pair = _object(identity, "hw_ak_sk")
    access, secret = (_text(_object(pair, name), "key") for name in ("access", "secret"))
    security_token = _object(pair, "security_token", default={})
    return AccessKey(access, secret, _text(security_token, "key") if security_token else None)


def _agency(identity: Object) -> tuple[str, str]:
    """Return the account, by id or name, and the agency that a login wants to act for."""
    role = _object(identity, "assume_role")
    domain = _text(role, "domain_id" if "domain_id" in role else "domain_name")
    # The vendor's own pages have both spellings.
    return domain, _text(role, "xrole_name" if "xrole_name" in role else "agency_name")


def _scope(auth: Object) -> str | None:
    """Return the region of the project in the scope, None if the scope is a domain or absent."""
    scope = _object(auth, "scope", default={})
    if "project" not in scope:
        return None
    project = _object(scope, "project")
    key = "id" if "id" in project else "name"
    value = _text(project, key)
    for region in state().regions:
        if value == (project_id(region) if key == "id" else region):
            return region
    raise errors.iam("1109")


def _token(token: Token) -> Json:
    user = token.user
    domain: Json = {"id": user.domain_id, "name": user.domain}
    caller: dict[str, Json] = {"id": user.id, "name": user.name, "domain": domain}
    body: dict[str, Json] = {
        "methods": [token.method],
        "expires_at": iam_timestamp(token.expires_at),
        "issued_at": iam_timestamp(token.issued_at),
        "user": caller | {"password_expires_at": ""},
        "roles": [{"id": "0", "name": "te_admin"}],
        "catalog": [],
    }
    if token.agency is not None:
        name = f"{user.domain}/{token.agency}"
        owner: Json = {"id": identifier("agency", name), "name": name, "domain": domain}
        body |= {"user": owner, "assumed_by": {"user": caller}}
    if token.region is None:
        return body | {"domain": domain}
    project: Json = {"id": project_id(token.region), "name": token.region, "domain": domain}
    return body | {"project": project}


def _project(region: str, user: User) -> Json:
    return {
        "id": project_id(region),
        "name": region,
        "domain_id": user.domain_id,
        "parent_id": user.domain_id,
        "is_domain": False,
        "enabled": True,
        "description": "",
        "links": {"self": f"{request.base_url}/{project_id(region)}"},
    }
