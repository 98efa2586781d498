"""The metadata service of an ECS server, and the identity service of a pod.

Both issue temporary keys of the simulator's first user. The real services are at 169.254.169.254
and at an address in the pod's environment; here they have a path on IAM's port.

Sources: ECS user guide, "Metadata"; the vendor's Python SDK.
"""

import secrets
from datetime import timedelta

from flask import Blueprint, Response, request

from swrhook.simulator import errors
from swrhook.simulator.app import answer, iam_timestamp, state
from swrhook.simulator.model import POD_TOKEN, User

PREFIX = "/_machine"

machine = Blueprint("machine", __name__, url_prefix=PREFIX)


@machine.put("/meta-data/latest/api/token")
def metadata_token() -> Response:
    """Issue a token for version 2 of the metadata service."""
    ttl = request.headers.get("X-Metadata-Token-Ttl-Seconds", "")
    if not (ttl.isascii() and ttl.isdigit() and 0 < int(ttl) <= 21_600):  # noqa: PLR2004
        return Response("Invalid X-Metadata-Token-Ttl-Seconds", 400, content_type="text/plain")
    token = secrets.token_urlsafe(32)
    state().accounts.metadata_tokens.add(token)
    return Response(token, content_type="text/plain")


@machine.get("/openstack/latest/securitykey")
def securitykey() -> Response:
    """Issue keys of the server's agency; version 1 needs no token, a wrong token is refused."""
    token = request.headers.get("X-Metadata-Token")
    if token is not None and token not in state().accounts.metadata_tokens:
        return Response("Invalid X-Metadata-Token", 401, content_type="text/plain")
    return answer_with_key(state().users[0], state().settings.token_ttl)


@machine.post("/pod")
def pod_identity() -> Response:
    """Issue keys of the agency of the pod's service account."""
    token = request.headers.get("Authorization", "").encode()
    if not secrets.compare_digest(token, POD_TOKEN.encode()):
        raise errors.unauthorized()
    return answer_with_key(state().users[0], state().settings.token_ttl)


def answer_with_key(user: User, lifetime: float, *, status: int = 200) -> Response:
    """Answer with a new temporary key that is valid for this many seconds.

    IAM and the metadata service write it alike.
    """
    issued = state().accounts.issue_key(user, timedelta(seconds=lifetime))
    credential = {
        "access": issued.key.access,
        "secret": issued.key.secret,
        "securitytoken": issued.key.security_token,
        "expires_at": iam_timestamp(issued.expires_at),
    }
    return answer({"credential": credential}, status=status)
