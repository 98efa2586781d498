"""SWR's organizations, and what it tells about regions, features and quotas.

Source: SWR API reference, «Organization Management», «Querying the List of Regions»,
«Querying the Feature Gates», «Quota Management».
"""

from flask import Blueprint, Response, request

from swrhook.simulator import errors, request_validation
from swrhook.simulator.app import answer, known_organization, region, state
from swrhook.simulator.iam_app import project_id
from swrhook.simulator.model import DEMO, Json, identifier

organizations = Blueprint("organizations", __name__)
_MANAGE = 7
_QUOTA = 1000


@organizations.get("/namespaces")
def namespaces() -> Response:
    """List the organizations."""
    args = request_validation.query(request.args, "namespace", "mode")
    wanted = args.get("namespace", "") if "filter" in request.args else ""
    found = [name for name in state().store(region()).organizations() if wanted in name]
    return answer({"namespaces": [_organization(name) for name in found]})


@organizations.get("/namespaces/<namespace>")
def namespace(namespace: str) -> Response:
    """Show one organization."""
    known_organization(request_validation.organization(namespace))
    return answer(_organization(namespace))


@organizations.post("/namespaces")
def create_namespace() -> Response:
    """Create an organization."""
    charset = request.mimetype_params.get("charset", "")
    body = request_validation.json_object(request.mimetype, charset, request.get_data())
    name = request_validation.organization(request_validation.text(body, "namespace"))
    if not state().create_organization(region(), name):
        raise errors.swr(409, "4090060", "The organization already exists.")
    return Response(status=201)


@organizations.get("/regions")
def regions() -> Response:
    """List the regions that images can be synchronized to."""
    return answer([{"regionID": name} for name in state().regions])


@organizations.get("/projects/<project>/feature-gates")
def feature_gates(project: str) -> Response:
    """Tell which features the region has."""
    _check_project(project)
    gates = ("experience", "hss_service", "image_scan", "sm3", "cci_service", "image_label")
    others: dict[str, Json] = {f"enable_{gate}": False for gate in gates}
    return answer({"enable_image_sync": True, "enable_pipeline": False} | others)


@organizations.get("/projects/<project>/quotas")
def quotas(project: str) -> Response:
    """Tell how many organizations there may be."""
    _check_project(project)
    used = len(state().store(region()).organizations())
    quota: Json = {"quota_limit": _QUOTA, "quota_key": "namespace", "unit": "", "used": used}
    return answer({"quotas": [quota]})


def _organization(name: str) -> Json:
    number = int(identifier(name)[:7], 16)
    return {"id": number, "name": name, "creator_name": DEMO.name, "auth": _MANAGE}


def _check_project(project: str) -> None:
    if project != project_id(region()):
        raise errors.swr(403, "4030170", "Insufficient permissions")
