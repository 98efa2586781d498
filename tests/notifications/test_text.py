import pytest

from swrhook.notifications.links import path_of
from swrhook.notifications.model import WORDING, Facts, Notice, Notification, Part, Topic
from swrhook.notifications.parts import to_part
from swrhook.notifications.text import body_of, headline, title_of
from swrhook.wording.catalogues import Language, translations
from swrhook.wording.message import say
from swrhook.wording.storage import encode
from tests.factories import NOW

WAY = {"source_region": "cn-north-4", "target_region": "cn-east-3"}
FAILED = {**WAY, "state": "rejected", "code": "A.1", "message": "no access", "remedy": "ask"}
ITEM = {"sync": "01A", "image": "team/web:v1", "target": "cn-east-3/team", "reason": "no access"}


def part(topic: Topic, facts: Facts, *items: Facts) -> Part:
    single = to_part(Notice(topic, "cause", NOW, facts))
    return Part(topic, "cause", facts, items, max(len(items), 1), single.first_at, single.last_at)


def message(*parts: Part, left_out: int = 0) -> Notification:
    return Notification("01N", "ops", NOW, parts, left_out)


def test_a_failure_says_what_to_do_and_where_to_look() -> None:
    failed = message(part(Topic.FAILED, FAILED, ITEM))

    assert title_of(failed) == (
        "swrhook: 1 sync from cn-north-4 to cn-east-3 failed: rejected, A.1"
    )
    assert body_of(failed, "https://s.example.com").splitlines() == [
        "No access.",
        "Ask.",
        "- team/web:v1 to cn-east-3/team",
        "https://s.example.com/syncs/01A",
    ]


def test_a_digest_has_a_headline_for_each_cause() -> None:
    digest = message(
        part(Topic.FAILED, FAILED, ITEM, ITEM), part(Topic.LATE, WAY, ITEM), left_out=3
    )

    assert title_of(digest).endswith("(and 4 more)")
    assert body_of(digest, None).count("2 syncs from cn-north-4 to cn-east-3 failed") == 1
    assert (
        "1 sync from cn-north-4 to cn-east-3 is late.\n- team/web:v1 to cn-east-3/team: no access"
        in (body_of(digest, None))
    )
    assert body_of(digest, None).endswith("3 more causes are not listed.")


def test_items_beyond_the_listed_ones_are_counted() -> None:
    many = part(Topic.LATE, WAY, ITEM)
    many = Part(many.topic, many.cause, many.facts, many.items, 12, NOW, NOW)

    assert "- and 11 more" in body_of(message(many), None)


@pytest.mark.parametrize(
    ("topic", "facts", "words"),
    [
        (Topic.RECOVERED, WAY, "is verified after all"),
        (Topic.REGION, WAY, "are held up"),
        (Topic.REGION, {**WAY, "is_over": True}, "not held up any more"),
        (Topic.SENDER, {"sender": "ci", "every": "24h", "last_delivery_at": None}, "delivered yet"),
        (
            Topic.SENDER,
            {"sender": "ci", "every": "24h", "last_delivery_at": "2026-03-04T05:06:07+00:00"},
            "since 2026-03-04 05:06 UTC; expected every 24h",
        ),
        (Topic.SENDER, {"sender": "ci", "is_over": True}, "delivers again"),
        (Topic.QUARANTINED, {"sender": "ci"}, "1 delivery from ci was not understood"),
        (Topic.CONFIGURATION, {"host": "h1"}, "on h1 is not fully in use"),
        (Topic.CONFIGURATION, {"host": "h1", "is_over": True}, "in use again"),
        (Topic.DRIFT, {"counts": {"missing": 2}}, "2 missing"),
        (Topic.TEST, {"channel": "ops", "token": "anna"}, "a test of the channel ops, by anna"),
        (
            Topic.AVAILABLE,
            {"image": "team/web:v1", "targets": ["cn-east-3/team"]},
            "team/web:v1 is available at all its targets: cn-east-3/team",
        ),
    ],
)
def test_every_topic_has_words_and_a_page(topic: Topic, facts: Facts, words: str) -> None:
    assert words in headline(part(topic, facts))
    assert path_of(part(topic, facts)).startswith("/")
    assert body_of(message(part(topic, facts)), None)


def test_a_link_leads_to_the_one_object_or_to_the_list() -> None:
    assert (
        path_of(part(Topic.FAILED, FAILED, ITEM, ITEM))
        == "/syncs?show=rejected&standing=1&region=cn-east-3"
    )
    assert (
        path_of(part(Topic.QUARANTINED, {"sender": "ci"}, {"delivery": "01D"})) == "/deliveries/01D"
    )
    assert path_of(part(Topic.AVAILABLE, {"image": "a/b:c"})) == "/explain?image=a%2Fb%3Ac"


def test_a_message_can_be_in_chinese() -> None:
    remedy = say("push the image to the source region's SWR, or correct its name")
    reason = say("%(image)s never appeared in %(region)s", image="team/web:v1", region="cn-north-4")
    facts = {**FAILED, "message": str(reason), "remedy": str(remedy), "wording": encode([reason])}
    failed = message(part(Topic.FAILED, facts, ITEM))
    chinese = translations(Language.CHINESE)

    assert "个同步任务失败" in title_of(failed, chinese)
    lines = body_of(failed, None, chinese).splitlines()
    assert [line.rstrip("。") for line in lines[:2]] == [
        reason.render(chinese),
        remedy.render(chinese),
    ]
    assert "wording" not in failed.parts[0].public_facts


def test_the_reason_of_each_thing_can_be_in_chinese_and_machines_get_the_text_alone() -> None:
    waiting = say("not in %(place)s yet", place="cn-north-4")
    late = part(Topic.LATE, WAY, {**ITEM, "reason": str(waiting), WORDING: encode([waiting])})
    chinese = translations(Language.CHINESE)

    assert waiting.render(chinese) in body_of(message(late), None, chinese)
    assert str(waiting) in body_of(message(late), None)
    assert late.public_items == [{**ITEM, "reason": str(waiting)}]
