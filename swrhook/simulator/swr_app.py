"""The application of one region: SWR behind its API gateway."""

from flask import Flask, request

from swrhook.simulator import errors, signatures
from swrhook.simulator.app import new_app, region, replay, state
from swrhook.simulator.iam_app import project_id
from swrhook.simulator.image_changes import image_changes
from swrhook.simulator.images import images
from swrhook.simulator.organizations import organizations
from swrhook.simulator.state import State
from swrhook.simulator.sync import sync
from swrhook.swr.auth.signing import PROJECT_HEADER


def create_app(simulator: State, region_name: str) -> Flask:
    """Create the SWR application of a region."""
    app = new_app(__name__, simulator, region_name)
    app.before_request(_authenticate)
    app.before_request(replay)
    for blueprint in (sync, images, image_changes, organizations):
        app.register_blueprint(blueprint, url_prefix="/v2/manage")
    return app


def _authenticate() -> None:
    """Refuse a request without a valid token or signature for this region's project.

    Source: "Error Codes" of API request signing. Its advice for APIGW.0307 is "An API of another
    region may have been called".
    """
    # An unknown path needs no token: it is answered with APIGW.0101.
    if request.routing_exception is not None:
        return
    if signatures.is_signed():
        signatures.signer()
        # Without the header, the region's own project applies.
        if request.headers.get(PROJECT_HEADER, project_id(region())) != project_id(region()):
            raise errors.gateway("0310")
        return
    value = request.headers.get("X-Auth-Token")
    if not value:
        raise signatures.incorrect("x-auth-token not found")
    token = state().accounts.token(value)
    if token is None or token.region != region():
        raise errors.gateway("0307")
