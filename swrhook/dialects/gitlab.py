"""GitLab's webhooks, which name no image, and the notifications of its bundled registry.

Payload: https://docs.gitlab.com/user/project/integrations/webhook_events/ and, for the registry,
https://distribution.github.io/distribution/about/notifications/, read August 2026. The registry is
CNCF Distribution, whose notifications this dialect reads too: users expect one dialect for GitLab.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload, registry_events
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

REMEDY = say(
    "report the push to a sender with dialect generic, with curl in the job or with a custom"
    " webhook template; for GitLab's own registry, set up its notifications"
)


def parse(delivery: Delivery) -> Reading:
    """Read the pushes of tags among the registry's events.

    Raises Undecodable, UnknownShape, or Ignored, which every project or group event raises.
    """
    document = payload.decode(delivery.body)
    kind = payload.text(document, "object_kind") or payload.text(document, "event_name")
    if kind is not None:
        raise Ignored(
            say(
                "event %(kind)s names no image: %(remedy)s", kind=payload.quote(kind), remedy=REMEDY
            )
        )
    events = payload.items(document, "events")
    if not events:
        raise UnknownShape(
            say(
                "the body is not one of GitLab's own events: if it comes from a custom template,"
                " give the sender the dialect generic and replay the delivery"
            )
        )
    return payload.to_reading(registry_events.read_event(event) for event in events)
