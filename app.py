"""The application: `python app.py` serves for development, `python app.py worker` is a worker."""

import os
import sys

from swrhook.errors import SwrhookError
from swrhook.process import run_worker, serve_development

if __name__ == "__main__":
    try:
        run_worker(os.environ) if sys.argv[1:] == ["worker"] else serve_development(os.environ)
    except SwrhookError as exc:
        sys.exit(f"swrhook cannot start:\n{exc}")
