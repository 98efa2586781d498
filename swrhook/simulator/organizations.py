"""SWR's organizations, regions, feature gates and quotas.

Source: SWR API reference, "Organization Management", "Querying the List of Regions",
"Querying the Feature Gates", "Quota Management".
"""

from flask import Blueprint, Response, request

from swrhook.simulator import errors, request_validation
from swrhook.simulator.app import answer, region, require_organization, settings, state
from swrhook.simulator.iam_app import project_id
from swrhook.simulator.model import DEMO, Json, numeric_id

organizations = Blueprint("organizations", __name__)
# The permission to manage an organization.
_MANAGE = 7


@organizations.get("/namespaces")
def namespaces() -> Response:
    """List the organizations."""
    args = request_validation.query(request.args, "namespace", "mode")
    part = args.get("namespace", "") if "filter" in request.args else ""
    names = [name for name in state().store(region()).organizations() if part in name]
    return answer({"namespaces": [_organization(name) for name in names]})


@organizations.get("/namespaces/<namespace>")
def namespace(namespace: str) -> Response:
    """Show one organization."""
    require_organization(request_validation.organization(namespace))
    return answer(_organization(namespace))


@organizations.post("/namespaces")
def create_namespace() -> Response:
    """Create an organization, within the quota."""
    body = request_validation.json_body()
    name = request_validation.new_organization(request_validation.text(body, "namespace"))
    store = state().store(region())
    if store.has_organization(name):
        raise errors.swr("4090060")
    if len(store.organizations()) >= settings().organization_quota:
        raise errors.swr("4000097")
    state().create_organization(region(), name)
    return Response(status=201)


@organizations.get("/regions")
def regions() -> Response:
    """List the regions that images can be synchronized to."""
    return answer([{"regionID": name} for name in state().regions])


@organizations.get("/projects/<project>/feature-gates")
def feature_gates(project: str) -> Response:
    """Show which features the region has."""
    _check_project(project)
    gates = ("experience", "hss_service", "image_scan", "sm3", "cci_service", "image_label")
    others: dict[str, Json] = {f"enable_{gate}": False for gate in gates}
    return answer({"enable_image_sync": True, "enable_pipeline": False} | others)


@organizations.get("/projects/<project>/quotas")
def quotas(project: str) -> Response:
    """Show how many organizations there are and may be."""
    _check_project(project)
    used = len(state().store(region()).organizations())
    limit = settings().organization_quota
    quota: Json = {"quota_limit": limit, "quota_key": "namespace", "unit": "", "used": used}
    return answer({"quotas": [quota]})


def _organization(name: str) -> Json:
    return {"id": numeric_id(name), "name": name, "creator_name": DEMO.name, "auth": _MANAGE}


def _check_project(project: str) -> None:
    if project != project_id(region()):
        raise errors.swr("4030170")
