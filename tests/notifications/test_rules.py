from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from swrhook.model import State
from swrhook.notifications.model import Notice, Topic
from swrhook.notifications.rules import (
    FIRST_WAIT,
    Group,
    NotifyRule,
    QuietHours,
    select_channels,
    told_states,
)
from swrhook.rules.glob import Glob
from tests.factories import MINUTE, NOW

OPS = NotifyRule(frozenset({Topic.FAILED}), ("ops",))
SUBJECT = {"sender": "ci", "namespace": "team", "repository": "web", "tag": "v1"}


def notice(topic: Topic = Topic.FAILED, subject: Mapping[str, str] = SUBJECT) -> Notice:
    return Notice(topic, "cause", NOW, subject=subject)


def test_a_rule_selects_its_topics() -> None:
    assert OPS.matches(notice())
    assert not OPS.matches(notice(Topic.LATE))


def test_when_and_not_are_compared_with_the_subject() -> None:
    rule = NotifyRule(
        frozenset({Topic.FAILED, Topic.REGION}),
        ("ops",),
        when={"namespace": [Glob("team"), Glob("other")]},
        unless={"tag": [Glob("*-rc*")]},
    )

    assert rule.matches(notice())
    assert not rule.matches(notice(subject={**SUBJECT, "namespace": "third"}))
    assert not rule.matches(notice(subject={**SUBJECT, "tag": "v1-rc1"}))
    # A region has no namespace, so a rule for one does not tell of it.
    assert not rule.matches(Notice(Topic.REGION, "cause", NOW))


def test_a_channel_is_told_once_as_the_first_rule_says() -> None:
    digest = NotifyRule(frozenset({Topic.FAILED}), ("ops", "boss"), digest=60 * MINUTE)

    selected = select_channels([OPS, digest], notice())

    assert {channel: group.key for channel, group in selected.items()} == {
        "ops": "failed:cause",
        "boss": "digest",
    }


def test_the_first_message_on_a_cause_waits_shortly_and_later_ones_for_the_pause() -> None:
    group = OPS.group_of(notice())

    assert group.due_at(NOW, None) == NOW + FIRST_WAIT
    assert group.due_at(NOW, NOW - MINUTE) == NOW + 4 * MINUTE
    assert group.due_at(NOW, NOW - 60 * MINUTE) == NOW + FIRST_WAIT
    # A clock that was wrong must not silence a cause for long.
    assert group.due_at(NOW, NOW + 60 * MINUTE) == NOW + FIRST_WAIT


def test_an_available_image_is_told_at_once_and_alone() -> None:
    group = OPS.group_of(notice(Topic.AVAILABLE))

    assert (group.is_single, group.due_at(NOW, NOW)) == (True, NOW)


def test_a_digest_gathers_everything_of_its_time() -> None:
    rule = NotifyRule(frozenset({Topic.FAILED, Topic.LATE}), ("ops",), digest=60 * MINUTE)
    groups = {rule.group_of(notice(topic)) for topic in (Topic.FAILED, Topic.LATE)}

    assert groups == {Group("digest", timedelta(), 60 * MINUTE)}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-04T21:59:00", "2026-03-04T21:59:00"),
        ("2026-03-04T22:00:00", "2026-03-05T07:00:00"),
        ("2026-03-05T06:59:59", "2026-03-05T07:00:00"),
        ("2026-03-05T07:00:00", "2026-03-05T07:00:00"),
    ],
)
def test_quiet_hours_postpone_to_their_end(at: str, expected: str) -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    quiet = QuietHours(time(22), time(7), shanghai)
    moment, end = (datetime.fromisoformat(text).replace(tzinfo=shanghai) for text in (at, expected))

    assert quiet.postpone(moment.astimezone(UTC)) == end


def test_quiet_hours_within_a_day_end_the_same_day() -> None:
    quiet = QuietHours(time(12), time(13), UTC)

    assert quiet.postpone(NOW.replace(hour=12, minute=30)) == NOW.replace(
        hour=13, minute=0, second=0
    )
    assert quiet.postpone(NOW.replace(hour=14)) == NOW.replace(hour=14)


def test_only_syncs_that_somebody_is_told_of_are_recorded() -> None:
    assert told_states({Topic.LATE, Topic.REGION}) == frozenset()
    assert told_states({Topic.AVAILABLE}) == {State.VERIFIED}
    assert State.REJECTED in told_states({Topic.FAILED})
