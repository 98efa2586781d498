"""Schemes in which a header holds the HMAC of the body."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hmac import digest

from swrhook.auth import shared_secret
from swrhook.auth.ports import Authenticate
from swrhook.auth.secrets import Secret, require_match, valid_values
from swrhook.senders.delivery import Delivery

ALGORITHMS = ("sha1", "sha256", "sha512")
ENCODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "base64": b64encode,
    "hex": lambda signature: signature.hex().encode(),
}


def hmac(
    header: str,
    secrets: Sequence[Secret],
    algorithm: str = "sha256",
    encoding: str = "hex",
    prefix: str = "",
) -> Authenticate:
    """Accept a header that holds the prefix and the HMAC of the raw body with a secret.

    `algorithm` is one of ALGORITHMS, `encoding` one of ENCODINGS. Raises ValueError otherwise.
    """
    if algorithm not in ALGORITHMS or encoding not in ENCODINGS:
        raise ValueError(f"no such signature: {algorithm} in {encoding}")
    name = header.lower()
    encode = ENCODINGS[encoding]

    def authenticate(delivery: Delivery, now: datetime) -> None:
        value = delivery.header(name)
        signature = value.removeprefix(prefix) if value.startswith(prefix) else ""
        if encoding == "hex":  # some senders write it in upper case
            signature = signature.lower()
        expected = [
            encode(digest(key, delivery.body, algorithm)) for key in valid_values(secrets, now)
        ]
        require_match([signature], expected, f"the signature in {header}")

    return authenticate


def github(secrets: Sequence[Secret]) -> Authenticate:
    """Accept GitHub's signature in `X-Hub-Signature-256`."""
    return hmac("X-Hub-Signature-256", secrets, prefix="sha256=")


def nexus(secrets: Sequence[Secret]) -> Authenticate:
    """Accept Sonatype Nexus' signature in `X-Nexus-Webhook-Signature`."""
    return hmac("X-Nexus-Webhook-Signature", secrets, algorithm="sha1")


def jfrog(secrets: Sequence[Secret], *, signed: bool = False) -> Authenticate:
    """Accept `X-JFrog-Event-Auth`: the secret itself or, if JFrog is set to sign, a signature."""
    name = "X-JFrog-Event-Auth"
    return hmac(name, secrets) if signed else shared_secret.header(name, secrets)
