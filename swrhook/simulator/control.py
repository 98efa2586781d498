"""The simulator's own API, under /_sim/ on every port: no token, no faults, no record."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from typing import cast

from flask import Blueprint, Flask, Response, current_app, json, request
from werkzeug.exceptions import HTTPException

from swrhook.simulator.mirror import MirrorUnavailable
from swrhook.simulator.model import Call, Fault, Json, SyncJob, Tag
from swrhook.simulator.scenario import Reader, ScenarioError
from swrhook.simulator.state import ReadOnlyRegion, State
from swrhook.simulator.tagstore import Page

control = Blueprint("control", __name__)
_EVERYTHING = Page(limit=1_000_000, order="tag", descending=False)


def create_app(its_state: State) -> Flask:
    """Make the control application of a simulator."""
    app = Flask(__name__, static_folder=None)
    app.extensions["state"] = its_state
    app.register_blueprint(control)
    app.register_error_handler(HTTPException, lambda exc: _trouble(str(exc), exc.code or 500))
    app.register_error_handler(ScenarioError, lambda exc: _trouble(str(exc), 400))
    app.register_error_handler(MirrorUnavailable, lambda exc: _trouble(str(exc), 502))
    app.register_error_handler(ReadOnlyRegion, _read_only)
    return app


@control.get("/")
def overview() -> Response:
    """Tell the regions and the settings."""
    return _answer({"regions": _state().regions, "settings": asdict(_state().settings)})


@control.get("/tags")
def tags() -> Response:
    """List the tags; region, namespace, repository and tag narrow it."""
    return _answer([_tag(region, tag) for region, tag in _found_tags()])


@control.route("/tags", methods=["PUT", "POST"])
def seed_tags() -> Response:
    """Push one tag, or a list of them."""
    state = _state()
    seeded = [_tag(seed.region, state.push(seed)) for seed in _reader().tags(_body())]
    return _answer(seeded if isinstance(_body(), list) else seeded[0])


@control.delete("/tags")
def delete_tags() -> Response:
    """Delete the tags that the query finds; without a query all."""
    found = list(_found_tags())
    for region, tag in found:
        _state().remove(region, tag)
    return _answer({"deleted": len(found)})


@control.get("/organizations")
def organizations() -> Response:
    """List the organizations of all regions."""
    state = _state()
    return _answer(
        [
            {"region": region, "namespace": namespace}
            for region in state.regions
            for namespace in state.store(region).organizations()
        ]
    )


@control.route("/organizations", methods=["PUT", "POST"])
def create_organizations() -> Response:
    """Create one organization, or a list of them; those that exist stay."""
    wanted = _reader().organizations(_body())
    created = [_state().create_organization(item.region, item.namespace) for item in wanted]
    return _answer({"created": sum(created)})


@control.get("/calls")
def calls() -> Response:
    """List the calls received; region, operation and path (a part of it) narrow it."""
    args = request.args
    found = _state().calls(
        region=args.get("region", ""),
        operation=args.get("operation", ""),
        path=args.get("path", ""),
    )
    return _answer([_call(call) for call in found])


@control.delete("/calls")
def delete_calls() -> Response:
    """Forget the calls received so far."""
    _state().call_log.clear()
    return _answer({})


@control.get("/jobs")
def jobs() -> Response:
    """List the sync jobs of all regions, oldest first."""
    return _answer([_job(job) for job in _state().jobs()])


@control.get("/faults")
def faults() -> Response:
    """List the faults that are not used up."""
    return _answer([_fault(fault) for fault in _state().faults.all()])


@control.post("/faults")
def add_faults() -> Response:
    """Add one fault, or a list of them, behind those that are there."""
    _state().faults.add(_reader().faults(_body()))
    return faults()


@control.put("/faults")
def replace_faults() -> Response:
    """Have this fault, or this list of them, and no others."""
    wanted = _reader().faults(_body())
    _state().faults.clear()
    _state().faults.add(wanted)
    return faults()


@control.delete("/faults")
def delete_faults() -> Response:
    """Let nothing go wrong any more."""
    _state().faults.clear()
    return _answer([])


@control.route("/settings", methods=["GET", "PUT", "POST"])
def settings() -> Response:
    """Tell the settings, or change those that are given."""
    if request.method != "GET":
        changes = _reader().settings(_body())
        _state().configure(replace(_state().settings, **changes))
    return _answer(asdict(_state().settings))


@control.delete("/tokens")
def kill_tokens() -> Response:
    """Make all tokens worthless."""
    return _answer({"killed": _state().accounts.kill_tokens()})


@control.post("/reset")
def reset() -> Response:
    """Be again as after the start."""
    _state().reset()
    return _answer({})


def _state() -> State:
    return cast("State", current_app.extensions["state"])


def _reader() -> Reader:
    return Reader(_state().regions)


def _body() -> object:
    return request.get_json(force=True)


def _found_tags() -> Iterator[tuple[str, Tag]]:
    for region in filter(_asked("region"), _state().regions):
        store = _state().store(region)
        for namespace, repository in store.repositories():
            if _asked("namespace")(namespace) and _asked("repository")(repository):
                found = store.page(namespace, repository, _EVERYTHING).tags
                yield from ((region, tag) for tag in found if _asked("tag")(tag.name))


def _asked(key: str) -> Callable[[str], bool]:
    return lambda value: request.args.get(key, value) == value


def _answer(body: Json, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def _trouble(message: str, status: int) -> Response:
    return _answer({"error": message}, status)


def _read_only(exc: ReadOnlyRegion) -> Response:
    return _trouble(f"{exc} mirrors a registry: push to that registry instead", 409)


def _tag(region: str, tag: Tag) -> Json:
    return {
        "region": region,
        "namespace": tag.namespace,
        "repository": tag.repository,
        "tag": tag.name,
        "digest": tag.digest,
        "index": tag.index,
        "created": _stamp(tag.created),
        "updated": _stamp(tag.updated),
    }


def _call(call: Call) -> Json:
    return asdict(call) | {"time": _stamp(call.time)}


def _job(job: SyncJob) -> Json:
    times = {"created": job.created, "updated": job.updated, "due": job.due}
    return asdict(job) | {name: _stamp(time) for name, time in times.items()}


def _fault(fault: Fault) -> Json:
    return asdict(fault)


def _stamp(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
