"""The words of a notification, in English: a title, and lines with what to know and to do."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from swrhook.notifications.links import path_of
from swrhook.notifications.model import Facts, Notification, Part, Topic

_LONGEST_TITLE = 200
# The facts that are sentences of their own.
_SENTENCES = ("message", "remedy")


def title_of(notification: Notification) -> str:
    """Return the title: what the first part tells, and how many others there are."""
    first, *others = (headline(part) for part in notification.parts)
    more = len(others) + notification.parts_left_out
    text = f"swrhook: {first}" + (f" (and {more} more)" if more else "")
    return text if len(text) <= _LONGEST_TITLE else text[: _LONGEST_TITLE - 1] + "…"


def body_of(notification: Notification, url: str | None) -> str:
    """Return the lines of a message. `url`: the dashboard's address, for links to its pages.

    The title already has the headline of an only part.
    """
    is_digest = len(notification.parts) > 1
    blocks = ["\n".join(_lines(part, url, is_digest)) for part in notification.parts]
    if notification.parts_left_out:
        blocks.append(f"{notification.parts_left_out} more causes are not listed.")
    return "\n\n".join(filter(None, blocks)) or headline(notification.parts[0])


def headline(part: Part) -> str:
    """Return in one line what a part tells."""
    return _HEADLINES[part.topic](part, part.facts)


def describe_item(topic: Topic, item: Facts) -> str:
    """Return one thing that a part concerns, on one line."""
    name = str(item.get("image") or item.get("sender") or "")
    target = f" to {item['target']}" if item.get("target") else ""
    # The facts of a failure already say what all of its syncs have in common.
    reason = "" if topic is Topic.FAILED else item.get("reason")
    return f"{name}{target}" + (f": {reason}" if reason else "")


def _lines(part: Part, url: str | None, is_digest: bool) -> Iterator[str]:  # noqa: FBT001
    if is_digest:
        yield f"{headline(part)}."
    yield from (_sentence(str(part.facts[name])) for name in _SENTENCES if part.facts.get(name))
    yield from _list_items(part)
    if url is not None:
        yield f"{url}{path_of(part)}"


def _list_items(part: Part) -> Iterator[str]:
    if part.topic is Topic.AVAILABLE:  # the headline names it
        return
    for item in part.items:
        yield f"- {describe_item(part.topic, item)}"
    more = part.count - len(part.items)
    if part.items and more:
        yield f"- and {more} more"


def _sentence(words: str) -> str:
    # It may begin with the name of a region, so its first letter stays.
    return f"{words.rstrip('.')}."


def _count(part: Part, singular: str, plural: str) -> str:
    return f"{part.count} {singular if part.count == 1 else plural}"


def _way(facts: Facts) -> str:
    return f"from {facts['source_region']} to {facts['target_region']}"


def _failed(part: Part, facts: Facts) -> str:
    code = f", {facts['code']}" if facts.get("code") else ""
    return f"{_count(part, 'sync', 'syncs')} {_way(facts)} failed: {facts['state']}{code}"


def _late(part: Part, facts: Facts) -> str:
    verb = "is" if part.count == 1 else "are"
    return f"{_count(part, 'sync', 'syncs')} {_way(facts)} {verb} late"


def _recovered(part: Part, facts: Facts) -> str:
    verb = "is" if part.count == 1 else "are"
    return f"{_count(part, 'sync', 'syncs')} {_way(facts)} {verb} verified after all"


def _region(_part: Part, facts: Facts) -> str:
    if facts.get("is_over"):
        return f"syncs {_way(facts)} are not held up any more"
    return f"syncs {_way(facts)} are held up"


def _sender(_part: Part, facts: Facts) -> str:
    if facts.get("is_over"):
        return f"the sender {facts['sender']} delivers again"
    last = facts.get("last_delivery_at")
    since = f"since {_time(last)}" if last else "yet"
    return (
        f"the sender {facts['sender']} has not delivered {since}; expected every {facts['every']}"
    )


def _quarantined(part: Part, facts: Facts) -> str:
    verb = "was" if part.count == 1 else "were"
    deliveries = _count(part, "delivery", "deliveries")
    return f"{deliveries} from {facts['sender']} {verb} not understood, and {verb} quarantined"


def _configuration(_part: Part, facts: Facts) -> str:
    if facts.get("is_over"):
        return f"the configuration file on {facts['host']} is valid and in use again"
    return f"the configuration file on {facts['host']} is refused"


def _available(_part: Part, facts: Facts) -> str:
    targets = ", ".join(facts["targets"])
    return f"{facts['image']} is available at all its targets: {targets}"


def _drift(_part: Part, facts: Facts) -> str:
    counts = ", ".join(f"{count} {kind}" for kind, count in facts["counts"].items())
    return f"a reconcile found tags that differ from the rules: {counts}"


def _test(_part: Part, facts: Facts) -> str:
    return f"a test of the channel {facts['channel']}, by {facts['token']}"


def _time(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M UTC")


_HEADLINES: Mapping[Topic, Callable[[Part, Facts], str]] = {
    Topic.FAILED: _failed,
    Topic.LATE: _late,
    Topic.RECOVERED: _recovered,
    Topic.REGION: _region,
    Topic.SENDER: _sender,
    Topic.QUARANTINED: _quarantined,
    Topic.CONFIGURATION: _configuration,
    Topic.AVAILABLE: _available,
    Topic.DRIFT: _drift,
    Topic.TEST: _test,
}
