"""The summary of an explanation, for every situation of a tag."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from swrhook.config import Config
from swrhook.errors import CircuitOpen, Kind, NothingUsable, SwrError, UnknownSender
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import release_lane
from swrhook.ledger.observations import keep_observations
from swrhook.ledger.syncs import apply_decision
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from swrhook.syncs.decisions import Decision
from swrhook.syncs.observations import Place, TagObservation
from swrhook.syncs.states import Event
from swrhook.usecases.explain.answer import explain
from tests.factories import find
from tests.usecases.explain.scene import EAST, HONG_KONG, IMAGE, RULES, Scene, configuration, lane
from tests.usecases.explain.scene import scene as make_scene

DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64


@pytest.fixture
def scene(database: Database) -> Scene:
    return make_scene(database)


def happen(scene: Scene, sync_id: str, decision: Decision) -> None:
    with scene.harness.database.write() as connection:
        assert apply_decision(
            connection, find(scene.harness.database, sync_id), decision, scene.harness.clock.time
        )


def without(sender: str, config: Config) -> Config:
    senders = {name: config.senders[name] for name in config.senders if name != sender}
    return replace(config, senders=senders)


def rule(**changes: Any) -> dict[str, Any]:
    return {**RULES[0], **changes}


def test_the_summary_says_that_the_ledger_is_empty(scene: Scene) -> None:
    assert scene.summary() == (
        "team/web/shop:1.0 was never announced: the ledger is empty. If ci or harbor"
        " announced it now: rule releases sends it to cn-east-3/team"
    )


def test_without_a_delivery_the_summary_names_the_oldest_record(scene: Scene) -> None:
    scene.announce("2.0")

    assert scene.summary("team/web/shop:dev", "ci") == (
        "team/web/shop:dev was not replicated: no delivery has announced this tag since"
        " 2026-03-04T05:06:07Z, the oldest record. If ci announced it now: no rule matches; the"
        ' nearest is releases: tag "dev" is not "semver >=1.0"'
    )


def test_the_summary_says_that_no_sender_can_announce_the_image(scene: Scene) -> None:
    scene.config = without("ci", scene.config)

    assert scene.summary("others/web:1").endswith("No configured sender can announce it")


def test_the_summary_says_that_the_sender_may_not_push_to_the_organization(scene: Scene) -> None:
    limited = replace(scene.config.senders["ci"], allow_namespaces=Namespaces((Glob("others"),)))
    scene.config = replace(scene.config, senders={"ci": limited})

    of_sender = explain(IMAGE, "ci", scene.config, scene.harness.database, scene.harness.clock.time)

    assert scene.summary(IMAGE).endswith("No configured sender can announce it")
    assert [sender.summary for sender in of_sender.senders] == [
        "the sender may not push to team (allow.namespaces)"
    ]


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("dev", 'no rule matches; the nearest is releases: tag "dev" is not "semver >=1.0"'),
        (
            "1.3",
            'no rule matches; the nearest is releases: tag "1.3" is excluded by `not`: "1.3*"',
        ),
    ],
)
def test_an_ignored_push_is_explained_with_the_clause_that_failed(
    scene: Scene, tag: str, words: str
) -> None:
    delivery = scene.announce(tag).delivery

    assert (
        f"team/web/shop:{tag} was not replicated: the delivery {delivery} of ci at"
        f" 2026-03-04T05:06:07Z was ignored: {words}"
    ) == scene.summary(f"team/web/shop:{tag}")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"enabled": False}, "rule releases matches, but it is disabled (enabled: false)"),
        ({"shadow": True}, "rule releases is in shadow and would send it to cn-east-3/team"),
        (
            {"sync": [{"region": "cn-east-3", "namespace": "{repository}"}]},
            (
                "rule releases cannot send it to cn-east-3/web/shop: SWR allows no organization"
                ' named "web/shop"'
            ),
        ),
    ],
)
def test_a_matching_rule_without_effect_is_explained(
    database: Database, changes: dict[str, Any], words: str
) -> None:
    scene = make_scene(database, rule(**changes))
    scene.announce()

    assert scene.summary().endswith(f"was ignored: {words}")


def test_a_skipped_signature_is_explained(database: Database) -> None:
    scene = make_scene(database, rule(when={"namespace": "team"}))
    tag = f"sha256-{'ab' * 32}.sig"
    scene.announce(tag)

    assert scene.summary(f"team/web/shop:{tag}").endswith(
        "was ignored: rule releases matches, but a signature is skipped (skip_attachments)"
    )


def test_after_a_change_of_rules_the_summary_recommends_a_replay(scene: Scene) -> None:
    delivery = scene.announce("dev").delivery
    scene.config = configuration(rule(when={"namespace": "team"}))

    assert scene.summary("team/web/shop:dev").endswith(
        "was ignored: no rule matches. The rules have changed since, and now rule releases sends"
        f" it to cn-east-3/team: replay {delivery}"
    )


def test_the_summary_says_that_the_sender_was_removed(scene: Scene) -> None:
    scene.announce("dev")
    scene.config = without("ci", scene.config)

    assert scene.summary("team/web/shop:dev").endswith(
        "was ignored: no rule matches. The sender ci cannot announce it any more"
    )


def test_a_verified_tag_is_explained_with_its_time_and_call(scene: Scene) -> None:
    scene.announce()
    scene.hold()
    scene.work()
    scene.harness.clock.advance(1)
    scene.work()

    explanation = scene.explain()
    [call] = explanation.syncs[0].calls
    assert (
        "team/web/shop:1.0 was replicated: cn-east-3/team was verified at 2026-03-04T05:06:08Z by"
        f" call {call.id}, started at 2026-03-04T05:06:07Z, last observed 0.0 s ago"
    ) == explanation.summary
    assert (call.code, call.digest) == (None, DIGEST)


def test_a_tag_verified_without_a_call_is_explained(scene: Scene) -> None:
    scene.announce()
    scene.hold()
    scene.harness.swr.held["cn-east-3", "team", "web/shop", "1.0"] = DIGEST
    scene.work()

    assert scene.summary().endswith(
        "verified at 2026-03-04T05:06:07Z without a call: the target already had the source's"
        " digest, last observed 0.0 s ago"
    )


def test_the_age_of_a_proof_is_explained(scene: Scene) -> None:
    scene.announce()
    scene.hold()
    scene.harness.swr.held["cn-east-3", "team", "web/shop", "1.0"] = DIGEST
    scene.work()
    scene.harness.clock.advance(minutes=3)

    assert scene.summary().endswith(", last observed 3 min ago")


@pytest.mark.parametrize(
    ("digest", "words"),
    [
        (None, "but is missing there since 2026-03-04T05:11:07Z, last looked 2 min ago"),
        (
            OTHER_DIGEST,
            f"but the target has {OTHER_DIGEST} since 2026-03-04T05:11:07Z, last looked 2 min ago",
        ),
    ],
)
def test_a_verified_tag_that_is_gone_is_not_said_to_be_there(
    scene: Scene, digest: str | None, words: str
) -> None:
    scene.announce()
    scene.hold()
    scene.harness.swr.held["cn-east-3", "team", "web/shop", "1.0"] = DIGEST
    scene.work()
    scene.harness.clock.advance(minutes=5)
    place = Place("cn-east-3", "team", "web/shop", "1.0")
    with scene.harness.database.write() as connection:
        seen = TagObservation(place, digest, scene.harness.clock.now())
        keep_observations(connection, [seen])
    scene.harness.clock.advance(minutes=2)

    assert scene.summary().startswith("team/web/shop:1.0 is not there any more: cn-east-3/team was")
    assert scene.summary().endswith(words)


def test_a_tag_missing_at_the_source_is_explained_with_the_deadline(scene: Scene) -> None:
    scene.announce()
    scene.work()

    assert scene.summary() == (
        "team/web/shop:1.0 is on its way: cn-east-3/team is pending: it has been missing in"
        " cn-north-4 since 2026-03-04T05:06:07Z, deadline 2026-03-04T05:36:07Z; next attempt at"
        " 2026-03-04T05:06:08Z"
    )


def test_a_failing_call_is_explained_with_its_next_attempt(scene: Scene) -> None:
    scene.announce()
    scene.hold()
    error = SwrError(Kind.TRANSIENT, "SVCSTG.SWR.5000001", "what SWR said", retry_after=60)
    scene.harness.swr.answers = [error]
    scene.work()

    assert (
        "cn-east-3/team is pending: 1 attempts in a row failed, deadline 2026-03-05T05:06:07Z:"
        " what SWR said; next attempt at 2026-03-04T05:07:"
    ) in scene.summary()
    assert scene.explain().syncs[0].calls[0].code == "SVCSTG.SWR.5000001"


def test_an_open_circuit_breaker_is_explained(scene: Scene) -> None:
    sync = scene.announce().syncs[0].id
    error = CircuitOpen("cn-north-4 is not asked (sync_images): 5 requests in a row failed", 30)
    happen(scene, sync, Decision(Event.POSTPONE, scene.harness.clock.time, error.message, error))

    assert scene.summary().endswith(
        "is pending: the endpoint's circuit breaker is open: cn-north-4 is not asked (sync_images):"
        " 5 requests in a row failed; due now, and its lane waits for room in its regions"
    )


def test_a_lane_delayed_by_limits_is_explained(scene: Scene) -> None:
    scene.announce()
    until = scene.harness.clock.time + timedelta(seconds=9)
    with scene.harness.database.write() as connection:
        release_lane(connection, lane(), scene.harness.clock.time, not_before=until)

    assert scene.summary().endswith(
        "is pending: it waits for its turn; delayed by the limits of its regions until"
        " 2026-03-04T05:06:16Z"
    )


def test_a_lane_that_waits_for_room_is_explained(scene: Scene) -> None:
    scene.announce()

    assert scene.summary().endswith(
        "is pending: it waits for its turn; due now, and its lane waits for room in its regions"
    )


def test_a_tag_polled_at_the_target_is_explained(scene: Scene) -> None:
    scene.announce()
    scene.hold()
    scene.harness.swr.copies = False
    scene.work()
    scene.harness.clock.advance(1)
    scene.work()

    assert (
        "is triggered: sync_images accepted the call, and the target is polled: not at"
        " cn-east-3/team yet; next attempt at 2026-03-04T05:06:10Z"
    ) in scene.summary()


def test_a_running_call_is_explained(scene: Scene) -> None:
    scene.announce()
    scene.hold()
    seen = []
    scene.harness.swr.answers = [lambda: seen.append(scene.summary())]
    scene.work()

    assert seen == [
        (
            "team/web/shop:1.0 is on its way: cn-east-3/team is calling: sync_images was called"
            " at 2026-03-04T05:06:07Z and has not answered yet"
        )
    ]


def test_an_ended_sync_is_explained_with_reason_and_remedy(scene: Scene) -> None:
    scene.announce()
    scene.hold()
    error = SwrError(Kind.PERMANENT, "SVCSTG.SWR.4001000", "what SWR said", remedy="do this")
    scene.harness.swr.answers = [error]
    scene.work()

    assert scene.summary() == (
        "team/web/shop:1.0 was not replicated: cn-east-3/team is rejected"
        " (since 2026-03-04T05:06:07Z): what SWR said. Do this"
    )


def test_a_target_with_a_problem_is_named_first(scene: Scene) -> None:
    scene.announce("both")
    scene.hold("both")
    scene.work(EAST)
    scene.harness.clock.advance(1)
    scene.work(EAST)
    scene.harness.swr.answers = [SwrError(Kind.PERMANENT, "X", "what SWR said")]
    scene.work(HONG_KONG, override=True)

    summary = scene.summary("team/web/shop:both")
    assert summary.startswith(
        "team/web/shop:both is at 1 of 2 targets: ap-southeast-1/team-hk is rejected (since"
    )
    assert "; cn-east-3/team was verified at" in summary


def test_the_summary_is_about_the_latest_push(scene: Scene) -> None:
    scene.announce(digest="a")
    scene.harness.clock.advance(1)
    scene.announce(digest="b")

    explanation = scene.explain()
    assert [explained.sync.state for explained in explanation.syncs] == ["pending", "superseded"]
    assert explanation.syncs[0].sync.id == explanation.syncs[1].sync.superseded_by
    assert explanation.summary.startswith("team/web/shop:1.0 is on its way")


def test_an_ignored_push_after_an_accepted_one_is_explained(scene: Scene) -> None:
    scene.announce()
    scene.harness.clock.advance(1)
    scene.config = configuration(rule(enabled=False))
    scene.announce(digest="b")

    assert "was ignored: rule releases matches, but it is disabled" in scene.summary()


def test_an_image_can_be_named_as_its_sender_names_it(scene: Scene) -> None:
    for name in ("mirror/web/shop:1.0", "team/web/shop:1.0"):
        assert scene.explain(name, "harbor").image == "team/web/shop:1.0"


@pytest.mark.parametrize("image", ["team/web", "web:1", "team/web:", "TEAM/web:1", ":", "a/b:c/d"])
def test_an_image_without_a_valid_tag_is_refused(scene: Scene, image: str) -> None:
    with pytest.raises(NothingUsable, match=r"tag|organization"):
        scene.explain(image)


def test_a_sender_that_is_not_configured_is_refused(scene: Scene) -> None:
    with pytest.raises(UnknownSender, match="no sender is named gone"):
        scene.explain(sender="gone")
