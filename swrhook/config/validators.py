"""Check texts: names, endpoints, headers, tokens, expressions. One function for each kind.

Each raises ValidationError with a message that continues the path of the key.
"""

import re
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from marshmallow import ValidationError

from swrhook.auth.standard_webhooks import signing_key
from swrhook.config.diagnostics import quote
from swrhook.dialects import mapping
from swrhook.rules.match import VARIABLES, unknown_variables
from swrhook.senders.delivery import KEPT_HEADERS
from swrhook.swr_names import is_namespace

MAX_LABEL_LENGTH = 100
MIN_WEBHOOK_KEY = 24

_HASH_PREFIX = "sha256:"
_TOKEN_HASH = re.compile(rf"{_HASH_PREFIX}[0-9A-Fa-f]{{64}}")
_NOTHING = sha256(b"").digest()
_SENDER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
# A region's name becomes a part of its endpoint's host name.
_REGION_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ORGANIZATION = (
    "use 1 to 64 characters of a-z and 0-9, the first a letter, "
    'with ".", "_", "__" or "-" between them'
)
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_NAME_PATTERN = re.compile(r"[a-z0-9._*?-]{1,64}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]+")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_APPRISE_URL = re.compile(r"[a-z][a-z0-9]{0,31}://[\x21-\x7e]+")
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")
_TOPIC_URN = re.compile(r"urn:smn:[a-z0-9-]+:[0-9a-z]+:[A-Za-z0-9_-]{1,255}")
_REGISTRY_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")


def _check(pattern: re.Pattern[str], text: str, message: str) -> None:
    if pattern.fullmatch(text) is None:
        raise ValidationError(f"{quote(text)} {message}")


def sender_name(text: str) -> None:
    """Check the name of a sender, which becomes a part of its URL."""
    rule = 'use 1 to 63 of a-z, 0-9, ".", "_" and "-", the first a letter or digit'
    _check(_SENDER_NAME, text, f"cannot name a sender: {rule}")


def channel_name(text: str) -> None:
    """Check the name of a channel for notifications."""
    rule = 'use 1 to 63 of a-z, 0-9, ".", "_" and "-", the first a letter or digit'
    _check(_SENDER_NAME, text, f"cannot name a channel: {rule}")


def apprise_url(text: str) -> None:
    """Check that a text has the form of an Apprise URL. It is not shown, as it holds secrets."""
    if _APPRISE_URL.fullmatch(text) is None:
        raise ValidationError(
            "must be a URL of Apprise like feishu://TOKEN or mailto://USER:PASSWORD@HOST"
        )


def webhook_url(text: str) -> None:
    """Check the URL of a webhook. It is not shown, as it may hold a secret."""
    url = split_url(text)
    if url is None or url.scheme not in {"http", "https"} or not _HOST.fullmatch(_host(url)):
        raise ValidationError("must be a URL like https://host/path, without a user or password")
    if url.fragment or (url.scheme == "http" and not is_local(url.hostname or "")):
        raise ValidationError("must begin with https://, except for this machine, and have no #")


def webhook_secret(text: str) -> None:
    """Check the secret that signs what a webhook is sent."""
    # The shortest that Standard Webhooks allows.
    if len(signing_key(text.encode("utf-8", "surrogatepass"))) < MIN_WEBHOOK_KEY:
        raise ValidationError(
            f"must be base64 of at least {MIN_WEBHOOK_KEY} bytes, usually after whsec_: "
            'make one with "openssl rand -base64 32"'
        )


def dashboard_url(text: str) -> None:
    """Check the address at which people open the dashboard."""
    url = split_url(text)
    is_address = url is not None and url.scheme in {"http", "https"}
    if url is None or not is_address or not _HOST.fullmatch(_host(url)):
        raise ValidationError("must be an address like https://swrhook.example.com")
    if url.query or url.fragment or "?" in text or "#" in text:
        raise ValidationError("must have no query and no #: pages are appended to it")


def region_name(text: str) -> None:
    """Check the name of a region."""
    _check(_REGION_NAME, text, 'cannot name a region: use a-z, 0-9 and "-", like cn-north-4')


def label(text: str) -> None:
    """Check a name that is only displayed: of a rule, a token, an IAM user."""
    if len(text) > MAX_LABEL_LENGTH or not text.isprintable():
        raise ValidationError(
            f"must be at most {MAX_LABEL_LENGTH} printable characters, on one line"
        )


def organization(text: str, template: str | None = None) -> None:
    """Check the name of an organization in SWR, or an example of what a template stands for."""
    if not is_namespace(text):
        shown = quote(template or text)
        raise ValidationError(f"SWR allows no organization named {shown}: {_ORGANIZATION}")


def registry_host(text: str) -> None:
    """Check the host of a registry, with its port if it has one, as in the name of an image."""
    rule = "write it as in the names of images, like swr.cn-east-3.myhuaweicloud.com"
    _check(_REGISTRY_HOST, text, f"is not the host of a registry: {rule}")


def organization_pattern(text: str) -> None:
    """Check a glob for names of organizations in SWR."""
    rule = 'use the characters of such a name, "*" for any text and "?" for any character'
    _check(_NAME_PATTERN, text, f"matches no name of an organization: {rule}")


def organization_template(text: str) -> None:
    """Check the name of a target organization, which may contain variables."""
    if unknown_variables(text):
        names = " and ".join(f"{{{name}}}" for name in VARIABLES)
        raise ValidationError(f"{quote(text)} contains an unknown variable: known are {names}")
    example = text
    for name in VARIABLES:
        example = example.replace(f"{{{name}}}", "a")
    # The values of variables are known only with a push. The rest can be checked now.
    organization(example, text)


