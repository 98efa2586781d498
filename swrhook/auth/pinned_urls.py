"""The URLs that a message of SNS or SMN may contain; every other URL is refused.

The host follows from the region in the topic's configured name. It is compared as a whole: a
pattern such as `smn.*.myhuaweicloud.com` would also match hosts of object storage, where anyone can
own a bucket named `smn`. The path is pinned as well, since under other paths these hosts serve
content that anyone can have put there.
"""

import re
from collections.abc import Sequence

_SNS_CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")
_SMN_CERTIFICATE = re.compile(r"/smn/SMN_[A-Za-z0-9_-]{1,128}\.pem")
_SNS_CONFIRMATION = re.compile(r"/\?Action=ConfirmSubscription&[!-~]{1,2000}")
_SMN_CONFIRMATION = re.compile(r"/smn/subscriptions?/confirm\?[!-~]{1,2000}")

_ARN = re.compile(r"arn:(?P<partition>[a-z-]+):sns:(?P<region>[a-z0-9-]+):.+")
_URN = re.compile(r"urn:smn:(?P<region>[a-z0-9-]+):.+")
# The domains of partitions and regions that do not have the usual one.
_AWS_DOMAINS = {"aws-cn": "amazonaws.com.cn"}
_SMN_DOMAINS = {
    "eu-west-101": ("myhuaweicloud.eu", "eu.huaweicloud.com"),
    "eu-de": ("otc.t-systems.com", "otc.t-systems.com"),
    "eu-nl": ("otc.t-systems.com", "otc.t-systems.com"),
}


def is_certificate_url(url: str, topic: str) -> bool:
    """Tell whether SNS or SMN serves the certificate of messages in this topic at the URL."""
    return _matches(url, _sns_hosts(topic), _SNS_CERTIFICATE) or _matches(
        url, _smn_hosts(topic)[:1], _SMN_CERTIFICATE
    )


def is_confirmation_url(url: str, topic: str) -> bool:
    """Tell whether a GET of the URL confirms a subscription to a topic in this topic's region."""
    return _matches(url, _sns_hosts(topic), _SNS_CONFIRMATION) or _matches(
        url, _smn_hosts(topic), _SMN_CONFIRMATION
    )


def _matches(url: str, hosts: Sequence[str], path: re.Pattern[str]) -> bool:
    """Tell whether the URL has one of the hosts, and a path that matches."""
    # Compared as text and not split: two parsers may disagree on where a host ends.
    return any(
        url.startswith(f"https://{host}/") and path.fullmatch(url, len(f"https://{host}"))
        for host in hosts
    )


def _sns_hosts(topic: str) -> Sequence[str]:
    """Return the host of a topic's region; none for a topic of another service."""
    arn = _ARN.fullmatch(topic)
    if arn is None:
        return ()
    return (f"sns.{arn['region']}.{_AWS_DOMAINS.get(arn['partition'], 'amazonaws.com')}",)


def _smn_hosts(topic: str) -> Sequence[str]:
    """Return the host of a topic's region, which has its certificates, and then its consoles.

    SMN confirms at a console. Some regions have one under a name of their own.
    """
    urn = _URN.fullmatch(topic)
    if urn is None:
        return ()
    region = urn["region"]
    api, console = _SMN_DOMAINS.get(region, ("myhuaweicloud.com", "huaweicloud.com"))
    return (f"smn.{region}.{api}", f"console.{console}", f"{region}-console.{console}")
