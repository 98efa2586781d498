"""AWS ECR, by EventBridge: its own events, and the CloudEvents that an input transformer makes.

Payload: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html, and the
template in docs/configuration/webhook.md of argoproj-labs/argocd-image-updater, read August 2026.
"""

from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

PUSH = "com.amazon.ecr.image.push"


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored when the event is no successful push of a tag.
    """
    document = payload.decode(delivery.body)
    name, tag, digest = _image(document)
    if name is None:
        raise UnknownShape("a push names no repository")
    if tag is None:
        raise Ignored(f"{payload.shown(name)}: a push without a tag")
    event_id = payload.text(document, "id")
    pushed_at = payload.moment(document, "time")
    return payload.reading([Announcement(name, tag, digest, event_id, pushed_at)], event_id)


def _image(document: Any) -> tuple[str | None, str | None, str | None]:  # noqa: ANN401
    """Return the repository, tag and digest of a push in either form."""
    if kind := payload.text(document, "detail-type"):
        return _native(kind, payload.at(document, "detail"))
    kind = payload.text(document, "type")
    if kind is None or not kind.startswith("com.amazon.ecr."):
        raise UnknownShape("the body has neither `detail-type` nor a `type` of com.amazon.ecr")
    if kind != PUSH:
        raise Ignored(f"type {payload.shown(kind)} is not {PUSH}")
    # A template that leaves the names out still has them in the subject, name:tag.
    subject = payload.reference(payload.text(document, "subject") or "")
    data = payload.at(document, "data")
    return (
        payload.text(data, "repositoryName") or subject.name or None,
        payload.tag(data, "imageTag") or payload.tag({"tag": subject.tag}, "tag"),
        payload.digest(data, "imageDigest"),
    )


def _native(kind: str, detail: Any) -> tuple[str | None, str | None, str | None]:  # noqa: ANN401
    """Return the repository, tag and digest of EventBridge's own event."""
    if kind != "ECR Image Action":
        raise Ignored(f"detail-type {payload.shown(kind)} is not ECR Image Action")
    action, result = payload.text(detail, "action-type"), payload.text(detail, "result")
    if action is None or result is None:
        raise UnknownShape("`detail` has no `action-type` or no `result`")
    if (action, result) != ("PUSH", "SUCCESS"):
        raise Ignored(f"{payload.shown(action)} with {payload.shown(result)} is not a push")
    return (
        payload.text(detail, "repository-name"),
        payload.tag(detail, "image-tag"),
        payload.digest(detail, "image-digest"),
    )
