"""What faults do to a call: before it is carried out, and to its answer.

A new kind of fault is a field of `Fault` with its line in `FaultSchema` and in docs/simulator.md,
and a function here: in `BEFORE`, whose functions see the call before authentication, or in
`finish`. What happens to bytes on their way to the client is in transmission.py, what happens to
a tag in jobs.py and sync.py.
"""

import json
import os
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any

from werkzeug import Response

from swrhook.simulator import error_codes, errors
from swrhook.simulator.accounts import Accounts
from swrhook.simulator.http_server import TRANSMIT
from swrhook.simulator.model import Connection, Fault, Settings

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


_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
    "<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A call, the faults that strike it, and what their effects may need."""

    faults: Sequence[Fault]
    request_id: str
    settings: Settings
    accounts: Accounts
    environ: dict[str, Any]


def settings(base: Settings, faults: Sequence[Fault]) -> Settings:
    """Give the settings under which a call is answered that these faults strike."""
    for fault in faults:
        choices = {
            "error_shape": fault.error_shape,
            "accepted_body": fault.accepted_body,
            "unknown_organization": fault.unknown_organization,
        }
        base = replace(base, **{key: choice for key, choice in choices.items() if choice})  # type: ignore[arg-type]
    return base


def begin(hit: Hit) -> Response | None:
    """Let faults do their work on a call; an answer means that it is not carried out."""
    for fault in hit.faults:
        for effect in BEFORE:
            effect(fault, hit)
    for fault in hit.faults:
        if fault.answers and fault.effect == "none":
            return _answer(fault, hit)
    return None


def finish(hit: Hit, response: Response) -> Response:
    """Let faults do their work on the answer of a call, carried out or not."""
    for fault in hit.faults:
        if fault.answers and fault.effect == "accepted":
            response = _answer(fault, hit)
        for name in fault.without_headers:
            response.headers.pop(name, None)
        if fault.connection is not None:
            hit.environ[TRANSMIT] = partial(transmit, fault)
    return response


def _kill_tokens(fault: Fault, hit: Hit) -> None:
    if fault.token_kill:
        hit.accounts.kill_tokens()


def _lock_accounts(fault: Fault, hit: Hit) -> None:
    if fault.account_lock:
        hit.accounts.lock()


def _wait(fault: Fault, _hit: Hit) -> None:
    if fault.delay:
        time.sleep(fault.delay)


BEFORE: tuple[Callable[[Fault, Hit], None], ...] = (_kill_tokens, _lock_accounts, _wait)


def _answer(fault: Fault, hit: Hit) -> Response:
    status, content_type, content = _content(fault, hit)
    headers = {"Content-Type": content_type} | dict(fault.headers)
    return Response(content, status=status, headers=headers)


def _content(fault: Fault, hit: Hit) -> tuple[int, str, str]:
    if fault.error is not None:
        refusal = error_codes.refusal(fault.error, fault.status)
        shape = hit.settings.error_shape
        body = errors.render(refusal, request_id=hit.request_id, swr_shape=shape)
        return refusal.status, "application/json", json.dumps(body)
    status = fault.status or HTTPStatus.OK
    # Text is sent as it is: a proxy's HTML page, broken JSON, nothing at all.
    if isinstance(fault.body, str):
        return status, "text/html", fault.body
    if fault.body is not None:
        return status, "application/json", json.dumps(fault.body)
    return status, "text/html", _page(status) if status >= HTTPStatus.BAD_REQUEST else ""


def _page(status: int) -> str:
    known = status in set(HTTPStatus)
    return _PAGE.format(title=f"{status} {HTTPStatus(status).phrase}" if known else status)
