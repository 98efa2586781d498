"""Bounds how long the answer to a request may take as a whole: its header and its body.

The timeouts of requests are for each read from the connection, so that a server which sends a byte
now and then would hold a thread for ever.
"""

import http.client
import io
import math
import socket
from collections.abc import Mapping
from time import monotonic
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool


class DeadlineAdapter(HTTPAdapter):
    """An adapter of requests with a time limit for each answer, in seconds.

    An answer that takes longer is a timeout, like one that stops midway.
    """

    def __init__(self, seconds: float, **options: Any) -> None:  # noqa: ANN401  # HTTPAdapter's
        self._pools = _pools(seconds)
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  # HTTPAdapter's
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401  # HTTPAdapter's
        """Return the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


class _Reader(io.RawIOBase):
    """Reads a socket until a deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, seconds: float) -> None:
        self._raw = raw
        self._socket = sock
        self._timeout = sock.gettimeout() or math.inf
        self._deadline = monotonic() + seconds

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401  # any buffer
        """Read what is there. Raises TimeoutError."""
        remaining = self._deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError("the answer takes too long")
        self._socket.settimeout(min(remaining, self._timeout))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Release the socket."""
        self._raw.close()
        super().close()


def _pools(seconds: float) -> Mapping[str, Any]:
    """Return urllib3's classes of pools, whose connections read their answers by a _Reader."""

    class Answer(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:  # noqa: ANN401
            super().__init__(sock, *args, **options)
            self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock, seconds))

    def pool(base: Any) -> Any:  # noqa: ANN401  # a class of urllib3
        connection = type("Connection", (base.ConnectionCls,), {"response_class": Answer})
        return type("Pool", (base,), {"ConnectionCls": connection})

    return {"http": pool(HTTPConnectionPool), "https": pool(HTTPSConnectionPool)}
