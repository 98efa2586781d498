"""The first line of an explanation, in every situation that a tag can be in."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from swrhook.config import Config
from swrhook.errors import CircuitOpen, Kind, NothingUsable, SwrError, UnknownSender
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import set_wake_time
from swrhook.ledger.syncs import apply_decision
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from tests.ledger.parts import find
from tests.usecases.explain.parts import EAST, HONG_KONG, RULES, Scene, configuration, lane, scene

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def told(database: Database) -> Scene:
    return scene(database)


def happen(told: Scene, sync_id: str, verdict: Decision) -> None:
    with told.works.database.write() as connection:
        assert apply_decision(
            connection, find(told.works.database, sync_id), verdict, told.works.clock.now
        )


def without(sender: str, config: Config) -> Config:
    left = {name: each for name, each in config.senders.items() if name != sender}
    return replace(config, senders=left)


def rule(**changes: Any) -> dict[str, Any]:
    return {**RULES[0], **changes}


def test_an_empty_ledger_is_said(told: Scene) -> None:
    assert told.summary() == (
        "team/web/shop:1.0 was never announced: the ledger is empty. Were it announced by ci or"
        " harbor: rule releases sends it to cn-east-3/team"
    )


def test_no_event_is_said_with_how_far_back_the_ledger_reaches(told: Scene) -> None:
    told.announce("2.0")

    assert told.summary("team/web/shop:dev", "ci") == (
        "team/web/shop:dev was not replicated: no event for this tag came since"
        " 2026-03-04T05:06:07Z, the oldest record. Were it announced by ci: no rule matches; the"
        " nearest is releases: tag «dev» is not «semver >=1.0»"
    )


def test_an_image_that_nobody_can_announce_is_said(told: Scene) -> None:
    told.config = without("ci", told.config)

    assert told.summary("others/web:1").endswith("No configured sender could announce it")


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("dev", "no rule matches; the nearest is releases: tag «dev» is not «semver >=1.0»"),
        (
            "1.3",
            "no rule matches; the nearest is releases: tag «1.3» is excluded by «not»: «1.3*»",
        ),
    ],
)
def test_an_ignored_push_is_said_with_the_clause_that_said_no(
    told: Scene, tag: str, words: str
) -> None:
    delivery = told.announce(tag).delivery

    assert (
        f"team/web/shop:{tag} was not replicated: the delivery {delivery} of ci at"
        f" 2026-03-04T05:06:07Z was ignored: {words}"
    ) == told.summary(f"team/web/shop:{tag}")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"enabled": False}, "rule releases matches, but it is disabled (enabled: false)"),
        ({"shadow": True}, "rule releases is in shadow: it would go to cn-east-3/team"),
        (
            {"sync": [{"region": "cn-east-3", "namespace": "{repository}"}]},
            (
                "rule releases wants it for cn-east-3/web/shop, but SWR allows no organization"
                " named «web/shop»"
            ),
        ),
    ],
)
def test_a_rule_without_effect_is_said(
    database: Database, changes: dict[str, Any], words: str
) -> None:
    told = scene(database, rule(**changes))
    told.announce()

    assert told.summary().endswith(f"was ignored: {words}")


def test_a_skipped_signature_is_said(database: Database) -> None:
    told = scene(database, rule(when={"namespace": "team"}))
    tag = f"sha256-{'ab' * 32}.sig"
    told.announce(tag)

    assert told.summary(f"team/web/shop:{tag}").endswith(
        "was ignored: rule releases matches, but a signature is skipped (skip_attachments)"
    )


def test_rules_that_have_changed_since_are_said_with_what_to_do(told: Scene) -> None:
    delivery = told.announce("dev").delivery
    told.config = configuration(rule(when={"namespace": "team"}))

    assert told.summary("team/web/shop:dev").endswith(
        "was ignored: no rule matches. The rules have changed since, and now rule releases sends"
        f" it to cn-east-3/team: replay {delivery}"
    )


def test_a_sender_that_is_gone_is_said(told: Scene) -> None:
    told.announce("dev")
    told.config = without("ci", told.config)

    assert told.summary("team/web/shop:dev").endswith(
        "was ignored: no rule matches. The sender ci cannot announce it any more"
    )


def test_a_verified_tag_is_said_with_its_time_and_call(told: Scene) -> None:
    told.announce()
    told.hold()
    told.work()
    told.works.clock.advance(1)
    told.work()

    known = told.explain()
    [call] = known.syncs[0].calls
    assert (
        "team/web/shop:1.0 was replicated: cn-east-3/team was verified at 2026-03-04T05:06:08Z by"
        f" call {call.id} of 2026-03-04T05:06:07Z"
    ) == known.summary
    assert (call.code, call.digest) == (None, DIGEST)


def test_a_tag_that_was_there_is_said(told: Scene) -> None:
    told.announce()
    told.hold()
    told.works.swr.held["cn-east-3", "team", "web/shop", "1.0"] = DIGEST
    told.work()

    assert told.summary().endswith(
        "verified at 2026-03-04T05:06:07Z without a call: the target held the source's digest"
        " already"
    )


def test_a_tag_that_is_not_at_the_source_yet_is_said_with_the_deadline(told: Scene) -> None:
    told.announce()
    told.work()

    assert told.summary() == (
        "team/web/shop:1.0 is on its way: cn-east-3/team is pending: it is not in cn-north-4 since"
        " 2026-03-04T05:06:07Z, waited for until 2026-03-04T05:36:07Z; next at"
        " 2026-03-04T05:06:08Z"
    )


def test_a_failing_call_is_said_with_its_backoff(told: Scene) -> None:
    told.announce()
    told.hold()
    error = SwrError(Kind.TRANSIENT, "SVCSTG.SWR.5000001", "what SWR said", retry_after=60)
    told.works.swr.answers = [error]
    told.work()

    assert (
        "cn-east-3/team is pending: 1 tries in a row failed, given up at 2026-03-05T05:06:07Z:"
        " what SWR said; next at 2026-03-04T05:07:"
    ) in told.summary()
    assert told.explain().syncs[0].calls[0].code == "SVCSTG.SWR.5000001"


def test_an_endpoint_that_is_left_alone_is_said(told: Scene) -> None:
    sync = told.announce().syncs[0].id
    error = CircuitOpen("cn-north-4 is not asked (sync_images): 5 requests in a row failed", 30)
    happen(told, sync, Decision(Event.POSTPONE, told.works.clock.now, error.message, error))

    assert told.summary().endswith(
        "is pending: the endpoint is left alone for a while: cn-north-4 is not asked (sync_images):"
        " 5 requests in a row failed; due now"
    )


def test_a_lane_that_waits_for_its_turn_is_said(told: Scene) -> None:
    told.announce()
    until = told.works.clock.now + timedelta(seconds=9)
    with told.works.database.write() as connection:
        set_wake_time(connection, lane(), until)

    assert told.summary().endswith(
        "is pending: it is in line; the pace or the calls in flight put it off until"
        " 2026-03-04T05:06:16Z"
    )


def test_a_tag_on_its_way_to_the_target_is_said(told: Scene) -> None:
    told.announce()
    told.hold()
    told.works.swr.copies = False
    told.work()
    told.works.clock.advance(1)
    told.work()

    assert (
        "is triggered: sync_images has taken it, and the target is looked at: no such tag at"
        " cn-east-3/team yet; next at 2026-03-04T05:06:10Z"
    ) in told.summary()


def test_a_call_that_is_under_way_is_said(told: Scene) -> None:
    told.announce()
    told.hold()
    seen = []
    told.works.swr.answers = [lambda: seen.append(told.summary())]
    told.work()

    assert seen == [
        (
            "team/web/shop:1.0 is on its way: cn-east-3/team is calling: a call of sync_images is"
            " under way since 2026-03-04T05:06:07Z"
        )
    ]


def test_an_ended_sync_is_said_with_reason_and_remedy(told: Scene) -> None:
    told.announce()
    told.hold()
    error = SwrError(Kind.PERMANENT, "SVCSTG.SWR.4001000", "what SWR said", remedy="do this")
    told.works.swr.answers = [error]
    told.work()

    assert told.summary() == (
        "team/web/shop:1.0 was not replicated: cn-east-3/team is rejected since"
        " 2026-03-04T05:06:07Z: what SWR said. Do this"
    )


def test_of_several_targets_the_one_with_a_problem_is_said_first(told: Scene) -> None:
    told.announce("both")
    told.hold("both")
    told.work(EAST)
    told.works.clock.advance(1)
    told.work(EAST)
    told.works.swr.answers = [SwrError(Kind.PERMANENT, "X", "what SWR said")]
    told.work(HONG_KONG, override=True)

    said = told.summary("team/web/shop:both")
    assert said.startswith(
        "team/web/shop:both is at 1 of 2 targets: ap-southeast-1/team-hk is rejected since"
    )
    assert "; cn-east-3/team was verified at" in said


def test_a_later_push_is_what_is_said_of(told: Scene) -> None:
    told.announce(digest="a")
    told.works.clock.advance(1)
    told.announce(digest="b")

    known = told.explain()
    assert [each.sync.state for each in known.syncs] == ["pending", "superseded"]
    assert known.syncs[0].sync.id == known.syncs[1].sync.superseded_by
    assert known.summary.startswith("team/web/shop:1.0 is on its way")


def test_a_push_ignored_after_one_that_was_not_is_said(told: Scene) -> None:
    told.announce()
    told.works.clock.advance(1)
    told.config = configuration(rule(enabled=False))
    told.announce(digest="b")

    assert "was ignored: rule releases matches, but it is disabled" in told.summary()


def test_an_image_can_be_named_as_its_sender_does(told: Scene) -> None:
    for name in ("mirror/web/shop:1.0", "team/web/shop:1.0"):
        assert told.explain(name, "harbor").image == "team/web/shop:1.0"


@pytest.mark.parametrize("image", ["team/web", "web:1", "team/web:", "TEAM/web:1", ":", "a/b:c/d"])
def test_what_is_no_tag_is_refused_in_words(told: Scene, image: str) -> None:
    with pytest.raises(NothingUsable, match=r"tag|organization"):
        told.explain(image)


def test_a_sender_that_is_not_configured_is_refused(told: Scene) -> None:
    with pytest.raises(UnknownSender, match="no sender is named gone"):
        told.explain(sender="gone")
