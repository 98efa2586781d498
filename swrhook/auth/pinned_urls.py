"""The URLs that a message of SNS or SMN may contain; every other URL is refused.

The path of a certificate is pinned as well as its host, since under other paths these hosts serve
content that anyone can have put there.
"""

import re

_SNS = r"https://sns\.[a-z0-9-]{3,40}\.amazonaws\.com(?:\.cn)?"
_SMN = r"https://smn\.[a-z0-9-]{3,40}\.(?:myhuaweicloud\.(?:com|eu)|otc\.t-systems\.com)"
# SMN serves certificates from its API host, and confirms at the console, which some regions have
# under a name of their own: `sa-brazil-1-console`.
_CONSOLE = (
    r"https://(?:[a-z0-9-]{1,40}-)?console\.(?:(?:eu\.)?huaweicloud\.com|otc\.t-systems\.com)"
)

SNS_CERTIFICATE = re.compile(_SNS + r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")
SMN_CERTIFICATE = re.compile(_SMN + r"/smn/SMN_[A-Za-z0-9_-]{1,128}\.pem")
SNS_CONFIRMATION = re.compile(_SNS + r"/\?Action=ConfirmSubscription&[!-~]{1,2000}")
SMN_CONFIRMATION = re.compile(rf"(?:{_SMN}|{_CONSOLE})/smn/subscriptions?/confirm\?[!-~]{{1,2000}}")


def is_certificate_url(url: str) -> bool:
    """Tell whether SNS or SMN serves its certificates at this URL."""
    return any(pin.fullmatch(url) for pin in (SNS_CERTIFICATE, SMN_CERTIFICATE))


def is_confirmation_url(url: str) -> bool:
    """Tell whether a GET of this URL confirms a subscription."""
    return any(pin.fullmatch(url) for pin in (SNS_CONFIRMATION, SMN_CONFIRMATION))
