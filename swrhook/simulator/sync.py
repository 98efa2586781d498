"""SWR's synchronization: sync_images, its jobs, and rules of automatic synchronization.

Sources: SWR API reference, "Manually Synchronizing Images", "Querying Image Synchronization
Jobs", "Creating (Querying, Deleting) an Automatic Image Synchronization Task".
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import Blueprint, Response, request

from swrhook.simulator import errors, request_validation
from swrhook.simulator.app import (
    answer,
    answer_page,
    record_faults,
    require_image,
    settings,
    state,
    subject,
    swr_timestamp,
)
from swrhook.simulator.jobs import Image
from swrhook.simulator.model import DEMO, Fault, Json, SyncJob, SyncRule, Target

sync = Blueprint("sync", __name__)
_REPO = "/namespaces/<namespace>/repos/<repository>"


@sync.post(f"{_REPO}/sync_images")
def sync_images(namespace: str, repository: str) -> Response:
    """Accept tags for synchronization; only their jobs find out whether they exist."""
    body = request_validation.json_body()
    image = request_validation.image(namespace, repository)
    tags, target = request_validation.sync_request(body)
    require_image(image)
    _check_target(target)
    fault, failed = state().faults.take_failed_tags([subject().for_tag(tag) for tag in tags])
    accepted = [tag for tag in tags if tag not in failed]
    state().sync(image, accepted, target, _job_faults(accepted))
    if fault:
        record_faults([fault])
        return answer(failed, status=fault.status or 500, headers=fault.headers)
    # The reference describes a list of the copied tags, but its example for one tag is [].
    bodies = {"empty_list": "[]", "tags": json.dumps(tags), "nothing": ""}
    return Response(bodies[settings().accepted_body], content_type="application/json")


@sync.get(f"{_REPO}/sync_job")
def sync_job(namespace: str, repository: str) -> Response:
    """List the jobs of a source repository."""
    image = request_validation.image(namespace, repository)
    if "filter" not in request.args:
        raise request_validation.invalid("filter")
    args = request_validation.query(request.args, "limit", "offset", "order")
    window, order = request_validation.window(args, mandatory=True), args.get("order", "desc")
    if order not in ("asc", "desc"):
        raise request_validation.invalid("order")
    require_image(image)
    page = state().job_page(image, window, descending=order == "desc")
    return answer_page(
        [_job(image, job) for job in page.items], offset=window.offset, total=page.total
    )


@sync.route(f"{_REPO}/sync_repo", methods=["GET", "POST", "DELETE"])
def sync_repo(namespace: str, repository: str) -> Response:
    """List, create or delete rules of automatic synchronization."""
    image = request_validation.image(namespace, repository)
    if request.method == "GET":
        require_image(image)
        # The service lists only rules that are automatic.
        rules = [rule for rule in state().rules.of(image) if rule.auto]
        return answer([_rule(image, rule) for rule in rules])
    body = request_validation.json_body()
    require_image(image)
    if request.method == "POST":
        return _create_rule(image, body)
    return _delete_rule(image, body)


def _create_rule(image: Image, body: Mapping[str, object]) -> Response:
    target, auto = request_validation.target(body), request_validation.flag(body, "syncAuto")
    _check_target(target)
    if not state().rules.add(image, target, auto=auto, at=state().clock.now()):
        raise errors.swr("4000014", "duplicate sync repo")
    return answer({})


def _delete_rule(image: Image, body: Mapping[str, object]) -> Response:
    if state().rules.remove(image, request_validation.target(body)):
        return answer({})
    # The vendor's Terraform provider reads this error from a list named "errors".
    error: Json = {"errorCode": "SVCSTG.SWR.4001158", "errorMessage": "sync repo not found"}
    return answer({"errors": [error]}, status=400)


def _check_target(target: Target) -> None:
    # The service answers an unknown region with a 500.
    if target.region not in state().regions:
        raise errors.swr("5001101")
    refuse = settings().unknown_organization == "refuse"
    if refuse and not state().store(target.region).has_organization(target.namespace):
        raise errors.swr("4040058")


def _job_faults(tags: Sequence[str]) -> Mapping[str, Fault]:
    """Return and record the faults that hit the jobs of these tags."""
    by_tag = {tag: state().faults.take_for_job(subject().for_tag(tag)) for tag in tags}
    faults = {tag: fault for tag, fault in by_tag.items() if fault is not None}
    # A fault that hits several tags of the call is recorded once.
    record_faults(list({fault.name: fault for fault in faults.values()}.values()))
    return faults


def _entry(image: Image, item: SyncJob | SyncRule, updated: datetime) -> dict[str, Json]:
    """Return what a job and a rule of a source repository have in common."""
    return {
        "id": item.id,
        "namespace": image.namespace,
        "repoName": image.repository,
        "override": item.target.override,
        "remoteNamespace": item.target.namespace,
        "remoteRegionId": item.target.region,
        "domainID": DEMO.domain_id,
        "domainName": DEMO.domain,
        "createdAt": swr_timestamp(item.created),
        "updatedAt": swr_timestamp(updated),
    }


def _job(image: Image, job: SyncJob) -> Json:
    return _entry(image, job, job.updated) | {
        "tag": job.tag,
        "status": job.shown or job.status,
        "syncOperatorId": DEMO.id,
        "syncOperatorName": DEMO.name,
    }


def _rule(image: Image, rule: SyncRule) -> Json:
    return _entry(image, rule, rule.created) | {"syncAuto": rule.auto}
