"""The application: `python app.py` serves for development."""

import os
import sys

from swrhook.errors import SwrhookError
from swrhook.process import serve_development

if __name__ == "__main__":
    try:
        serve_development(os.environ)
    except SwrhookError as exc:
        sys.exit(f"swrhook cannot start:\n{exc}")
