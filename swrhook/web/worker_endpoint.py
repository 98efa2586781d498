"""The HTTP endpoint of a worker process: health and metrics, nothing else."""

from collections.abc import Iterable
from threading import Thread
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from swrhook.errors import BadConfiguration, Mistake

SHOWN = ("/healthz", "/readyz", "/metrics")


class _Quiet(WSGIRequestHandler):
    timeout = 10  # ends a connection that sends nothing

    def log_request(self, *_args: object) -> None:
        """Log nothing: there is a request for every scrape."""


def restrict_paths(web: Flask) -> WSGIApplication:
    """Return the application limited to the paths in SHOWN."""

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in SHOWN:
            return web(environ, start)
        return NotFound()(environ, start)

    return application


def serve_worker_endpoint(web: Flask, bind: str) -> BaseWSGIServer:
    """Serve `bind` (HOST:PORT) in a thread, until the server's `shutdown`.

    Raises BadConfiguration if it cannot listen there.
    """
    host, _, port = bind.rpartition(":")
    try:
        server = make_server(
            host.strip("[]"), int(port), restrict_paths(web), threaded=True, request_handler=_Quiet
        )
    except (OSError, SystemExit) as exc:
        message = f"cannot listen on SWRHOOK_METRICS_BIND {bind}: is another process using it?"
        raise BadConfiguration([Mistake("environment", 0, 0, message)]) from exc
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
