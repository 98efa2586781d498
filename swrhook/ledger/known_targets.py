"""The rules and regions that were seen in a configuration, so that new ones can be told."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select

from swrhook.ledger.coverage_tables import known_targets
from swrhook.ledger.sql import upsert
from swrhook.syncs.coverage import CoverageKey

_PORTION = 500


def is_first_configuration(connection: Connection) -> bool:
    """Tell whether no rule has been seen yet."""
    return connection.execute(select(known_targets.c.rule).limit(1)).first() is None


def unknown_targets(connection: Connection, keys: Collection[CoverageKey]) -> list[CoverageKey]:
    """Return those that no configuration had before."""
    table = known_targets
    rows = connection.execute(select(table.c.rule, table.c.target_region))
    seen_keys = {CoverageKey(*row) for row in rows}
    return sorted({*keys} - seen_keys)


def remember_targets(
    connection: Connection, keys: Collection[CoverageKey], now: datetime
) -> list[CoverageKey]:
    """Remember these; return those that no other process has remembered meanwhile."""
    rows = [{**key._asdict(), "since": now} for key in keys]
    added: list[CoverageKey] = []
    for start in range(0, len(rows), _PORTION):
        statement = upsert(connection, known_targets).values(rows[start : start + _PORTION])
        statement = statement.on_conflict_do_nothing()
        returning = statement.returning(known_targets.c.rule, known_targets.c.target_region)
        added += [CoverageKey(*row) for row in connection.execute(returning)]
    return sorted(added)
