"""A subscription to a topic is confirmed only if the sender is configured to do so."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from swrhook.config import Config
from swrhook.errors import Unauthenticated
from swrhook.model import DeliveryEntry, Outcome
from swrhook.senders.sender import Sender
from swrhook.usecases.receive import receive
from tests.auth.messages import (
    ARN,
    NOW,
    SMN_CONFIRM,
    SNS_CONFIRM,
    URN,
    FakeOutside,
    posted,
    smn_message,
    sns_message,
    well_known,
)
from tests.factories import FakeRecorder, Unlimited

SNS = f"{{scheme: sns, topic_arns: {ARN}"
SMN = f"{{scheme: smn, topic_urns: [{URN}]"


def sender(config: Config) -> Sender:
    return config.senders["harbor"]


def received(config: Config, document: Any) -> list[DeliveryEntry]:
    recorder = FakeRecorder()
    # Any dialect will do: confirmation is a matter of the envelope.
    acr_sender = replace(sender(config), dialect="acr")
    receive(posted(document), acr_sender, config, limiter=Unlimited(), recorder=recorder, now=NOW)
    return recorder.entries


@pytest.mark.parametrize(
    ("auth", "message", "visited"),
    [
        (SNS, sns_message("SubscriptionConfirmation"), SNS_CONFIRM),
        (SMN, smn_message("SubscriptionConfirmation"), SMN_CONFIRM),
    ],
)
def test_a_subscription_is_confirmed_only_with_confirm_true(
    configured: Callable[..., Config], auth: str, message: dict[str, Any], visited: str
) -> None:
    key_provider = well_known()
    for ending in ("}", ", confirm: false}"):
        (entry,) = received(configured(f"{auth}{ending}", key_provider=key_provider), message)
        assert entry.body is None  # it holds a token
    assert key_provider.visited == []

    (entry,) = received(configured(f"{auth}, confirm: true}}", key_provider=key_provider), message)
    assert key_provider.visited == [visited]
    assert entry.reason == "the subscription to the topic is confirmed"


@pytest.mark.parametrize("kind", ["Notification", "UnsubscribeConfirmation"])
def test_no_other_message_is_confirmed(configured: Callable[..., Config], kind: str) -> None:
    key_provider = well_known()
    received(configured(f"{SNS}, confirm: true}}", key_provider=key_provider), sns_message(kind))

    assert key_provider.visited == []


def test_a_forged_confirmation_is_not_visited(configured: Callable[..., Config]) -> None:
    key_provider = FakeOutside(well_known().certificates)
    message = sns_message("SubscriptionConfirmation") | {"Message": "x"}
    with pytest.raises(Unauthenticated):
        received(configured(f"{SNS}, confirm: true}}", key_provider=key_provider), message)

    assert key_provider.visited == []


def test_a_failed_confirmation_is_not_recorded(configured: Callable[..., Config]) -> None:
    config = configured(f"{SNS}, confirm: true}}", key_provider=well_known())
    message = sns_message(
        "SubscriptionConfirmation", SubscribeURL="https://evil.example/?Action=ConfirmSubscription"
    )
    with pytest.raises(Unauthenticated, match="not one that confirms a subscription"):
        received(config, message)


def test_a_confirmation_is_ignored_as_a_push(configured: Callable[..., Config]) -> None:
    message = sns_message("SubscriptionConfirmation")
    (entry,) = received(configured(f"{SNS}}}", key_provider=well_known()), message)

    assert Outcome.ACCEPTED is not entry.outcome
    assert "2336412f37" not in str(entry.reason)
