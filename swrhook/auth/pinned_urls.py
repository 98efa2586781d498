"""The addresses that a message of SNS or SMN may name: all else that it names is refused.

The path of a certificate is pinned as well as its host: other paths of these hosts answer with
what anybody may have written there.
"""

import re

_SNS = r"https://sns\.[a-z0-9-]{3,40}\.amazonaws\.com(?:\.cn)?"
_SMN = r"https://smn\.[a-z0-9-]{3,40}\.(?:myhuaweicloud\.(?:com|eu)|otc\.t-systems\.com)"
# SMN sends certificates from its API, and confirms at the console: `sa-brazil-1-console`, too.
_CONSOLE = (
    r"https://(?:[a-z0-9-]{1,40}-)?console\.(?:(?:eu\.)?huaweicloud\.com|otc\.t-systems\.com)"
)

SNS_CERTIFICATE = re.compile(_SNS + r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")
SMN_CERTIFICATE = re.compile(_SMN + r"/smn/SMN_[A-Za-z0-9_-]{1,128}\.pem")
SNS_CONFIRMATION = re.compile(_SNS + r"/\?Action=ConfirmSubscription&[!-~]{1,2000}")
SMN_CONFIRMATION = re.compile(rf"(?:{_SMN}|{_CONSOLE})/smn/subscriptions?/confirm\?[!-~]{{1,2000}}")


def is_certificate_url(url: str) -> bool:
    """Tell whether a sender keeps a certificate at this address."""
    return any(pin.fullmatch(url) for pin in (SNS_CERTIFICATE, SMN_CERTIFICATE))


def is_confirmation_url(url: str) -> bool:
    """Tell whether visiting this address confirms a subscription."""
    return any(pin.fullmatch(url) for pin in (SNS_CONFIRMATION, SMN_CONFIRMATION))
