"""Effects of faults on a call: before it is carried out, on its answer, and on the connection.

A new effect on calls is a field of `Fault`, a row in docs/simulator.md, and code here. The effects
on jobs are in jobs.py and sync.py.
"""

import json
import os
import socket
import struct
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any

from werkzeug import Response

from swrhook.simulator import errors
from swrhook.simulator.accounts import Accounts
from swrhook.simulator.http_server import TRANSMIT
from swrhook.simulator.model import Fault, Settings

# The settings that a fault may override for a call.
_OVERRIDES = ("error_shape", "accepted_body", "unknown_organization")
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
        overrides = {name: value for name in _OVERRIDES if (value := getattr(fault, name))}
        settings = replace(settings, **overrides)
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
        if fault.without_members and response.mimetype == "application/json":
            response.data = json.dumps(_without(json.loads(response.data), fault.without_members))
        if fault.connection is not None:
            hit.environ[TRANSMIT].append(partial(transmit, fault))
    return response


def transmit(fault: Fault, client: socket.socket, content: bytes) -> None:
    """Send an answer as the fault's `connection` says."""
    with suppress(OSError):
        match fault.connection:
            case "hang":
                # Returns as soon as the client gives up and closes its side of the connection.
                client.settimeout(fault.limit)
                client.recv(1)
            case "reset":
                _reset(client)
            case "reset_midway":
                client.sendall(_first_half(content))
                _reset(client)
            case "cut_short":
                client.sendall(_first_half(content))
            case "drip":
                _drip(fault, client, content)


def _answer(fault: Fault, hit: Hit) -> Response:
    status, body = fault.status or HTTPStatus.OK, fault.body
    if fault.error is not None:
        refusal = errors.from_code(fault.error, fault.status)
        status, shape = refusal.status, hit.settings.error_shape
        body = errors.render(refusal, request_id=hit.request_id, swr_shape=shape)
    elif body is None:
        body = _proxy_page(status) if status >= HTTPStatus.BAD_REQUEST else ""
    # Text is sent unchanged: a proxy's HTML page, broken JSON, an empty body.
    content_type = "text/html" if isinstance(body, str) else "application/json"
    content = body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": content_type} | dict(fault.headers)
    return Response(content, status=status, headers=headers)


def _without(content: Any, names: Collection[str]) -> Any:  # noqa: ANN401 - any JSON
    """Return an object, or a list of objects, without these members."""
    if isinstance(content, list):
        return [_without(item, names) for item in content]
    if not isinstance(content, dict):
        return content
    return {name: value for name, value in content.items() if name not in names}


def _proxy_page(status: int) -> str:
    title = f"{status} {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else status
    return _PROXY_PAGE.format(title=title)


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    os.close(client.detach())


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
