"""The application for gunicorn: importing this module starts the service."""

import logging
import os
import sys

from swrhook.errors import SwrhookError
from swrhook.process import start_service

# gunicorn's WORKER_BOOT_ERROR: the master stops instead of starting workers again for ever.
_CANNOT_BOOT = 3

try:
    service = start_service(os.environ, master=os.getppid())
except SwrhookError as exc:
    sys.stderr.write(f"swrhook cannot start:\n{exc}\n")
    logging.getLogger("gunicorn.error").disabled = True  # that the worker exits is no news
    sys.exit(_CANNOT_BOOT)
app = application = service.web
