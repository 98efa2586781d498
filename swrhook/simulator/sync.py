"""SWR's synchronization: sync_images, the jobs that it makes, and rules for automatic ones.

Sources: SWR API reference, «Manually Synchronizing Images», «Querying Image Synchronization
Jobs», «Creating (Querying, Deleting) an Automatic Image Synchronization Task».
"""

import json
from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, request

from swrhook.simulator import errors, request_validation
from swrhook.simulator.app import (
    answer,
    known_image,
    region,
    settings,
    state,
    struck,
    subject,
    swr_timestamp,
)
from swrhook.simulator.faults import of_tag
from swrhook.simulator.jobs import Image, JobOutcome
from swrhook.simulator.model import DEMO, Json, SyncJob, SyncRule, Target
from swrhook.simulator.request_validation import SyncRequest

sync = Blueprint("sync", __name__)
_REPO = "/namespaces/<namespace>/repos/<repository>"


@sync.post(f"{_REPO}/sync_images")
def sync_images(namespace: str, repository: str) -> Response:
    """Accept tags for synchronization; whether they exist is found out later, by the job."""
    body = _body()
    image = request_validation.image(region(), namespace, repository)
    wanted = request_validation.sync_request(body)
    known_image(image)
    _check_target(wanted.target)
    failed = state().faults.take_failed_tags([of_tag(subject(), tag) for tag in wanted.tags])
    lost = failed.tags if failed else ()
    accepted = [tag for tag in wanted.tags if tag not in lost]
    state().sync(image, accepted, wanted.target, _fates(accepted))
    if failed:
        struck([failed.fault])
        status = failed.fault.status or 500
        return answer(failed.tags, status=status, headers=failed.fault.headers)
    return _accepted(wanted)


@sync.get(f"{_REPO}/sync_job")
def sync_job(namespace: str, repository: str) -> Response:
    """List the jobs of a source repository."""
    image = request_validation.image(region(), namespace, repository)
    if "filter" not in request.args:
        raise errors.swr(400, "4001025", "Invalid parameters: filter.")
    args = request_validation.query(request.args, "limit", "offset", "order")
    window, order = request_validation.window(args, mandatory=True), args.get("order", "desc")
    if order not in ("asc", "desc"):
        raise errors.swr(400, "4001025", "Invalid parameters: order.")
    known_image(image)
    found = state().window(image, window, descending=order == "desc")
    content_range = f"{window.offset}-{len(found.jobs)}/{found.total}"
    return answer([_job(job) for job in found.jobs], headers={"Content-Range": content_range})


@sync.route(f"{_REPO}/sync_repo", methods=["GET", "POST", "DELETE"])
def sync_repo(namespace: str, repository: str) -> Response:
    """List, create or delete rules of automatic synchronization."""
    image = request_validation.image(region(), namespace, repository)
    if request.method == "GET":
        known_image(image)
        # Rules that are not automatic are not listed by the service.
        rules = [rule for rule in state().rules.of(image) if rule.auto]
        return answer([_rule(image, rule) for rule in rules])
    body = _body()
    known_image(image)
    if request.method == "POST":
        return _create_rule(image, body)
    return _delete_rule(image, body)


def _create_rule(image: Image, body: Mapping[str, object]) -> Response:
    target, auto = request_validation.target(body), request_validation.flag(body, "syncAuto")
    _check_target(target)
    if not state().rules.add(image, target, auto=auto, at=state().clock()):
        raise errors.swr(400, "4000014", "duplicate sync repo")
    return answer({})


def _delete_rule(image: Image, body: Mapping[str, object]) -> Response:
    target = request_validation.target(body)
    if state().rules.remove(image, target.region, target.namespace):
        return answer({})
    # The vendor's Terraform provider reads this error from a list named "errors".
    error: Json = {"errorCode": "SVCSTG.SWR.4001158", "errorMessage": "sync repo not found"}
    return answer({"errors": [error]}, status=400)


def _body() -> Mapping[str, object]:
    charset = request.mimetype_params.get("charset", "")
    return request_validation.json_object(request.mimetype, charset, request.get_data())


def _check_target(target: Target) -> None:
    # A region that is not one is answered like a fault of the service.
    if target.region not in state().regions:
        raise errors.swr(500, "5001101", "Internal error")
    refuse = settings().unknown_organization == "refuse"
    if refuse and not state().store(target.region).has_organization(target.namespace):
        raise errors.swr(404, "4040058", "The organization was not found.")


def _fates(tags: Sequence[str]) -> Mapping[str, JobOutcome]:
    taken = {tag: state().faults.take_for_job(of_tag(subject(), tag)) for tag in tags}
    faults = {tag: fault for tag, fault in taken.items() if fault is not None}
    struck(list({fault.name: fault for fault in faults.values()}.values()))
    return {
        tag: JobOutcome(fault.job, fault.job_shown, fault.job_delay)
        for tag, fault in faults.items()
    }


def _accepted(wanted: SyncRequest) -> Response:
    # The reference describes a list of the tags that are done, its example for one tag is [].
    bodies = {"empty_list": "[]", "tags": json.dumps(wanted.tags), "nothing": ""}
    body = bodies[settings().accepted_body]
    return Response(body, content_type="application/json")


def _job(job: SyncJob) -> Json:
    return {
        "id": job.id,
        "namespace": job.namespace,
        "repoName": job.repository,
        "tag": job.tag,
        "status": job.shown or job.status,
        "override": job.target.override,
        "remoteNamespace": job.target.namespace,
        "remoteRegionId": job.target.region,
        "syncOperatorId": DEMO.id,
        "syncOperatorName": DEMO.name,
        "domainID": DEMO.domain_id,
        "domainName": DEMO.domain,
        "createdAt": swr_timestamp(job.created),
        "updatedAt": swr_timestamp(job.updated),
    }


def _rule(image: Image, rule: SyncRule) -> Json:
    return {
        "id": rule.id,
        "namespace": image.namespace,
        "repoName": image.repository,
        "remoteRegionId": rule.target.region,
        "remoteNamespace": rule.target.namespace,
        "syncAuto": rule.auto,
        "override": rule.target.override,
        "createdAt": swr_timestamp(rule.created),
        "updatedAt": swr_timestamp(rule.created),
        "domainID": DEMO.domain_id,
        "domainName": DEMO.domain,
    }
