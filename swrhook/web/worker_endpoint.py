"""The HTTP endpoint of a worker process: health and metrics, nothing else.

waitress reads requests in one thread for all connections, so that slow clients occupy none of the
threads that answer. When there are too many connections, the oldest makes room for a new one:
waitress itself would accept none until one of them ends.
"""

import socket
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from threading import Thread
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel

from swrhook.errors import BadConfiguration, Mistake
from swrhook.web.problems import problem

SHOWN = ("/healthz", "/readyz", "/metrics")
MAX_CONNECTIONS = 64
_THREADS = 2
# Seconds without a byte, after which a connection is closed.
_IDLE_TIMEOUT = 10
# Bytes: none of these requests has a body.
_MAX_HEADER, _MAX_BODY = 16 * 1024, 1024


def restrict_paths(web: Flask) -> WSGIApplication:
    """Return the application limited to the paths in SHOWN."""

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in SHOWN:
            return web(environ, start)
        detail = "a worker process serves only its health and metrics"
        return problem(HTTPStatus.NOT_FOUND, detail)(environ, start)

    return application


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection. The oldest one without a whole request ends when there are too many."""

    def __init__(self, server: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # waitress's
        others = server.active_channels.values()  # the oldest first
        if len(others) >= MAX_CONNECTIONS:
            next(
                (other for other in others if not other.requests), next(iter(others))
            ).handle_close()
        super().__init__(server, *args, **kwargs)


class WorkerEndpoint:
    """Serves `bind` (HOST:PORT) in a thread, until `stop`.

    Raises BadConfiguration if it cannot listen there.
    """

    def __init__(self, web: Flask, bind: str) -> None:
        listener = _listen(bind)
        self.port: int = listener.getsockname()[1]
        self._open: dict[int, Any] = {}  # waitress's connections
        self._server = create_server(
            restrict_paths(web),
            map=self._open,
            sockets=[listener],
            threads=_THREADS,
            connection_limit=2 * MAX_CONNECTIONS,  # never reached: see _Channel
            channel_timeout=_IDLE_TIMEOUT,
            cleanup_interval=_IDLE_TIMEOUT,
            max_request_header_size=_MAX_HEADER,
            max_request_body_size=_MAX_BODY,
            clear_untrusted_proxy_headers=False,  # the application trusts its own list of proxies
            asyncore_use_poll=True,
            ident=None,
        )
        self._server.channel_class = _Channel
        self._thread = Thread(target=self._server.run, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close all connections."""
        # In the thread that reads them. An answer may wake it first: then there is nothing to wake.
        with suppress(OSError):
            self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._open))
        self._thread.join()
        self._server.task_dispatcher.shutdown()


def _listen(bind: str) -> socket.socket:
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family)
    except OSError as exc:
        message = f"cannot listen on SWRHOOK_METRICS_BIND {bind}: is another process using it?"
        raise BadConfiguration([Mistake("environment", 0, 0, message)]) from exc
