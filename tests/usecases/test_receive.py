"""A delivery is authenticated, read, planned and recorded, in this order or not at all."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from swrhook.config.model import Access, Config, Options, Swr, TokenCredentials
from swrhook.dialects import DIALECTS
from swrhook.errors import (
    CannotRecord,
    NothingToReplay,
    NothingUsable,
    TooComplex,
    TooLarge,
    TooManyImages,
    Unauthenticated,
    Undecodable,
)
from swrhook.model import Outcome, StoredDelivery, Target
from swrhook.rules.glob import Glob
from swrhook.rules.match import Rule, RuleTarget
from swrhook.rules.namespaces import Namespaces
from swrhook.rules.rulebook import Rulebook
from swrhook.senders.delivery import KEPT_HEADERS, Delivery
from swrhook.senders.sender import Sender
from swrhook.usecases.receive import read, receive, replay
from tests.factories import FakeRecorder, Unlimited

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
A = "sha256:" + "aa" * 32
RULE = Rule("all", {"namespace": [Glob("team")]}, {}, [RuleTarget("cn-east-3", "team")])
CONFIG = Config(
    version="0123456789ab",
    swr=Swr("https://iam", TokenCredentials("a-token"), {}),
    access=Access(),
    senders={},
    rules=Rulebook([RULE]),
    options=replace(Options(), dedup_window=timedelta(minutes=7)),
)


def accept(_delivery: Delivery, _now: datetime) -> None:
    pass


def refuse(_delivery: Delivery, _now: datetime) -> None:
    raise Unauthenticated("no")


class Exhausted:
    """Admits no delivery."""

    def admit(self, _sender: Sender) -> None:
        raise TooLarge(0)


CI = Sender("ci", "cn-north-4", dialect="generic", authenticate=accept)
HARBOR = replace(CI, name="harbor-prod", dialect="harbor")


def delivery(document: Any, **headers: str) -> Delivery:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Delivery(named, json.dumps(document).encode())


def harbor_push(*tags: str, namespace: str = "team", event: str = "PUSH_ARTIFACT") -> Any:
    return {
        "type": event,
        "occur_at": 1_700_000_000,
        "operator": "robot",
        "event_data": {
            "resources": [
                {"digest": A, "tag": tag, "resource_url": f"h.io/{namespace}/shop:{tag}"}
                for tag in tags
            ],
            "repository": {
                "name": "shop",
                "namespace": namespace,
                "repo_full_name": f"{namespace}/shop",
                "repo_type": "private",
                "date_created": 1,
            },
        },
    }


def test_an_accepted_delivery_is_recorded_with_its_pushes_and_syncs() -> None:
    sent = delivery({"image": f"team/web/shop:v1@{A}"})
    ledger = FakeRecorder()

    _, receipt = receive(sent, CI, CONFIG, limiter=Unlimited(), recorder=ledger, now=NOW)

    [entry] = ledger.entries
    assert receipt.outcome is Outcome.ACCEPTED
    assert [push.image for push in entry.pushes] == ["team/web/shop:v1"]
    assert [(Target("cn-east-3", "team"), "all")] == [
        (sync.target, sync.rule) for sync in entry.planned
    ]
    assert ("ci", "generic", NOW, "0123456789ab", timedelta(minutes=7), sent.body) == (
        entry.sender,
        entry.dialect,
        entry.received_at,
        entry.rules_version,
        entry.dedup_window,
        entry.body,
    )


def test_an_unauthenticated_delivery_is_neither_read_nor_recorded() -> None:
    ledger = FakeRecorder()

    with pytest.raises(Unauthenticated):
        receive(
            Delivery({}, b"not even JSON"),
            replace(CI, authenticate=refuse),
            CONFIG,
            limiter=Unlimited(),
            recorder=ledger,
            now=NOW,
        )

    assert ledger.entries == []


def test_unauthenticated_deliveries_do_not_count_for_the_rate_limit() -> None:
    unproven = replace(CI, authenticate=refuse)
    ledger = FakeRecorder()
    sent = delivery({"image": "team/a:v1"})

    with pytest.raises(Unauthenticated):
        receive(sent, unproven, CONFIG, limiter=Exhausted(), recorder=ledger, now=NOW)
    with pytest.raises(TooLarge):
        receive(sent, CI, CONFIG, limiter=Exhausted(), recorder=ledger, now=NOW)

    assert ledger.entries == []


def test_a_delivery_that_cannot_be_confirmed_is_not_recorded() -> None:
    def unreachable(_delivery: Delivery) -> bool:
        raise CannotRecord("later")

    ledger = FakeRecorder()
    sent = delivery({"image": "team/a:v1"})

    with pytest.raises(CannotRecord):
        receive(
            sent,
            replace(CI, confirm=unreachable),
            CONFIG,
            limiter=Unlimited(),
            recorder=ledger,
            now=NOW,
        )

    assert ledger.entries == []


def test_an_undecodable_delivery_is_not_recorded() -> None:
    ledger = FakeRecorder()

    with pytest.raises(Undecodable):
        receive(Delivery({}, b"{"), HARBOR, CONFIG, limiter=Unlimited(), recorder=ledger, now=NOW)

    assert ledger.entries == []


COMPLEX = [b'{"events": [' + b"0," * 200_000 + b"0]}", b'{"events": ' + b"[" * 101]


@pytest.mark.parametrize("body", COMPLEX)
def test_json_that_is_too_complex_is_quarantined_so_that_no_registry_repeats_it(
    body: bytes,
) -> None:
    registry = replace(CI, dialect="distribution")
    entry = read(Delivery({}, body), registry, CONFIG, now=NOW)

    assert (entry.outcome, entry.body) == (Outcome.QUARANTINED, body)
    assert str(entry.reason).startswith("the JSON ")


@pytest.mark.parametrize("body", COMPLEX)
def test_a_caller_that_waits_is_told_that_its_json_is_too_complex(body: bytes) -> None:
    with pytest.raises(TooComplex):
        read(Delivery({}, body), CI, CONFIG, now=NOW)


def test_a_delivery_that_cannot_be_recorded_is_not_acknowledged() -> None:
    ledger = FakeRecorder(CannotRecord("the disk is full"))

    with pytest.raises(CannotRecord):
        receive(
            delivery({"image": "team/a:v1"}),
            CI,
            CONFIG,
            limiter=Unlimited(),
            recorder=ledger,
            now=NOW,
        )


def test_another_event_is_ignored_with_the_reason_and_its_body() -> None:
    sent = delivery(harbor_push("v1", event="PULL_ARTIFACT"))
    entry = read(sent, HARBOR, CONFIG, now=NOW)

    assert (entry.outcome, entry.body) == (Outcome.IGNORED, sent.body)
    assert entry.reason
    assert entry.pushes == ()


def test_a_delivery_that_no_rule_matches_is_ignored_with_its_pushes() -> None:
    sent = delivery(harbor_push("v1", namespace="other"))
    entry = read(sent, HARBOR, CONFIG, now=NOW)

    assert (entry.outcome, entry.body) == (Outcome.IGNORED, sent.body)
    assert entry.reason == "other/shop:v1: no rule matches"
    assert [push.image for push in entry.pushes] == ["other/shop:v1"]
    assert list(entry.planned) == []


def test_an_unknown_shape_is_quarantined_with_its_body() -> None:
    sent = delivery({"something": "else"})

    entry = read(sent, HARBOR, CONFIG, now=NOW)

    assert (Outcome.QUARANTINED, sent.body) == (entry.outcome, entry.body)
    assert entry.reason


def test_all_tags_of_a_delivery_count() -> None:
    entry = read(delivery(harbor_push("v1", "v2", "-odd", "v3")), HARBOR, CONFIG, now=NOW)

    assert entry.outcome is Outcome.ACCEPTED
    assert [sync.push.tag for sync in entry.planned] == ["v1", "v2", "v3"]
    assert entry.reason is not None
    assert "-odd" in entry.reason


def test_a_synchronous_caller_gets_the_reasons_of_an_unusable_delivery() -> None:
    with pytest.raises(NothingUsable) as refused:
        read(delivery({"image": "shop:v1"}), CI, CONFIG, now=NOW)

    assert refused.value.reasons == (
        "shop: has no organization, and the sender has no default_namespace",
    )


def test_a_synchronous_caller_is_not_refused_if_no_rule_matches() -> None:
    entry = read(delivery({"image": "other/shop:v1"}), CI, CONFIG, now=NOW)

    assert entry.outcome is Outcome.IGNORED


def test_a_push_outside_the_senders_organizations_is_ignored_with_the_reason() -> None:
    config = replace(CONFIG, rules=Rulebook([replace(RULE, when={})]))
    sender = replace(HARBOR, allow_namespaces=Namespaces((Glob("team-a"), Glob("team-b-*"))))
    outside = "other/shop:v1: the sender may not push to this organization (allow.namespaces)"

    for namespace, reason in [("team-a", None), ("team-b-1", None), ("other", outside)]:
        entry = read(delivery(harbor_push("v1", namespace=namespace)), sender, config, now=NOW)
        stored = StoredDelivery("1", HARBOR.name, entry.outcome, None, None, {}, None, entry.pushes)
        replayed = replay(stored, replace(config, senders={HARBOR.name: sender}), now=NOW)

        expected = (Outcome.IGNORED, reason, 0) if reason else (Outcome.ACCEPTED, None, 1)
        for result in (entry, replayed):
            assert (result.outcome, result.reason, len(result.planned)) == expected
            assert [push.namespace for push in result.pushes] == [namespace]


def test_of_a_mixed_delivery_only_the_senders_organizations_are_synced() -> None:
    config = replace(CONFIG, rules=Rulebook([replace(RULE, when={})]))
    sender = replace(CI, allow_namespaces=Namespaces((Glob("team"),)))

    entry = read(delivery(["team/shop:v1", "other/shop:v1"]), sender, config, now=NOW)

    assert (entry.outcome, len(entry.pushes)) == (Outcome.ACCEPTED, 2)
    assert [sync.push.image for sync in entry.planned] == ["team/shop:v1"]


@pytest.mark.parametrize("dialect", ["generic", "mapping"])
def test_a_caller_that_waits_is_refused_with_too_many_images(dialect: str) -> None:
    sender = replace(CI, dialect=dialect, parse=DIALECTS["generic"], max_images=2)

    with pytest.raises(TooManyImages, match=r"3 image tags, over the sender's max_images \(2\)"):
        read(delivery([f"team/web:v{n}" for n in range(3)]), sender, CONFIG, now=NOW)


def test_another_delivery_with_too_many_images_is_quarantined_and_can_be_replayed() -> None:
    limited, sent = replace(HARBOR, max_images=2), delivery(harbor_push("v1", "v2", "v3"))

    entry = read(sent, limited, CONFIG, now=NOW)

    assert (entry.outcome, entry.body) == (Outcome.QUARANTINED, sent.body)
    assert entry.reason == (
        "3 image tags, over the sender's max_images (2): raise it, then replay this delivery"
    )
    assert (entry.over_max_images, entry.pushes) == (True, ())
    stored = StoredDelivery("1", HARBOR.name, entry.outcome, None, None, {}, entry.body)
    raised = replace(CONFIG, senders={HARBOR.name: replace(limited, max_images=3)})
    again = replay(stored, raised, now=NOW)
    assert (again.outcome, len(again.pushes)) == (Outcome.ACCEPTED, 3)


def test_as_many_images_as_max_images_are_accepted() -> None:
    entry = read(delivery(harbor_push("v1", "v2")), replace(HARBOR, max_images=2), CONFIG, now=NOW)

    assert entry.outcome is Outcome.ACCEPTED


def test_a_replay_without_a_body_waits_until_all_pushes_are_recorded() -> None:
    stored = StoredDelivery("1", "ci", Outcome.IGNORED, None, None, expanding=True)

    with pytest.raises(NothingToReplay, match="its pushes are still being recorded"):
        replay(stored, replace(CONFIG, senders={"ci": CI}), now=NOW)


def test_the_length_of_a_reason_is_limited() -> None:
    pushed = harbor_push(*[f"v{n}" for n in range(500)], namespace="other")

    entry = read(delivery(pushed), HARBOR, CONFIG, now=NOW)

    assert entry.reason is not None
    assert 900 < len(entry.reason) <= 1000
    *reasons, more = entry.reason.split("; ")
    assert reasons[:2] == ["other/shop:v0: no rule matches", "other/shop:v1: no rule matches"]
    assert more == f"and {500 - len(reasons)} more"


def test_headers_are_kept_by_an_allow_list() -> None:
    headers = {
        **dict.fromkeys(KEPT_HEADERS, "x" * 1000),
        "authorization": "Bearer secret",
        "x-hub-signature-256": "sha256=secret",
        "x-gitlab-token": "secret",
        "cookie": "secret",
    }

    entry = read(
        Delivery(headers, delivery({"image": "team/a:v1"}).body, "secret"), CI, CONFIG, now=NOW
    )

    assert dict.fromkeys(KEPT_HEADERS, "x" * 1000) == entry.headers


def test_a_header_that_is_too_long_is_not_kept() -> None:
    sent = delivery({"image": "team/a:v1"}, webhook_id="x" * 1025, ce_id="short")

    assert read(sent, CI, CONFIG, now=NOW).headers == {"ce-id": "short"}
