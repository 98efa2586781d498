"""Measures whether swrhook keeps up with a docker registry, which sends one event at a time.

`make bench` pushes tags to the registry as fast as possible, with notifications to swrhook and
without, and compares. Ratios hold across machines, absolute figures do not.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import requests
from rich.console import Console
from rich.table import Table

from tests.programs import Served, configuration, docker_registry, notifications

TAGS = 400
MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
SECRET = "the-secret-of-the-benchmark"


def main() -> None:
    """Run the benchmark and print a table; exit 1 if an event was not delivered."""
    with tempfile.TemporaryDirectory() as name, _service(Path(name)) as served:
        folder = Path(name)
        (folder / "quiet").mkdir()
        with docker_registry(folder / "quiet") as registry:
            alone = TAGS / _push(registry)
        notify = {"url": f"{served.url}/hooks/registry", "secret": SECRET}
        with docker_registry(folder, notify) as registry:
            started = time.monotonic()
            push_seconds = _push(registry)
            pending = notifications(folder)["Pending"]
            counts = _wait_until_delivered(folder)
            delivered = counts["Events"] / (time.monotonic() - started)
    table = Table("what", "figure", title=f"{TAGS} tags pushed one after the other")
    table.add_row("pushes/s of the registry alone", f"{alone:.0f}")
    table.add_row("pushes/s while it notifies swrhook", f"{TAGS / push_seconds:.0f}")
    table.add_row("events/s delivered and on disk", f"{delivered:.0f}")
    table.add_row(
        "events not delivered when the last push ended", f"{pending} of {counts['Events']}"
    )
    table.add_row("events/s delivered : pushes/s", f"{delivered / (TAGS / push_seconds):.2f}")
    Console().print(table)
    sys.exit(0 if counts["Events"] == counts["Successes"] else 1)


@contextmanager
def _service(folder: Path) -> Iterator[Served]:
    """Run a service without workers, since SWR is not measured."""
    environ = {"SWRHOOK_WORKERS": "0", "SWRHOOK_LOG_LEVEL": "WARNING"}
    served = Served(folder, environ, is_warm=False)
    auth = {"scheme": "bearer", "secrets": [SECRET]}
    sender = {"dialect": "distribution", "region": "cn-north-4", "auth": auth}
    sync = [{"region": "cn-east-3", "namespace": "team"}]
    rule = {"name": "all", "when": {"namespace": "team"}, "sync": sync}
    nowhere = "http://127.0.0.1:1"
    regions = {"cn-north-4": nowhere, "cn-east-3": nowhere}
    served.configure(configuration(nowhere, regions, {"registry": sender}, [rule]))
    served.start()
    try:
        yield served
    finally:
        served.close()


def _push(registry: str) -> float:
    """Push a small image under many tags; return the seconds that it took."""
    layer = b"a layer"
    blob = f"sha256:{sha256(layer).hexdigest()}"
    with requests.Session() as session:
        upload = session.post(f"{registry}/v2/team/app/blobs/uploads/").headers["Location"]
        session.put(f"{upload}&digest={blob}", layer).raise_for_status()
        descriptor = {"mediaType": "application/octet-stream", "digest": blob, "size": len(layer)}
        started = time.monotonic()
        for number in range(TAGS):
            manifest = {
                "schemaVersion": 2,
                "mediaType": MEDIA_TYPE,
                "config": descriptor,
                "layers": [descriptor],
                "annotations": {"number": str(number)},
            }
            session.put(
                f"{registry}/v2/team/app/manifests/v{number}",
                json.dumps(manifest),
                headers={"Content-Type": MEDIA_TYPE},
            ).raise_for_status()
        return time.monotonic() - started


def _wait_until_delivered(folder: Path) -> dict[str, int]:
    while (counts := notifications(folder))["Pending"]:
        time.sleep(0.02)
    return counts


if __name__ == "__main__":
    main()
