"""A message of a topic cannot make swrhook request any URL but its vendor's own."""

from typing import Any

import pytest

from swrhook.auth.pinned_urls import is_certificate_url, is_confirmation_url
from swrhook.auth.topics import confirm_smn, confirm_sns
from swrhook.errors import Unauthenticated
from tests.auth.messages import (
    ARN,
    SMN_CONFIRM,
    SMN_URL,
    SNS_CONFIRM,
    SNS_URL,
    URN,
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
    "host",
    [
        "sns.s3-us-west-2.amazonaws.com",  # a bucket named "sns"
        "sns.s3.amazonaws.com",
        "sns.us-east-1.amazonaws.com",  # another region's: its topics are not ours
        "sns.us-west-2.amazonaws.com.cn",
    ],
)
def test_a_bucket_named_sns_signs_for_no_topic(host: str) -> None:
    """Anyone can own such a bucket, and put a certificate of theirs into it."""
    url = f"https://{host}/{PEM}"
    confirm = f"https://{host}/?Action=ConfirmSubscription&Token=a"
    outside = FakeOutside({url: certificate()})

    assert refusal_of_sns(sns_message(SigningCertURL=url), outside) == NOT_ITS_VENDORS
    with pytest.raises(Unauthenticated):
        confirm_sns(outside, posted(sns_message("SubscriptionConfirmation", SubscribeURL=confirm)))
    assert (outside.asked, outside.visited) == ([], [])


@pytest.mark.parametrize(
    "host",
    [
        "smn.obs.myhuaweicloud.com",  # a bucket named "smn"
        "smn.obs.myhuaweicloud.eu",
        "smn.obs.otc.t-systems.com",
        "smn.cn-south-1.myhuaweicloud.com",
        "smn.cn-north-4.myhuaweicloud.eu",
    ],
)
def test_a_bucket_named_smn_signs_for_no_topic(host: str) -> None:
    url = f"https://{host}/smn/SMN_cn-north-4_31.pem"
    confirm = f"https://{host}/smn/subscription/confirm?token=a"
    outside = FakeOutside({url: certificate()})

    assert refusal_of_smn(smn_message(signing_cert_url=url), outside) == NOT_ITS_VENDORS
    with pytest.raises(Unauthenticated):
        confirm_smn(outside, posted(smn_message("SubscriptionConfirmation", subscribe_url=confirm)))
    assert (outside.asked, outside.visited) == ([], [])


@pytest.mark.parametrize(
    ("topic", "host"),
    [
        ("arn:aws:sns:eu-north-1:123456789012:t", "sns.eu-north-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:123456789012:t", "sns.cn-north-1.amazonaws.com.cn"),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:t", "sns.us-gov-west-1.amazonaws.com"),
    ],
)
def test_sns_is_accepted_in_every_aws_partition(topic: str, host: str) -> None:
    assert is_certificate_url(f"https://{host}/{PEM}", topic)
    assert is_confirmation_url(f"https://{host}/?Action=ConfirmSubscription&Token=a", topic)


@pytest.mark.parametrize(
    ("region", "api", "consoles"),
    [
        (
            "cn-north-4",
            "smn.cn-north-4.myhuaweicloud.com",
            ["console.huaweicloud.com", "cn-north-4-console.huaweicloud.com"],
        ),
        (
            "sa-brazil-1",
            "smn.sa-brazil-1.myhuaweicloud.com",
            ["sa-brazil-1-console.huaweicloud.com"],
        ),
        ("eu-west-101", "smn.eu-west-101.myhuaweicloud.eu", ["console.eu.huaweicloud.com"]),
        ("eu-de", "smn.eu-de.otc.t-systems.com", ["console.otc.t-systems.com"]),
    ],
)
def test_smn_is_accepted_in_every_cloud(region: str, api: str, consoles: list[str]) -> None:
    topic = f"urn:smn:{region}:0a41:t"

    assert is_certificate_url(f"https://{api}/smn/SMN_region_31.pem", topic)
    for host in (api, *consoles):
        assert is_confirmation_url(f"https://{host}/smn/subscription/confirm?token=a", topic)
    for host in consoles:
        assert not is_certificate_url(f"https://{host}/smn/SMN_region_31.pem", topic)


def test_only_a_subscription_confirmation_is_confirmed() -> None:
    outside = FakeOutside()
    for kind in KINDS:
        confirm_sns(outside, posted(sns_message(kind)))
        confirm_smn(outside, posted(smn_message(kind)))

    assert outside.visited == [SNS_CONFIRM, SMN_CONFIRM]


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
    for topic, certificate_url, confirmation in (
        (ARN, SNS_URL, SNS_CONFIRM),
        (URN, SMN_URL, SMN_CONFIRM),
    ):
        assert is_certificate_url(certificate_url, topic)
        assert is_confirmation_url(confirmation, topic)
        assert not is_certificate_url(confirmation, topic)
        assert not is_confirmation_url(certificate_url, topic)
