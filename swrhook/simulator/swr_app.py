"""SWR in one region, behind its API gateway."""

from flask import Flask, request

from swrhook.simulator import errors, signatures
from swrhook.simulator.app import new_app, region, state
from swrhook.simulator.iam_app import project_id
from swrhook.simulator.images import images
from swrhook.simulator.organizations import organizations
from swrhook.simulator.state import State
from swrhook.simulator.sync import sync
from swrhook.swr.auth.signing import PROJECT_HEADER


def create_app(its_state: State, its_region: str) -> Flask:
    """Make the SWR application of a region."""
    app = new_app(__name__, its_state, its_region)
    app.before_request(_authenticate)
    for blueprint in (sync, images, organizations):
        app.register_blueprint(blueprint, url_prefix="/v2/manage")
    return app


def _authenticate() -> None:
    """Let pass only a good token or signature for this region's project (and unknown paths).

    Source: «Error Codes» of API request signing; APIGW.0307 has the advice «An API of another
    region may have been called».
    """
    if request.routing_exception is not None:
        return
    if signatures.is_signed():
        signatures.signer()
        # Without the header it is the region's own project.
        if request.headers.get(PROJECT_HEADER, project_id(region())) != project_id(region()):
            raise errors.gateway(403, "0310", "The project is unavailable.")
        return
    value = request.headers.get("X-Auth-Token")
    if not value:
        message = "Incorrect IAM authentication information: x-auth-token not found"
        raise errors.gateway(401, "0301", message)
    token = state().accounts.token(value)
    if token is None or token.region != region():
        raise errors.gateway(401, "0307", "The token must be updated.")
