"""Events of CI systems, for buildkite, circleci and drone. None of them names an image's tag."""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say


def ignore(delivery: Delivery, product: str, key: str, kind: str | None = None) -> Reading:
    """Raise Ignored with the advice to add a step, or Undecodable or UnknownShape.

    The body has the event at `key`, or the action of an event of this `kind`.
    """
    event = payload.text(payload.decode(delivery.body), key)
    if event is None:
        raise UnknownShape(
            say(
                "the body has no `%(key)s`, which %(product)s always sends",
                key=key,
                product=product,
            )
        )
    reason = say("no %(product)s event names an image tag", product=product)
    if event == "ping":
        raise Ignored(say("a ping: the webhook works, but %(reason)s", reason=reason))
    label = f"{key} {payload.quote(event)}" if kind is None else payload.quote(f"{kind} {event}")
    raise Ignored(
        say(
            "%(label)s: %(reason)s. Add a step that calls a sender with `dialect: generic` after"
            " the push",
            label=label,
            reason=reason,
        )
    )
