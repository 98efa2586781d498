"""The ways to send an answer badly, or not at all, over the client's own connection.

Each gets the socket and the bytes that a good server would send; the server closes the
connection behind it. What the client does meanwhile, be it to go away, ends it too.
"""

import os
import socket
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from swrhook.simulator.values import Connection, Fault

_END_OF_HEAD = b"\r\n\r\n"
# Close at once and without what is unsent, which TCP tells the other side as a reset.
_LINGER_NOT = struct.pack("ii", 1, 0)


def transmit(fault: Fault, client: socket.socket, content: bytes) -> None:
    """Send an answer in the way of a fault that has one."""
    if fault.connection is not None:
        with suppress(OSError):
            _WAYS[fault.connection](fault, client, content)


def _hang(fault: Fault, client: socket.socket, _content: bytes) -> None:
    # Returns as soon as the client gives up, for its side of the connection ends then.
    client.settimeout(fault.limit)
    client.recv(1)


def _reset(_fault: Fault, client: socket.socket, _content: bytes) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    os.close(client.detach())


def _reset_midway(fault: Fault, client: socket.socket, content: bytes) -> None:
    client.sendall(_beginning(content))
    _reset(fault, client, content)


def _cut_short(_fault: Fault, client: socket.socket, content: bytes) -> None:
    client.sendall(_beginning(content))


def _drip(fault: Fault, client: socket.socket, content: bytes) -> None:
    give_up = time.monotonic() + fault.limit
    for byte in content:
        client.sendall(bytes([byte]))
        time.sleep(fault.pause)
        if time.monotonic() > give_up:
            return


def _beginning(content: bytes) -> bytes:
    """Cut an answer in the middle of its body, or of its head if it has no body."""
    head = content.find(_END_OF_HEAD) + len(_END_OF_HEAD)
    body = len(content) - head
    return content[: head + body // 2] if body else content[: head // 2]


_WAYS: Mapping[Connection, Callable[[Fault, socket.socket, bytes], None]] = {
    "hang": _hang,
    "reset": _reset,
    "reset_midway": _reset_midway,
    "cut_short": _cut_short,
    "drip": _drip,
}
