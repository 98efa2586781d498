"""The address of a request's client behind trusted proxies, and the senders' allow_from."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from flask import Request

from swrhook.errors import AddressNotAllowed
from swrhook.senders.sender import Sender

Networks = Sequence[IPv4Network | IPv6Network]
Address = IPv4Address | IPv6Address

# Some proxies add the port, and write an IPv6 address in brackets.
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::[0-9]{1,5})?|(?P<v4>[0-9.]+):[0-9]{1,5}")


def check_address(client: Address | None, sender: Sender) -> None:
    """Raise AddressNotAllowed if the client is not in the sender's `allow_from`."""
    if not sender.allow_from:
        return
    if client is None:
        raise AddressNotAllowed("the client's address is not known")
    if not _is_in(client, sender.allow_from):
        raise AddressNotAllowed(f"{client} is not in the sender's allow_from")


def client_address(request: Request, trusted: Networks) -> Address | None:
    """Return the client's address, or None if it cannot be determined."""
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
    return resolve_client(request.remote_addr or "", forwarded, trusted)


def is_in(text: str, networks: Networks) -> bool:
    """Tell whether a text is an address in one of the networks."""
    address = _address(text)
    return address is not None and _is_in(address, networks)


def resolve_client(peer: str, forwarded: str, trusted: Networks) -> Address | None:
    """Return the nearest address that is not a trusted proxy's, or None if it is not an address.

    Every proxy appends the address of its peer to X-Forwarded-For. Anything to the left of an
    untrusted address may be forged.
    """
    hops = [hop.strip() for hop in forwarded.split(",")] if forwarded else []
    client = _address(peer)
    while client is not None and hops and _is_in(client, trusted):
        client = _address(hops.pop())
    return client


def _address(text: str) -> Address | None:
    with_port = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((with_port["v6"] or with_port["v4"]) if with_port else text)
    except ValueError:
        return None
    # A dual-stack socket shows an IPv4 peer as ::ffff:192.0.2.1; networks are written as IPv4.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_in(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)
