"""Where a request comes from, and whether its sender delivers from there."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from flask import Request

from swrhook.errors import AddressNotAllowed
from swrhook.senders.sender import Sender

Networks = Sequence[IPv4Network | IPv6Network]
Address = IPv4Address | IPv6Address

# Some proxies write the port too, and an IPv6 address in brackets.
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::[0-9]{1,5})?|(?P<v4>[0-9.]+):[0-9]{1,5}")


def check_address(request: Request, sender: Sender, trusted: Networks) -> None:
    """Refuse a request from where the sender does not deliver. Raises AddressNotAllowed."""
    if not sender.allow_from:
        return
    client = client_address(request, trusted)
    if client is None:
        raise AddressNotAllowed("the client's address is not known")
    if not _is_in(client, sender.allow_from):
        raise AddressNotAllowed(f"{client} is not in the sender's allow_from")


def client_address(request: Request, trusted: Networks) -> Address | None:
    """Return who sent a request; None when that cannot be read."""
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
    return resolve_client(request.remote_addr or "", forwarded, trusted)


def peer_is_in(request: Request, networks: Networks) -> bool:
    """Tell whether who called this process itself, a proxy perhaps, is in one of the networks."""
    peer = _address(request.remote_addr or "")
    return peer is not None and _is_in(peer, networks)


def resolve_client(peer: str, forwarded: str, trusted: Networks) -> Address | None:
    """Return who sent a request: the nearest address that is no trusted proxy's.

    Each proxy adds, on the right of X-Forwarded-For, whom it was called by; what stands left of an
    address that is not trusted may be made up. None when the nearest cannot be read.
    """
    hops = [hop.strip() for hop in forwarded.split(",")] if forwarded else []
    client = _address(peer)
    while client is not None and hops and _is_in(client, trusted):
        client = _address(hops.pop())
    return client


def _address(text: str) -> Address | None:
    written = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((written["v6"] or written["v4"]) if written else text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_in(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)
