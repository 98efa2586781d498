"""The control API, under /_sim/ on every port: no token, no faults, no log of calls."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException

from swrhook.simulator.app import answer, state
from swrhook.simulator.mirror import MirrorUnavailable
from swrhook.simulator.model import Tag
from swrhook.simulator.scenario import Reader, ScenarioError
from swrhook.simulator.state import ReadOnlyRegion, State
from swrhook.simulator.tag_selector import TagSelector
from swrhook.simulator.tagstore import Page

control = Blueprint("control", __name__)
_ALL_TAGS = Page(limit=1_000_000, order="tag", descending=False)


def create_app(simulator: State) -> Flask:
    """Create the control application of a simulator."""
    app = Flask(__name__, static_folder=None)
    app.extensions["state"] = simulator
    app.register_blueprint(control)
    app.register_error_handler(HTTPException, lambda exc: _error(str(exc), exc.code or 500))
    app.register_error_handler(ScenarioError, lambda exc: _error(str(exc), 400))
    app.register_error_handler(MirrorUnavailable, lambda exc: _error(str(exc), 502))
    app.register_error_handler(ReadOnlyRegion, lambda exc: _error(str(exc), 409))
    return app


@control.get("/")
def overview() -> Response:
    """Show the regions and the settings."""
    return answer({"regions": state().regions, "settings": asdict(state().settings)})


@control.get("/tags")
def tags() -> Response:
    """List the tags; filtered by region, namespace, repository and tag."""
    return answer([_tag(region, tag) for region, tag in _selected_tags()])


@control.route("/tags", methods=["PUT", "POST"])
def seed_tags() -> Response:
    """Push one tag or a list of tags."""
    seeded = [_tag(seed.region, state().push(seed)) for seed in _reader().tags(_body())]
    return answer(seeded if isinstance(_body(), list) else seeded[0])


@control.delete("/tags")
def delete_tags() -> Response:
    """Delete the tags that match the query and the body, or all without either."""
    selectors = _reader().selectors(_body()) if request.get_data() else [TagSelector()]
    selected = [
        (region, tag)
        for region, tag in _selected_tags()
        if any(selector.selects(region, tag) for selector in selectors)
    ]
    for region, tag in selected:
        state().remove(region, tag)
    return answer({"deleted": len(selected)})


@control.route("/retention", methods=["GET", "POST", "PUT", "DELETE"])
def retention() -> Response:
    """List the rules of retention, after adding to them (POST), replacing or removing them."""
    added = _reader().retention(_body()) if request.method in ("POST", "PUT") else ()
    kept = () if request.method in ("PUT", "DELETE") else state().retention.rules
    state().retention.rules = (*kept, *added)
    return answer([asdict(rule) for rule in state().retention.rules])


@control.get("/organizations")
def organizations() -> Response:
    """List the organizations of all regions."""
    return answer(
        [
            {"region": region, "namespace": namespace}
            for region in state().regions
            for namespace in state().store(region).organizations()
        ]
    )


@control.route("/organizations", methods=["PUT", "POST"])
def create_organizations() -> Response:
    """Create one organization or a list of organizations, unless they exist."""
    seeds = _reader().organizations(_body())
    created = [state().create_organization(seed.region, seed.namespace) for seed in seeds]
    return answer({"created": sum(created)})


@control.get("/calls")
def calls() -> Response:
    """List the calls received; filtered by region, operation and a part of the path."""
    filters = {key: request.args.get(key, "") for key in ("region", "operation", "path")}
    return answer([asdict(call) for call in state().calls(**filters)])


@control.delete("/calls")
def delete_calls() -> Response:
    """Forget the calls received so far."""
    state().call_log.clear()
    return answer({})


@control.get("/jobs")
def jobs() -> Response:
    """List the sync jobs of all regions, oldest first."""
    return answer([asdict(job) for job in state().jobs()])


@control.route("/faults", methods=["GET", "POST", "PUT", "DELETE"])
def faults() -> Response:
    """List the active faults, after adding to them (POST), replacing or removing them."""
    added = _reader().faults(_body()) if request.method in ("POST", "PUT") else ()
    if request.method in ("PUT", "DELETE"):
        state().faults.clear()
    state().faults.add(added)
    return answer([asdict(fault) for fault in state().faults.all()])


@control.route("/settings", methods=["GET", "PUT", "POST"])
def settings() -> Response:
    """Show the settings, after changing those in the body."""
    if request.method != "GET":
        changes = _reader().settings(_body())
        state().configure(replace(state().settings, **changes))
    return answer(asdict(state().settings))


@control.delete("/tokens")
def revoke_tokens() -> Response:
    """Revoke all tokens and temporary keys."""
    return answer({"killed": state().accounts.revoke_tokens()})


@control.post("/reset")
def reset() -> Response:
    """Restore the initial state."""
    state().reset()
    return answer({})


def _reader() -> Reader:
    return Reader(state().regions)


def _body() -> object:
    return request.get_json(force=True)


def _selected_tags() -> Iterator[tuple[str, Tag]]:
    for region in state().regions:
        if not _selects("region", region):
            continue
        store = state().store(region)
        for namespace, repository in store.repositories():
            if _selects("namespace", namespace) and _selects("repository", repository):
                tags = store.page(namespace, repository, _ALL_TAGS).items
                yield from ((region, tag) for tag in tags if _selects("tag", tag.name))


def _selects(key: str, value: str) -> bool:
    return request.args.get(key, value) == value


def _error(message: str, status: int) -> Response:
    return answer({"error": message}, status=status)


def _tag(region: str, tag: Tag) -> dict[str, Any]:
    fields = asdict(tag)
    del fields["id"], fields["content"]
    return {"region": region, "tag": fields.pop("name")} | fields
