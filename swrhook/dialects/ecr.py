"""AWS ECR through EventBridge: its own events, or CloudEvents from an input transformer.

Payload: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html, and the
template in docs/configuration/webhook.md of argoproj-labs/argocd-image-updater, read August 2026.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

PUSH = "com.amazon.ecr.image.push"


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored if the event is not a successful push of a tag.
    """
    document = payload.decode(delivery.body)
    name, tag, digest = _read_image(document)
    if name is None:
        raise UnknownShape(say("a push names no repository"))
    event_id, pushed_at = payload.text(document, "id"), payload.timestamp(document, "time")
    return payload.to_reading([payload.announce(name, tag, digest, event_id, pushed_at)])


def _read_image(document: payload.Json) -> tuple[str | None, str | None, str | None]:
    """Return the repository, tag and digest of a push in either format."""
    if kind := payload.text(document, "detail-type"):
        return _read_native(kind, payload.get(document, "detail"))
    kind = payload.text(document, "type")
    if kind is None or not kind.startswith("com.amazon.ecr."):
        raise UnknownShape(say("the body has neither `detail-type` nor a `type` of com.amazon.ecr"))
    if kind != PUSH:
        raise Ignored(say("type %(kind)s is not %(push)s", kind=payload.quote(kind), push=PUSH))
    # A template may leave the names out of `data`; the subject is name:tag.
    subject = payload.parse_reference(payload.text(document, "subject") or "")
    data = payload.get(document, "data")
    return (
        payload.text(data, "repositoryName") or subject.name or None,
        payload.tag(data, "imageTag") or payload.tag(subject.tag),
        payload.digest(data, "imageDigest"),
    )


def _read_native(kind: str, detail: payload.Json) -> tuple[str | None, str | None, str | None]:
    """Return the repository, tag and digest of an event in EventBridge's own format."""
    if kind != "ECR Image Action":
        raise Ignored(say("detail-type %(kind)s is not ECR Image Action", kind=payload.quote(kind)))
    action, result = payload.text(detail, "action-type"), payload.text(detail, "result")
    if action is None or result is None:
        raise UnknownShape(say("`detail` has no `action-type` or no `result`"))
    if (action, result) != ("PUSH", "SUCCESS"):
        raise Ignored(
            say(
                "%(action)s with %(result)s is not a push",
                action=payload.quote(action),
                result=payload.quote(result),
            )
        )
    return (
        payload.text(detail, "repository-name"),
        payload.tag(detail, "image-tag"),
        payload.digest(detail, "image-digest"),
    )
