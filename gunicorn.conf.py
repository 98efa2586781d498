"""gunicorn's settings, read from the working folder: `gunicorn wsgi:app` needs nothing else."""

import os
from typing import Any

from swrhook.settings import Settings

settings = Settings.from_environ(os.environ)

bind = [settings.bind]
# SQLite means one process with threads; several processes mean PostgreSQL.
workers = 1
worker_class = "gthread"
threads = 32
# A worker starts only when its predecessor has let go of the ledger.
timeout = 120
# Longer than the longest call of SWR, so that what is in flight is finished and settled.
graceful_timeout = 75
keepalive = 75
# It would open a socket in the home folder of the user.
control_socket_disable = True


def worker_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401  # gunicorn's own types
    """Finish what is in flight when gunicorn ends its worker."""
    import sys

    wsgi = sys.modules.get("wsgi")
    if wsgi is not None:
        wsgi.service.stop()
