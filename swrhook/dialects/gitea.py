"""Webhooks of Gitea and Forgejo about packages in their container registry, without digests.

Payload: modules/structs/hook.go and services/webhook/deliver.go of go-gitea/gitea, read August
2026. The body is JSON or a form. It comes with GitHub's headers too, which mean nothing here.
"""

from collections.abc import Mapping
from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Read the tag of the package version created; a tag pushed again is created again.

    Raises Undecodable, UnknownShape, or Ignored when no tag of an image was created.
    """
    document = payload.decode_form(delivery.body)
    event = _sent(delivery, "event")
    if event is not None and event != "package":
        message = (
            f"event {payload.shown(event)} announces no image:"
            " subscribe the webhook to «Package» alone"
        )
        raise Ignored(message)
    package = payload.at(document, "package")
    if not isinstance(package, Mapping):
        raise UnknownShape("the body has no `package`")
    action = payload.at(document, "action")
    if action != "created":
        raise Ignored(f"action {payload.shown(action)} is not created")
    delivery_id = _sent(delivery, "delivery")
    return payload.reading([_read(package, delivery_id)], delivery_id)


def _sent(delivery: Delivery, what: str) -> str | None:
    """Return Gitea's header, or Forgejo's own where only that has come through."""
    headers = delivery.headers
    return payload.text(headers, f"x-gitea-{what}") or payload.text(headers, f"x-forgejo-{what}")


def _read(package: Any, delivery_id: str | None) -> Announcement | str:  # noqa: ANN401
    """Return what the package announces, or why it announces nothing."""
    kind = payload.at(package, "type")
    if kind != "container":
        return f"a package of type {payload.shown(kind)} is no image"
    owner, name = payload.text(package, "owner", "login"), payload.text(package, "name")
    if owner is None or name is None:
        return "a package without an owner or a name"
    image = f"{owner}/{name}".lower()  # owners keep their capitals, image names have none
    tag = payload.tag(package, "version")
    if tag is None:
        # The manifests of single platforms, each a version named by its digest.
        return f"{payload.shown(image)}: a push without a tag"
    return Announcement(
        image, tag, event_id=delivery_id, pushed_at=payload.moment(package, "created_at")
    )
