"""Webhooks of Gitea and Forgejo about packages in their container registry, without digests.

Payload: modules/structs/hook.go and services/webhook/deliver.go of go-gitea/gitea, read August
2026. The body is JSON or a form. Requests have GitHub's headers too, which are not used.
"""

from collections.abc import Mapping

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say


def parse(delivery: Delivery) -> Reading:
    """Read the tag of the package version that was created. A repeated push creates it again.

    Raises Undecodable, UnknownShape, or Ignored if no tag of an image was created.
    """
    document = payload.decode_form(delivery.body)
    event = _gitea_header(delivery, "event")
    if event is not None and event != "package":
        raise Ignored(
            say(
                'event %(event)s announces no image: subscribe the webhook to "Package" only',
                event=payload.quote(event),
            )
        )
    package = payload.get(document, "package")
    if not isinstance(package, Mapping):
        raise UnknownShape(say("the body has no `package`"))
    action = payload.get(document, "action")
    if action != "created":
        raise Ignored(say("action %(action)s is not created", action=payload.quote(action)))
    delivery_id = _gitea_header(delivery, "delivery")
    return payload.to_reading([_read_package(package, delivery_id)])


def _gitea_header(delivery: Delivery, name: str) -> str | None:
    """Return Gitea's header, or Forgejo's own if a proxy let only that one through."""
    headers = delivery.headers
    return payload.text(headers, f"x-gitea-{name}") or payload.text(headers, f"x-forgejo-{name}")


def _read_package(package: payload.Json, delivery_id: str | None) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    kind = payload.get(package, "type")
    if kind != "container":
        return say("a package of type %(kind)s is not an image", kind=payload.quote(kind))
    owner, name = payload.text(package, "owner", "login"), payload.text(package, "name")
    if owner is None or name is None:
        return say("a package without an owner or a name")
    image = f"{owner}/{name}".lower()  # owners keep their capitals, image names have none
    # The manifest of each platform is a version of its own, named by its digest.
    tag, pushed_at = payload.tag(package, "version"), payload.timestamp(package, "created_at")
    return payload.announce(image, tag, None, delivery_id, pushed_at)
