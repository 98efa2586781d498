"""gunicorn's settings, read from the working folder: `gunicorn wsgi:app` needs nothing else."""

import os
import sys
from typing import Any

from swrhook.errors import BadConfiguration
from swrhook.settings import Settings

try:
    settings = Settings.from_environ(os.environ)
except BadConfiguration as exc:
    sys.exit(f"swrhook cannot start:\n{exc}")

bind = [settings.bind]
# SQLite means one process with threads; several processes mean PostgreSQL.
workers = 1
worker_class = "swrhook.server.PatientWorker"  # gthread, with an end to patience
threads = 32
# A new worker waits in its start until the one before it has let go of the ledger.
timeout = 120
# Longer than the longest call of SWR, so that what is in flight is finished and settled.
graceful_timeout = 75
keepalive = 75
# It would open a socket in the user's home folder.
control_socket_disable = True


def worker_exit(_server: Any, _worker: Any) -> None:  # noqa: ANN401  # gunicorn's own types
    """Finish what is in flight when gunicorn ends its worker."""
    wsgi = sys.modules.get("wsgi")
    if wsgi is not None and hasattr(wsgi, "service"):
        wsgi.service.stop()
