"""A message of a topic cannot make swrhook request any URL but its vendor's own."""

from typing import Any

import pytest

from swrhook.auth.pinned_urls import is_certificate_url, is_confirmation_url
from swrhook.auth.topics import confirm_smn, confirm_sns
from swrhook.errors import Unauthenticated
from tests.auth.messages import (
    SMN_CONFIRM,
    SMN_URL,
    SNS_CONFIRM,
    SNS_URL,
    FakeOutside,
    certificate,
    posted,
    refusal_of_smn,
    refusal_of_sns,
    smn_message,
    sns_message,
    well_known,
)

KINDS = ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
NOT_ITS_VENDORS = "the message names a certificate that is not its vendor's"


PEM = "SimpleNotificationService-0000.pem"


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.us-west-2.amazonaws.com/{PEM}",
        f"https://sns.us-west-2.amazonaws.com.evil.example/{PEM}",
        f"https://sns.us-west-2.amazonaws.com:8443/{PEM}",
        f"https://sns.us-west-2.amazonaws.com@evil.example/{PEM}",
        f"https://evil@sns.us-west-2.amazonaws.com/{PEM}",
        f"https://evil.example/sns.us-west-2.amazonaws.com/{PEM}",
        f"https://sns.us-west-2.evil.amazonaws.com/{PEM}",
        f"https://s3.amazonaws.com/{PEM}",
        f"https://sns.us-west-2.amazonaws.com/{PEM}?x",
        f"https://sns.us-west-2.amazonaws.com/{PEM}\n",
        f"https://sns.us-west-2.amazonaws.com/../{PEM}",
        "https://sns.us-west-2.amazonaws.com/?Action=Any&x=/SimpleNotificationService-0.pem",
        SMN_URL,
        "",
        None,
        7,
        [SNS_URL],
    ],
)
def test_a_certificate_at_another_url_is_not_fetched(url: Any) -> None:
    outside = well_known()

    assert refusal_of_sns(sns_message() | {"SigningCertURL": url}, outside) == NOT_ITS_VENDORS
    assert outside.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://smn.cn-north-4.huaweicloud.com/smn/SMN_cn-north-4_31.pem",
        "https://smn.evil.example/smn/SMN_cn-north-4_31.pem",
        "https://obs.cn-north-4.myhuaweicloud.com/smn/SMN_cn-north-4_31.pem",
        "https://smn.cn-north-4.myhuaweicloud.com/v2/SMN_cn-north-4_31.pem",
        SNS_URL,
    ],
)
def test_a_certificate_of_smn_at_another_host_is_refused(url: str) -> None:
    assert refusal_of_smn(smn_message() | {"signing_cert_url": url}) == NOT_ITS_VENDORS


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0000.pem",
        "https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-0000.pem",
    ],
)
def test_sns_is_accepted_in_every_aws_partition(url: str) -> None:
    assert refusal_of_sns(sns_message(SigningCertURL=url), FakeOutside({url: certificate()})) == ""


@pytest.mark.parametrize(
    "host", ["smn.eu-west-101.myhuaweicloud.eu", "smn.eu-de.otc.t-systems.com"]
)
def test_smn_is_accepted_in_every_cloud(host: str) -> None:
    url = f"https://{host}/smn/SMN_region_31.pem"

    assert (
        refusal_of_smn(smn_message(signing_cert_url=url), FakeOutside({url: certificate()})) == ""
    )


def test_only_a_subscription_confirmation_is_confirmed() -> None:
    outside = FakeOutside()
    for kind in KINDS:
        confirm_sns(outside, posted(sns_message(kind)))
        confirm_smn(outside, posted(smn_message(kind)))

    assert outside.visited == [SNS_CONFIRM, SMN_CONFIRM]


@pytest.mark.parametrize(
    "url",
    [
        "https://smn.cn-north-4.myhuaweicloud.com/smn/subscription/confirm?token=a",
        "https://sa-brazil-1-console.huaweicloud.com/smn/subscription/confirm?token=a",
        "https://console.eu.huaweicloud.com/smn/subscription/confirm?token=a",
        "https://console.otc.t-systems.com/smn/subscription/confirm?token=a",
    ],
)
def test_smn_confirms_at_its_consoles(url: str) -> None:
    outside = FakeOutside()
    confirm_smn(outside, posted(smn_message("SubscriptionConfirmation", subscribe_url=url)))

    assert outside.visited == [url]


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=a",
        "https://sns.us-west-2.amazonaws.com/?Action=DeleteTopic&Token=a",
        "https://evil.example/?Action=ConfirmSubscription&Token=a",
        "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=a b",
        None,
        "",
    ],
)
def test_no_other_url_is_requested(url: str | None) -> None:
    outside = FakeOutside()
    document = sns_message("SubscriptionConfirmation") | {"SubscribeURL": url}
    with pytest.raises(Unauthenticated, match="not one that confirms a subscription") as caught:
        confirm_sns(outside, posted(document))

    assert outside.visited == []
    assert "Token" not in str(caught.value)


def test_a_url_is_pinned_for_one_purpose() -> None:
    certificates, confirmations = [SNS_URL, SMN_URL], [SNS_CONFIRM, SMN_CONFIRM]

    assert all(map(is_certificate_url, certificates))
    assert all(map(is_confirmation_url, confirmations))
    assert not any(map(is_certificate_url, [*confirmations, "", "https://example.com/"]))
    assert not any(map(is_confirmation_url, [*certificates, "", "https://example.com/"]))