def token(text: str) -> None:
    """Check a bearer token for the API, or its hash."""
    if text.startswith(_HASH_PREFIX) and not is_token_hash(text):
        raise ValidationError(
            f'must have 64 hex digits after "{_HASH_PREFIX}", as from "printf %s TOKEN | sha256sum"'
        )
    if token_digest(text) == _NOTHING:
        raise ValidationError("is the hash of nothing: was the token's variable empty?")
    header_value(text)


def is_token_hash(text: str) -> bool:
    """Tell whether this is the hash of a token, and not a token."""
    return _TOKEN_HASH.fullmatch(text) is not None


def token_digest(text: str) -> bytes:
    """Return the SHA-256 of a token, which is written out or as its hash."""
    if is_token_hash(text):
        return bytes.fromhex(text.removeprefix(_HASH_PREFIX))
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def header_value(text: str) -> None:
    """Check a secret that is sent in a header of its own."""
    if _VISIBLE.fullmatch(text) is None:
        raise ValidationError("must be visible ASCII characters, no spaces: it is sent in a header")


def path_secret(text: str) -> None:
    """Check a secret that is a part of a URL."""
    if _UNRESERVED.fullmatch(text) is None:
        raise ValidationError("must consist of A-Z, a-z, 0-9 and . _ ~ -: it is a part of a URL")


def signing_secret(text: str) -> None:
    """Check a secret of Standard Webhooks: base64, usually with the prefix `whsec_`."""
    # A surrogate cannot be encoded otherwise. It is not base64 either.
    if not signing_key(text.encode("utf-8", "surrogatepass")):
        raise ValidationError('must be base64, usually after "whsec_", as the sender displays it')


def gitlab_secret(text: str) -> None:
    """Check a secret of GitLab: a token, or a key for signatures."""
    if text.startswith("whsec_"):
        signing_secret(text)


def topic_arn(text: str) -> None:
    """Check the name of a topic of Amazon SNS."""
    _check(_TOPIC_ARN, text, "is not a topic of SNS: write arn:aws:sns:REGION:ACCOUNT:NAME")


def topic_urn(text: str) -> None:
    """Check the name of a topic of SMN."""
    _check(_TOPIC_URN, text, "is not a topic of SMN: write urn:smn:REGION:PROJECT:NAME")


def claim(text: str) -> None:
    """Check the name of a claim, or its expected value."""
    if not text.isprintable():
        raise ValidationError("must be printable characters, on one line")


def issuer(text: str) -> None:
    """Check the issuer of tokens: an https URL to which the path of its keys is appended."""
    url = split_url(text)
    is_plain = not {"?", "#", "@"} & set(text)
    if url is None or url.scheme != "https" or not _HOST.fullmatch(_host(url)) or not is_plain:
        # The value is not quoted: it may be a URL with a password.
        raise ValidationError("must be an address like https://host or https://host/path")


def user_name(text: str) -> None:
    """Check a user name for HTTP's basic authentication."""
    label(text)
    if ":" in text:
        raise ValidationError('must not contain ":": basic authentication ends the name with it')


def header_name(text: str) -> None:
    """Check the name of an HTTP header."""
    _check(_HEADER, text, "cannot name an HTTP header")
    if "_" in text:
        raise ValidationError(
            f'{quote(text)} never arrives: gunicorn drops headers with "_" in their name, and so do'
            ' proxies; use one with "-"'
        )
    if text.lower() in KEPT_HEADERS:
        raise ValidationError(
            f"{quote(text)} is stored with each delivery, so it cannot carry a secret: use another"
        )


def some_network(network: IPv4Network | IPv6Network) -> None:
    """Check a network of trusted proxies: it must not be the whole Internet."""
    if network.prefixlen == 0:
        message = "would let everybody claim any address: list the networks of your proxies"
        raise ValidationError(message)


def expression(text: str) -> None:
    """Check an expression in JMESPath. It is not shown, as it may come from the environment."""
    try:
        mapping.compile_expression(text)
    except ValueError as exc:
        raise ValidationError(str(exc)) from None


def endpoint(text: str) -> None:
    """Check the base URL of an HTTP API: a scheme, a host, perhaps a port, nothing else."""
    url = split_url(text)
    if url is None or url.scheme not in {"http", "https"} or not _HOST.fullmatch(_host(url)):
        # The value is not quoted: it may be a URL with a password.
        raise ValidationError("must be an address like https://host or https://host:port")
    if url.path not in {"", "/"} or url.query or url.fragment or "?" in text or "#" in text:
        raise ValidationError(
            "must be only https://host or https://host:port, without a path or query"
        )
    if url.scheme == "http" and not is_local(url.hostname or ""):
        raise ValidationError(
            "must begin with https://: plain http would send credentials unencrypted"
        )


def split_url(text: str) -> SplitResult | None:
    """Split a URL into its parts. Returns None for an invalid one, and for one with a user."""
    try:
        url = urlsplit(text)
        # `urlsplit` drops white space, and checks the port only on access.
        is_valid = text.isprintable() and " " not in text and url.port != 0
    except ValueError:
        return None
    return url if is_valid and "@" not in url.netloc else None


def _host(url: SplitResult) -> str:
    host, _, port = url.netloc.rpartition(":")
    return host if host and port.isdigit() else url.netloc


def is_local(host: str, *, may_be_private: bool = False) -> bool:
    """Return whether a host is this machine or, if that is allowed, in a private network."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_private if may_be_private else address.is_loopback
