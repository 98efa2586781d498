"""Measures whether a claim takes longer in a ledger with many finished syncs."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import text

from bench.figures import Figure, Measurement, Plot
from swrhook.ledger.calls import claim, open_digests
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.deliveries import record_syncs
from swrhook.ledger.lanes import release_lane
from swrhook.ledger.syncs import due_syncs
from swrhook.model import Lane, PlannedSync, Push, Target
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event

SIZES = (0, 1_000, 10_000, 100_000, 1_000_000)
TAGS, CLAIMS = 10, 25
HOUR = timedelta(hours=1)
# Finished syncs of many lanes, among them the claimed one.
_FILL = """
INSERT INTO syncs (
  id, sender, source_region, namespace, repository, tag, digest, target_region, target_namespace,
  override, lane, route, rule, rules_version, state, created_at, updated_at, verified_at,
  attempts, polls, failures, retriggers, lost_claims, alone, backfill, urgency
)
WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)
SELECT
  printf('00%024d', n), 'ci', 'cn-north-4', 'team', 'app-' || n % 1000, 'v' || n,
  'sha256:' || lower(hex(randomblob(32))), 'cn-east-3', 'team', 0,
  replace(:lane, 'app-0', 'app-' || n % 1000), replace(:lane, 'app-0', 'app-' || n % 1000) || n,
  'all', '0123456789ab', 'verified', n, n, n, 1, 1, 0, 0, 0, 0, 0, 0
FROM numbers
"""
# The calls of these syncs.
_FILL_CALLS = """
INSERT INTO call_tags (call, sync, route, digest, called_at, open, already_present)
SELECT printf('00%024d', rowid / 10), id, route, digest, created_at, 0, 0
FROM syncs
WHERE id BETWEEN printf('00%024d', :first) AND printf('00%024d', :last)
"""


def measure() -> Measurement:
    """Claim alternately in a growing ledger and in an empty one."""
    with _ledger() as empty, _ledger() as grown:
        points, ratios, before = [], [1.0], 0
        for size in SIZES:
            _fill(grown, before, size)
            before = size
            pairs = [(_claim(grown), _claim(empty)) for _ in range(CLAIMS)]
            large, small = (median(column) * 1000 for column in zip(*pairs, strict=True))
            points.append((size, large))
            ratios.append(large / small)
    figure = Figure(
        f"claim of {TAGS} tags with {SIZES[-1]:,} finished syncs in the ledger",
        f"{large:.2f} ms",
        f"an empty ledger: {small:.2f} ms",
        ratios[-1],
        at_least=1.2,
        moonshot=1.1,
        less_is_better=True,
    )
    title = f"Time to claim {TAGS} tags, on disk"
    axes = ("finished syncs in the ledger", "ms")
    plot = Plot("claim", title, *axes, {"median": points}, is_logarithmic=True)
    return Measurement([figure], [plot])


@contextmanager
def _ledger() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder)}/ledger.db")
        try:
            yield database
        finally:
            database.close()


def _lane() -> Lane:
    return Lane("cn-north-4", "team", "app-0", Target("cn-east-3", "team"), override=False)


def _fill(database: Database, before: int, size: int) -> None:
    if size > before:
        with database.write() as connection:
            values = {"first": before, "last": size - 1, "lane": _lane().key}
            connection.execute(text(_FILL), values)
            connection.execute(text(_FILL_CALLS), values)
    with database.read() as connection:
        for table in ("syncs", "call_tags"):
            assert size <= connection.scalar(text(f"SELECT count(*) FROM {table}"))


def _claim(database: Database) -> float:
    """Record tags of the lane; return how many seconds it takes to claim them."""
    now, lane = datetime.now(UTC), _lane()
    with database.write() as connection:
        record_syncs(connection, _planned(lane, now), "0123456789ab", now)
    started = time.perf_counter()
    with database.read() as connection:
        syncs = due_syncs(connection, lane, until=now, limit=200)
        open_digests(connection, [sync.route for sync in syncs], now - HOUR)
    with database.write() as connection:
        decisions = [(sync, Decision(Event.CLAIM)) for sync in syncs]
        _, claimed = claim(connection, lane, decisions, frozenset(), now)
        release_lane(connection, lane, now)
    took = time.perf_counter() - started
    assert len(claimed) == TAGS
    _finish(database)
    return took


def _finish(database: Database) -> None:
    """Finish all open syncs and calls."""
    with database.write() as connection:
        connection.execute(text("UPDATE syncs SET state = 'verified' WHERE state = 'calling'"))
        connection.execute(text("UPDATE call_tags SET open = 0 WHERE open"))


def _planned(lane: Lane, now: datetime) -> Sequence[PlannedSync]:
    pushes = [
        Push("ci", lane.source_region, lane.namespace, lane.repository, f"v{now.timestamp()}-{n}")
        for n in range(TAGS)
    ]
    return [PlannedSync(push, lane.target, override=False, rule="all") for push in pushes]
