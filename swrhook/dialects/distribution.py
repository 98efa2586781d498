"""Notifications of CNCF Distribution, the docker registry (registry:2, registry:3).

Payload: https://distribution.github.io/distribution/about/notifications/, read August 2026.
The media type is not checked: it is events.v1+json from registry:2, events.v2+json from registry:3,
and anything from proxies.
"""

from collections.abc import Mapping

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload, registry_events
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say


def parse(delivery: Delivery) -> Reading:
    """Read the pushes of tags among the events.

    Raises Undecodable, UnknownShape, or Ignored if no event is the push of a tag.
    """
    events = _get_events(payload.decode(delivery.body))
    return payload.to_reading(registry_events.read_event(event) for event in events)


def _get_events(document: payload.Json) -> list[payload.Json]:
    """Return the events in the registry's envelope."""
    if not isinstance(document, Mapping):
        raise UnknownShape(
            say(
                "the body is %(document)s, not an envelope of events",
                document=payload.type_name(document),
            )
        )
    if document and "events" not in document:
        raise UnknownShape(say("the body has no `events`"))
    events = document.get("events")
    if events is None or events == []:
        # The registry omits `events` if there are none.
        raise Ignored(say("the envelope is empty"))
    if not isinstance(events, list):
        raise UnknownShape(
            say("`events` is %(events)s, not an array", events=payload.type_name(events))
        )
    return events
