"""The words of a notification: a title, and lines with what to know and to do."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from gettext import NullTranslations

from swrhook.notifications.links import path_of
from swrhook.notifications.model import WORDING, Facts, Notification, Part, Topic
from swrhook.wording.message import (
    Message,
    Translations,
    capitalize,
    render,
    say,
    say_count,
    say_list,
)
from swrhook.wording.storage import decode, restore, restore_parts

ENGLISH = NullTranslations()
_LONGEST_TITLE = 200
# The facts that are sentences of their own.
_SENTENCES = ("message", "remedy")


def title_of(notification: Notification, language: Translations = ENGLISH) -> str:
    """Return the title: what the first part tells, and how many others there are."""
    first, *others = (headline(part) for part in notification.parts)
    more = len(others) + notification.parts_left_out
    title = say("swrhook: %(first)s", first=first)
    if more:
        title = say("swrhook: %(first)s (and %(more)s more)", first=first, more=str(more))
    text = title.render(language)
    return text if len(text) <= _LONGEST_TITLE else text[: _LONGEST_TITLE - 1] + "…"


def body_of(notification: Notification, url: str | None, language: Translations = ENGLISH) -> str:
    """Return the lines of a message. `url`: the dashboard's address, for links to its pages.

    The title already has the headline of an only part.
    """
    is_digest = len(notification.parts) > 1
    blocks = [
        "\n".join(str(render(line, language)) for line in _lines(part, url, is_digest))
        for part in notification.parts
    ]
    if notification.parts_left_out:
        left_out = say("%(count)s more causes are not listed.", count=notification.parts_left_out)
        blocks.append(left_out.render(language))
    text = "\n\n".join(filter(None, blocks))
    return text or headline(notification.parts[0]).render(language)


def headline(part: Part) -> Message:
    """Return in one line what a part tells."""
    return _HEADLINES[part.topic](part, part.facts)


def describe_item(topic: Topic, item: Facts) -> str:
    """Return one thing that a part concerns, on one line."""
    name = str(item.get("image") or item.get("sender") or "")
    if item.get("target"):
        name = say("%(image)s to %(target)s", image=name, target=item["target"])
    # The facts of a failure already say what all of its syncs have in common.
    reason = None if topic is Topic.FAILED else item.get("reason")
    reason = restore_parts(reason, item.get(WORDING))
    return say("%(name)s: %(reason)s", name=name, reason=reason) if reason else name


def _lines(part: Part, url: str | None, is_digest: bool) -> Iterator[str]:  # noqa: FBT001
    if is_digest:
        yield _sentence(headline(part))
    messages = decode(part.facts.get(WORDING))
    for name in _SENTENCES:
        if part.facts.get(name):
            yield _sentence(restore(str(part.facts[name]), messages))
    yield from _list_items(part)
    if url is not None:
        yield f"{url}{path_of(part)}"


def _list_items(part: Part) -> Iterator[str]:
    if part.topic is Topic.AVAILABLE:  # the headline names it
        return
    for item in part.items:
        yield say("- %(item)s", item=describe_item(part.topic, item))
    more = part.count - len(part.items)
    if part.items and more:
        yield say("- and %(count)s more", count=more)


def _sentence(words: str) -> str:
    return say("%(text)s.", text=capitalize(words.rstrip(".") if words.endswith(".") else words))


def _way(facts: Facts) -> Message:
    return say(
        "from %(source)s to %(target)s",
        source=facts["source_region"],
        target=facts["target_region"],
    )


def _failed(part: Part, facts: Facts) -> Message:
    state: str = say(facts["state"])
    # Only SWR's own codes say more than the state.
    if "." in (facts.get("code") or ""):
        state = say("%(first)s, %(last)s", first=state, last=facts["code"])
    return say_count(
        "%(count)s sync %(way)s failed: %(state)s",
        "%(count)s syncs %(way)s failed: %(state)s",
        part.count,
        way=_way(facts),
        state=state,
    )


def _late(part: Part, facts: Facts) -> Message:
    return say_count(
        "%(count)s sync %(way)s is late",
        "%(count)s syncs %(way)s are late",
        part.count,
        way=_way(facts),
    )


def _recovered(part: Part, facts: Facts) -> Message:
    return say_count(
        "%(count)s sync %(way)s is verified after all",
        "%(count)s syncs %(way)s are verified after all",
        part.count,
        way=_way(facts),
    )


def _region(_part: Part, facts: Facts) -> Message:
    if facts.get("is_over"):
        return say("syncs %(way)s are not held up any more", way=_way(facts))
    return say("syncs %(way)s are held up", way=_way(facts))


def _sender(_part: Part, facts: Facts) -> Message:
    sender = facts["sender"]
    if facts.get("is_over"):
        return say("the sender %(sender)s delivers again", sender=sender)
    if not facts.get("last_delivery_at"):
        return say(
            "the sender %(sender)s has not delivered yet; expected every %(every)s",
            sender=sender,
            every=facts["every"],
        )
    return say(
        "the sender %(sender)s has not delivered since %(time)s; expected every %(every)s",
        sender=sender,
        time=_time(facts["last_delivery_at"]),
        every=facts["every"],
    )


def _quarantined(part: Part, facts: Facts) -> Message:
    return say_count(
        "%(count)s delivery from %(sender)s was not understood, and was quarantined",
        "%(count)s deliveries from %(sender)s were not understood, and were quarantined",
        part.count,
        sender=facts["sender"],
    )


def _configuration(_part: Part, facts: Facts) -> Message:
    if facts.get("is_over"):
        return say(
            "the configuration file on %(host)s is valid and in use again", host=facts["host"]
        )
    return say("the configuration file on %(host)s is not fully in use", host=facts["host"])


def _available(_part: Part, facts: Facts) -> Message:
    return say(
        "%(image)s is available at all its targets: %(targets)s",
        image=facts["image"],
        targets=say_list(facts["targets"]),
    )


def _drift(_part: Part, facts: Facts) -> Message:
    counts = [
        say("%(number)s %(kind)s", number=count, kind=say(kind))
        for kind, count in facts["counts"].items()
    ]
    return say(
        "a reconcile found tags that differ from the rules: %(counts)s", counts=say_list(counts)
    )


def _test(_part: Part, facts: Facts) -> Message:
    return say(
        "a test of the channel %(channel)s, by %(token)s",
        channel=facts["channel"],
        token=facts["token"],
    )


def _time(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M UTC")


_HEADLINES: Mapping[Topic, Callable[[Part, Facts], Message]] = {
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
