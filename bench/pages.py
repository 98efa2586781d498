"""Measures how long the dashboard's pages take with many syncs in the ledger."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import insert
from ulid_transform import bytes_to_ulid

from bench.figures import Figure, Measurement
from swrhook import logs
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.tables import deliveries, pushes, syncs
from swrhook.model import Lane, Target, route
from tests.web.harness import OPERATE, WebHarness, signed_in

SYNCS, REPOSITORIES, DAYS, VIEWS = 100_000, 1_000, 30, 5
_REGIONS = ("cn-east-3", "ap-southeast-1")
# Of so many syncs one has failed, and one is open.
_FAILED_IN, _OPEN_IN = 50, 200
_PORTION = 5_000
PATHS = (
    "/",
    "/syncs",
    "/syncs?show=failing",
    "/syncs?show=open",
    "/syncs?image=app-7",
    "/syncs?region=cn-east-3&namespace=team",
    "/syncs?rule=nothing",
    "/repositories",
    "/deliveries",
    "/deliveries?sender=ci&outcome=accepted",
    "/repairs",
    "/notifications",
    "/rules",
    "/explain?image=team/app-7:v7",
)


def measure() -> Measurement:
    """View each page some times; the figure is the median of the slowest one."""
    logs.configure("json", "WARNING")
    with tempfile.TemporaryDirectory() as folder, _ledger(Path(folder)) as database:
        _fill(database)
        seconds = {path: _view(database, path) for path in [*_paths(database)]}
    slowest = max(seconds, key=lambda path: seconds[path])
    others = sorted(seconds, key=lambda path: -seconds[path])[1:4]
    figure = Figure(
        f"the slowest page of the dashboard with {SYNCS:,} syncs in the ledger",
        f"{slowest}: {seconds[slowest] * 1000:.0f} ms",
        "; ".join(f"{path}: {seconds[path] * 1000:.0f} ms" for path in others),
        seconds[slowest] * 1000,
        at_least=300,
        moonshot=100,
        unit="ms",
        less_is_better=True,
    )
    return Measurement([figure])


def _ledger(folder: Path) -> closing[Database]:
    return closing(open_database(f"sqlite:///{folder}/ledger.db"))


def _paths(database: Database) -> Iterator[str]:
    yield from PATHS
    with database.read() as connection:
        for table in (syncs, deliveries):
            newest = table.select().order_by(table.c.id.desc()).limit(1)
            yield f"/{table.name}/{connection.execute(newest).one().id}"


def _view(database: Database, path: str) -> float:
    """Return the median of the seconds that a page takes in a process that has read nothing yet."""
    times = []
    for _ in range(VIEWS):
        client = _browser(database)
        began = time.perf_counter()
        answer = client.get(path)
        times.append(time.perf_counter() - began)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return median(times)


def _browser(database: Database) -> FlaskClient:
    """Return a browser that is signed in; no number is cached, and every template compiled."""
    harness = WebHarness(database)
    for name in harness.web.jinja_env.list_templates():
        harness.web.jinja_env.get_template(name)
    return signed_in(harness, OPERATE)


def _fill(database: Database) -> None:
    """Fill the ledger with syncs of the last days, two of each delivery."""
    now = datetime.now(UTC)
    step = timedelta(days=DAYS) / SYNCS
    for first in range(0, SYNCS, _PORTION):
        rows = [
            _rows(number, now - (SYNCS - number) * step)
            for number in range(first, first + _PORTION, 2)
        ]
        with database.write() as connection:
            connection.execute(insert(deliveries), [delivery for delivery, _, _ in rows])
            connection.execute(insert(pushes), [push for _, push, _ in rows])
            connection.execute(insert(syncs), [sync for _, _, pair in rows for sync in pair])


def _rows(number: int, at: datetime) -> tuple[Any, Any, list[Any]]:
    milliseconds = int(at.timestamp() * 1000).to_bytes(6)
    delivery, push, *sync_ids = (
        bytes_to_ulid(milliseconds + (4 * number + place).to_bytes(10)) for place in range(4)
    )
    repository, tag = f"app-{number // 2 % REPOSITORIES}", f"v{number // 2 // REPOSITORIES}"
    image = {"namespace": "team", "repository": repository, "tag": tag}
    digest = f"sha256:{number:064x}"
    by_sender = {"sender": "ci", **image, "digest": digest}
    return (
        _delivery(delivery, at, digest),
        {"id": push, "delivery": delivery, "region": "cn-north-4", **by_sender},
        [
            _sync(
                sync_id,
                number + place,
                at,
                {**by_sender, "delivery": delivery, "push": push},
                region,
            )
            for place, (sync_id, region) in enumerate(zip(sync_ids, _REGIONS, strict=True))
        ],
    )


def _delivery(delivery: str, at: datetime, digest: str) -> dict[str, Any]:
    return {
        "id": delivery,
        "sender": "ci",
        "dialect": "generic",
        "outcome": "accepted",
        "received_at": at,
        "headers": {"content-type": "application/json"},
        "body": b'{"image": "%b"}' % digest.encode(),
        "rules_version": "0123456789ab",
        "answered": "accepted",
        "took_ms": 4,
    }


def _sync(sync_id: str, number: int, at: datetime, columns: dict[str, Any], region: str) -> Any:
    lane = Lane("cn-north-4", "team", columns["repository"], Target(region, "team"), override=False)
    state = "verified"
    if number % _FAILED_IN == 0:
        state = "rejected"
    elif number % _OPEN_IN == 1:
        state = "pending"
    return {
        "id": sync_id,
        **columns,
        "source_region": lane.source_region,
        "target_region": region,
        "target_namespace": "team",
        "override": False,
        "lane": lane.key,
        "route": route(lane, columns["tag"]),
        "rule": "all",
        "rules_version": "0123456789ab",
        "state": state,
        "reason": None if state == "verified" else "the target organization is not there",
        "created_at": at,
        "updated_at": at,
        "due_at": at if state == "pending" else None,
        "verified_at": at + timedelta(seconds=number % 90) if state == "verified" else None,
    }
