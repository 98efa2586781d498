"""Effects of faults on a call: before it is carried out, on its answer, and on the connection.

A new effect on calls is a field of `Fault`, a row in docs/simulator.md, and code here. The effects
on jobs are in jobs.py and sync.py.
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

from swrhook.simulator import errors
from swrhook.simulator.accounts import Accounts
from swrhook.simulator.http_server import TRANSMIT
from swrhook.simulator.model import Connection, Fault, Settings

_END_OF_HEAD = b"\r\n\r\n"
# With a linger time of 0, closing discards unsent data and sends a TCP reset.
_NO_LINGER = struct.pack("ii", 1, 0)
_PROXY_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
    "<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A call, the faults that hit it, and what their effects need."""

    faults: Sequence[Fault]
    request_id: str
    settings: Settings
    accounts: Accounts
    environ: dict[str, Any]


def apply_settings(settings: Settings, faults: Sequence[Fault]) -> Settings:
    """Return the settings for a call with these faults, which may override some."""
    for fault in faults:
        overrides = {
            "error_shape": fault.error_shape,
            "accepted_body": fault.accepted_body,
            "unknown_organization": fault.unknown_organization,
        }
        settings = replace(settings, **{key: value for key, value in overrides.items() if value})  # type: ignore[arg-type]
    return settings


def before_call(hit: Hit) -> Response | None:
    """Apply faults before the call is carried out; with an answer it is not carried out."""
    for fault in hit.faults:
        if fault.token_kill:
            hit.accounts.revoke_tokens()
        if fault.account_lock:
            hit.accounts.lock()
        if fault.delay:
            time.sleep(fault.delay)
    for fault in hit.faults:
        if fault.answers and fault.effect == "none":
            return _answer(fault, hit)
    return None


def after_call(hit: Hit, response: Response) -> Response:
    """Apply faults to the answer of the call, whether it was carried out or not."""
    for fault in hit.faults:
        if fault.answers and fault.effect == "accepted":
            response = _answer(fault, hit)
        for name in fault.without_headers:
            response.headers.pop(name, None)
        if fault.connection is not None:
            hit.environ[TRANSMIT] = partial(transmit, fault)
    return response


def transmit(fault: Fault, client: socket.socket, content: bytes) -> None:
    """Send an answer as the fault's `connection` says."""
    if fault.connection is not None:
        with suppress(OSError):
            _TRANSMISSIONS[fault.connection](fault, client, content)


def _answer(fault: Fault, hit: Hit) -> Response:
    status, content_type, content = _content(fault, hit)
    headers = {"Content-Type": content_type} | dict(fault.headers)
    return Response(content, status=status, headers=headers)


def _content(fault: Fault, hit: Hit) -> tuple[int, str, str]:
    if fault.error is not None:
        refusal = errors.from_code(fault.error, fault.status)
        shape = hit.settings.error_shape
        body = errors.render(refusal, request_id=hit.request_id, swr_shape=shape)
        return refusal.status, "application/json", json.dumps(body)
    status = fault.status or HTTPStatus.OK
    # Text is sent unchanged: a proxy's HTML page, broken JSON, an empty body.
    if isinstance(fault.body, str):
        return status, "text/html", fault.body
    if fault.body is not None:
        return status, "application/json", json.dumps(fault.body)
    return status, "text/html", _proxy_page(status) if status >= HTTPStatus.BAD_REQUEST else ""


def _proxy_page(status: int) -> str:
    is_standard = status in set(HTTPStatus)
    title = f"{status} {HTTPStatus(status).phrase}" if is_standard else status
    return _PROXY_PAGE.format(title=title)


def _hang(fault: Fault, client: socket.socket, _content: bytes) -> None:
    # Returns as soon as the client gives up and closes its side of the connection.
    client.settimeout(fault.limit)
    client.recv(1)


def _reset(_fault: Fault, client: socket.socket, _content: bytes) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    os.close(client.detach())


def _reset_midway(fault: Fault, client: socket.socket, content: bytes) -> None:
    client.sendall(_first_half(content))
    _reset(fault, client, content)


def _cut_short(_fault: Fault, client: socket.socket, content: bytes) -> None:
    client.sendall(_first_half(content))


def _drip(fault: Fault, client: socket.socket, content: bytes) -> None:
    deadline = time.monotonic() + fault.limit
    for byte in content:
        client.sendall(bytes([byte]))
        time.sleep(fault.pause)
        if time.monotonic() > deadline:
            return


def _first_half(content: bytes) -> bytes:
    """Cut an answer in the middle of its body, or of its head if it has no body."""
    head = content.find(_END_OF_HEAD) + len(_END_OF_HEAD)
    body = len(content) - head
    return content[: head + body // 2] if body else content[: head // 2]


_TRANSMISSIONS: Mapping[Connection, Callable[[Fault, socket.socket, bytes], None]] = {
    "hang": _hang,
    "reset": _reset,
    "reset_midway": _reset_midway,
    "cut_short": _cut_short,
    "drip": _drip,
}
