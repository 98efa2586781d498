"""gunicorn's entry: `gunicorn wsgi:app` reads the environment and starts the service."""

import sys

from app import start_service
from swrhook.errors import SwrhookError

# gunicorn's WORKER_BOOT_ERROR: its master stops, instead of starting the worker again for ever.
_CANNOT_BOOT = 3

try:
    service = start_service()
except SwrhookError as exc:
    sys.stderr.write(f"swrhook cannot start:\n{exc}\n")
    sys.exit(_CANNOT_BOOT)
app = application = service.web
