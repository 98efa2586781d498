"""What a text must be to serve as a name, an endpoint, a header, a token: one function each.

Each returns nothing, or raises ValidationError with words that follow the key's path.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from marshmallow import ValidationError

from swrhook.auth.standard_webhooks import signing_key
from swrhook.config.diagnostics import quote
from swrhook.dialects import mapping
from swrhook.rules import VARIABLES, unknown_variables
from swrhook.senders.delivery import KEPT_HEADERS
from swrhook.swr_names import is_namespace

SHORTEST_TOKEN = 16
LONGEST_LABEL = 100

_SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
# A region's name becomes a part of its endpoint's host name.
_REGION_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ORGANIZATION = "use 1 to 64 of a-z and 0-9, with «.», «_», «__» or «-» between, the first a letter"
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]+")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")
_TOPIC_URN = re.compile(r"urn:smn:[a-z0-9-]+:[0-9a-z]+:[A-Za-z0-9_-]{1,255}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")


def sender_name(text: str) -> None:
    """Check the name of a sender, which becomes a part of its URL."""
    if _SOURCE_NAME.fullmatch(text) is None:
        message = "1 to 63 of a-z, 0-9, «.», «_» and «-», the first a letter or digit"
        raise ValidationError(f"{quote(text)} cannot name a sender: use {message}")


def region_name(text: str) -> None:
    """Check the name of a region."""
    if _REGION_NAME.fullmatch(text) is None:
        message = "a-z, 0-9 and «-», like cn-north-4"
        raise ValidationError(f"{quote(text)} cannot name a region: use {message}")


def label(text: str) -> None:
    """Check a name that is only shown: of a rule, a token, an IAM user."""
    if len(text) > LONGEST_LABEL or not text.isprintable():
        raise ValidationError(f"must be at most {LONGEST_LABEL} printable characters, on one line")


def organization(text: str) -> None:
    """Check the name of an organization in SWR."""
    if not is_namespace(text):
        raise ValidationError(f"SWR allows no organization named {quote(text)}: {_ORGANIZATION}")


def organization_template(text: str) -> None:
    """Check the name of a target organization, which may hold variables."""
    if unknown_variables(text):
        names = " and ".join(f"{{{name}}}" for name in VARIABLES)
        raise ValidationError(f"{quote(text)} holds an unknown variable: known are {names}")
    example = text
    for name in VARIABLES:
        example = example.replace(f"{{{name}}}", "a")
    # What a variable stands for is known at each push; the rest can be judged now.
    if not is_namespace(example):
        raise ValidationError(f"SWR allows no organization named {quote(text)}: {_ORGANIZATION}")


def token(text: str) -> None:
    """Check a bearer token for the API."""
    if len(text) < SHORTEST_TOKEN:
        raise ValidationError(
            f"is shorter than {SHORTEST_TOKEN} characters: make one with «openssl rand -hex 24»"
        )
    header_value(text)


def header_value(text: str) -> None:
    """Check a secret that is sent in a header of its own."""
    if _VISIBLE.fullmatch(text) is None:
        raise ValidationError("must be visible ASCII characters, no spaces: it is sent in a header")


def path_secret(text: str) -> None:
    """Check a secret that is a part of a URL."""
    if _UNRESERVED.fullmatch(text) is None:
        raise ValidationError("must be of A-Z, a-z, 0-9 and . _ ~ -: it is a part of a URL")


def signing_secret(text: str) -> None:
    """Check a secret of Standard Webhooks: base64, mostly with a prefix."""
    # A character of another kind is no base64 either.
    if not signing_key(text.encode("utf-8", "surrogatepass")):
        raise ValidationError("must be base64, mostly behind «whsec_», as the sender shows it")


def gitlab_secret(text: str) -> None:
    """Check a secret of GitLab's: a token, or a key for signatures."""
    if text.startswith("whsec_"):
        signing_secret(text)


def topic_arn(text: str) -> None:
    """Check the name of a topic of Amazon SNS."""
    if _TOPIC_ARN.fullmatch(text) is None:
        message = "is no topic of SNS: write arn:aws:sns:REGION:ACCOUNT:NAME"
        raise ValidationError(f"{quote(text)} {message}")


def topic_urn(text: str) -> None:
    """Check the name of a topic of SMN."""
    if _TOPIC_URN.fullmatch(text) is None:
        message = "is no topic of SMN: write urn:smn:REGION:PROJECT:NAME"
        raise ValidationError(f"{quote(text)} {message}")


def claim(text: str) -> None:
    """Check a claim's name, or what one must say."""
    if not text.isprintable():
        raise ValidationError("must be printable characters, on one line")


def issuer(text: str) -> None:
    """Check the issuer of tokens: an https address that begins those of its keys."""
    url = _split(text)
    is_plain = "?" not in text and "#" not in text
    if url is None or url.scheme != "https" or not _HOST.fullmatch(_host(url)) or not is_plain:
        # Not quoted: an address with a password in it would end up here.
        raise ValidationError("must be an address like https://host or https://host/path")


def user_name(text: str) -> None:
    """Check a user name for HTTP's basic authentication."""
    label(text)
    if ":" in text:
        raise ValidationError("must hold no «:»: basic authentication ends the name with it")


def header_name(text: str) -> None:
    """Check the name of an HTTP header."""
    if _HEADER.fullmatch(text) is None:
        raise ValidationError(f"{quote(text)} cannot name an HTTP header")
    if text.lower() in KEPT_HEADERS:
        message = f"{quote(text)} is kept with each delivery, where no secret may be: name another"
        raise ValidationError(message)


def some_network(network: IPv4Network | IPv6Network) -> None:
    """Check a network of proxies: not everybody can be trusted with senders' addresses."""
    if network.prefixlen == 0:
        message = "would let everybody claim any address: name the networks of your proxies"
        raise ValidationError(message)


def expression(text: str) -> None:
    """Check an expression in JMESPath; it is not shown, for it may come from the environment."""
    try:
        mapping.compile_expression(text)
    except ValueError as exc:
        raise ValidationError(str(exc)) from None


def endpoint(text: str) -> None:
    """Check the address of an HTTP API: a scheme, a host, perhaps a port, nothing else."""
    url = _split(text)
    if url is None or url.scheme not in {"http", "https"} or not _HOST.fullmatch(_host(url)):
        # Not quoted: an address with a password in it would end up here.
        raise ValidationError("must be an address like https://host or https://host:port")
    if url.path not in {"", "/"} or url.query or url.fragment or "?" in text or "#" in text:
        raise ValidationError("must be only https://host or https://host:port, nothing behind it")
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        raise ValidationError("must begin with https://: plain http would show credentials to all")


def _split(text: str) -> SplitResult | None:
    """Take an address apart; None when that is impossible, or when it names a user."""
    try:
        url = urlsplit(text)
        # `urlsplit` drops white space and reads the port only when asked.
        sound = text.isprintable() and " " not in text and url.port != 0 and "@" not in text
    except ValueError:
        return None
    return url if sound else None


def _host(url: SplitResult) -> str:
    host, _, port = url.netloc.rpartition(":")
    return host if host and port.isdigit() else url.netloc


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
