"""A process of the service, once it has started."""

import os
import subprocess
import sys
from pathlib import Path

from tests.programs import ROOT, Served, configuration

# As gunicorn_settings does, before a worker imports the program.
START = """
import gc, os
gc.disable()
from swrhook.process import start_service
service = start_service(os.environ)
print(gc.isenabled())
service.stop()
"""


def test_garbage_is_collected_again_once_the_service_has_started(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    Served(tmp_path).configure(configuration(nowhere, {"cn-north-4": nowhere}, {}, []))
    environ = {
        **os.environ,
        "SWRHOOK_CONFIG": str(tmp_path / "swrhook.yaml"),
        "SWRHOOK_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db",
        "SWRHOOK_LOG_LEVEL": "CRITICAL",
    }
    started = subprocess.run(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert started.stdout == "True\n", started.stderr
