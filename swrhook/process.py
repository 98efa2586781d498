"""Starts and stops a process: web service, development server, worker."""

import gc
from collections.abc import Mapping
from signal import SIGINT, SIGTERM, signal
from threading import Event

from swrhook import logs
from swrhook.container import Container
from swrhook.service.gunicorn_workers import LEAVING
from swrhook.settings import Settings, check_worker
from swrhook.web.worker_endpoint import WorkerEndpoint


def start_service(environ: Mapping[str, str], master: int | None = None) -> Container:
    """Start the web service's process. Raises BadConfiguration and LedgerUnusable.

    `master`: the id of the gunicorn whose worker this process is.
    """
    container = Container(Settings.from_environ(environ), environ, master)
    container.start()
    _tune_garbage_collector()
    return container


def serve_development(environ: Mapping[str, str]) -> None:
    """Serve on SWRHOOK_BIND without gunicorn, for developers. Raises as `start_service`."""
    container = start_service(environ)
    host, _, port = container.settings.bind.rpartition(":")
    try:
        container.web.run(host.strip("[]"), int(port), threaded=True)
    finally:
        container.stop()


def run_worker(environ: Mapping[str, str]) -> None:
    """Run a worker, which takes no deliveries, until a signal. Raises as `start_service`."""
    settings = Settings.from_environ(environ)
    check_worker(settings)
    stopping = Event()
    for number in (SIGTERM, SIGINT):
        signal(number, lambda _number, _frame: stopping.set())
    container = Container(settings, environ)
    web, bind = container.web, settings.metrics_bind
    endpoint = WorkerEndpoint(web, bind) if bind else None
    container.start()
    logs.event("worker.started", workers=settings.workers)
    stopping.wait()
    web.extensions[LEAVING].set()
    container.stop()
    if endpoint is not None:
        endpoint.stop()
    logs.event("worker.stopped")


def _tune_garbage_collector() -> None:
    """Collect less often: requests leave hardly any cycles, and full collections cause delays."""
    gc.collect()
    gc.freeze()  # what exists now lives as long as the process: never look at it again
    gc.set_threshold(10_000, 20, 20)
    gc.enable()  # gunicorn_settings disabled it
