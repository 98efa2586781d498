"""Coverage in the ledger: sums that are kept up to date, so that reading them takes no counting.

`coverage` is always the sum of `repository_coverage`, and its gaps are named in `gaps`. Both are
replaced when a repository is compared. Between comparisons, `settle` follows the syncs of gaps.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, tuple_, update

from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.coverage_tables import COUNTS, coverage, gaps, repository_coverage
from swrhook.ledger.discovery import ensure_repository
from swrhook.ledger.discovery_tables import repositories
from swrhook.ledger.rows import from_lane
from swrhook.ledger.sql import in_portions, put, upsert
from swrhook.ledger.tables import OPEN, syncs
from swrhook.syncs.coverage import (
    WANTED,
    Counts,
    CoverageKey,
    Gap,
    GapAt,
    RepositoryCoverage,
    count_gap,
)
from swrhook.syncs.discovery import OrganizationRef
from swrhook.syncs.reconciliation import RepositoryRef
from swrhook.syncs.scope import EVERYTHING, Scope

_Deltas = dict[CoverageKey, Counts]
_INSERT_GAP = insert(gaps)
_PORTION = 500


def open_routes(connection: Connection, routes: Collection[str]) -> set[str]:
    """Return those of the routes on which a sync is open."""
    return {
        name
        for portion in in_portions(sorted(routes))
        for name in connection.scalars(
            select(syncs.c.route).where(OPEN, syncs.c.route.in_(portion)).distinct()
        )
    }


def replace_coverage(
    connection: Connection,
    ref: RepositoryRef,
    measured: RepositoryCoverage,
    scope: Scope = EVERYTHING,
) -> None:
    """Replace the coverage of a repository, as far as it was measured: what is in `scope`.

    A gap that is found again keeps the time since when it is known.
    """
    ensure_repository(connection, ref, measured.observed_at)
    _lock(connection, ref)
    before = {
        key: counts for key, counts in _counts_of(connection, ref).items() if scope.selects(*key)
    }
    earlier_gaps = _gaps_of(connection, ref, scope)
    close_gaps(connection, sorted(earlier_gaps))
    # Of other rules: their targets are those of this one now.
    apply_changes(
        connection,
        [
            (ref, key, Counts() - WANTED + closed)
            for ref, key, closed in close_gaps(connection, [gap.route for gap in measured.gaps])
        ],
    )
    rows = [_gap_row(gap, earlier_gaps, measured.observed_at) for gap in measured.gaps]
    insert_rows(connection, _INSERT_GAP, rows)
    for key in sorted(before.keys() - measured.counts.keys()):
        connection.execute(delete(repository_coverage).where(*_is_part(ref, key)))
    for key, counts in sorted(measured.counts.items()):
        values = {**_columns(counts), "observed_at": measured.observed_at}
        put(connection, repository_coverage, _part(ref, key), values)
    keys = sorted({*before, *measured.counts})
    nothing = Counts()
    _add(
        connection,
        {key: measured.counts.get(key, nothing) - before.get(key, nothing) for key in keys},
    )


def forget_coverage(connection: Connection, ref: RepositoryRef, now: datetime) -> None:
    """Remove a repository from the coverage, because the rules do not reach it any more."""
    replace_coverage(connection, ref, RepositoryCoverage(now, {}))


def add_unknown(
    connection: Connection, coverages: Mapping[RepositoryRef, RepositoryCoverage]
) -> None:
    """Add the coverage of repositories that were listed, unless it is known already."""
    rows = [
        {**_part(ref, key), **_columns(counts), "observed_at": measured.observed_at}
        for ref, measured in coverages.items()
        for key, counts in measured.counts.items()
    ]
    totals: _Deltas = defaultdict(Counts)
    table = repository_coverage
    columns = (table.c.rule, table.c.target_region, *(table.c[name] for name in COUNTS))
    for start in range(0, len(rows), _PORTION):
        statement = upsert(connection, table).values(rows[start : start + _PORTION])
        added = statement.on_conflict_do_nothing().returning(*columns)
        for row in connection.execute(added):
            totals[CoverageKey(*row[:2])] += Counts(*row[2:])
    _add(connection, totals)


def has_coverage(connection: Connection, ref: OrganizationRef, names: Collection[str]) -> set[str]:
    """Return those of an organization's repositories whose coverage is known."""
    table = repository_coverage
    query = select(table.c.repository).where(
        table.c.source_region == ref.region,
        table.c.namespace == ref.namespace,
        table.c.repository.in_(sorted(names)),
    )
    return {*connection.scalars(query.distinct())}


def forget_empty_sums(connection: Connection) -> None:
    """Delete the sums of rules that want nothing."""
    connection.execute(delete(coverage).where(coverage.c.wanted == 0))


Change = tuple[RepositoryRef, CoverageKey, Counts]
CHANGED_COLUMNS = (
    gaps.c.source_region,
    gaps.c.namespace,
    gaps.c.repository,
    gaps.c.rule,
    gaps.c.target_region,
    gaps.c.kind,
    gaps.c.on_the_way,
)


def close_gaps(connection: Connection, routes: Sequence[str]) -> list[Change]:
    """Delete gaps; return the changes that make their tags present."""
    changes: list[Change] = []
    for portion in in_portions(routes):
        statement = delete(gaps).where(gaps.c.route.in_(portion)).returning(*CHANGED_COLUMNS)
        for row in connection.execute(statement):
            gap = count_gap(Gap(row.kind), on_the_way=row.on_the_way)
            changes.append((*place_of(row), WANTED - gap))
    return changes


def place_of(row: Any) -> tuple[RepositoryRef, CoverageKey]:  # noqa: ANN401  # of any statement
    """Return the repository and the key of a row of CHANGED_COLUMNS."""
    ref = RepositoryRef(row.source_region, row.namespace, row.repository)
    return ref, CoverageKey(row.rule, row.target_region)


def apply_changes(connection: Connection, changes: Iterable[Change]) -> None:
    """Apply changes to the counts of their repositories, and to the sums."""
    parts: dict[tuple[str, CoverageKey], tuple[RepositoryRef, Counts]] = {}
    totals: _Deltas = defaultdict(Counts)
    for ref, key, delta in changes:
        _, before = parts.get((ref.key, key), (ref, Counts()))
        parts[ref.key, key] = (ref, before + delta)
        totals[key] += delta
    for (_, key), (ref, delta) in sorted(parts.items(), key=lambda item: item[0]):
        values = {
            name: repository_coverage.c[name] + value for name, value in _columns(delta).items()
        }
        statement = update(repository_coverage).where(*_is_part(ref, key))
        connection.execute(statement.values(values))
    _add(connection, totals)


def _add(connection: Connection, deltas: Mapping[CoverageKey, Counts]) -> None:
    """Add to the sums, in the order of their keys, and find the oldest observation and gap."""
    for key, delta in sorted(deltas.items()):
        statement = upsert(connection, coverage).values(**key._asdict(), **_columns(delta))
        added = {name: coverage.c[name] + statement.excluded[name] for name in COUNTS}
        connection.execute(
            statement.on_conflict_do_update(index_elements=[*key._fields], set_=added)
        )
        of_key = (repository_coverage.c.rule, repository_coverage.c.target_region)
        oldest = select(func.min(repository_coverage.c.observed_at)).where(tuple_(*of_key) == key)
        of_gap = tuple_(gaps.c.rule, gaps.c.target_region) == key
        values = {
            "oldest_observation": oldest.scalar_subquery(),
            "oldest_gap": select(func.min(gaps.c.since)).where(of_gap).scalar_subquery(),
        }
        is_key = (coverage.c.rule == key.rule, coverage.c.target_region == key.target_region)
        connection.execute(update(coverage).where(*is_key).values(values))


def _lock(connection: Connection, ref: RepositoryRef) -> None:
    """Let no other process replace the coverage of a repository meanwhile."""
    query = select(repositories.c.repository).where(*_is(repositories, ref))
    connection.execute(query.with_for_update())


def _counts_of(connection: Connection, ref: RepositoryRef) -> dict[CoverageKey, Counts]:
    table = repository_coverage
    query = select(table.c.rule, table.c.target_region, *(table.c[name] for name in COUNTS))
    rows = connection.execute(query.where(*_is(table, ref)))
    return {CoverageKey(*row[:2]): Counts(*row[2:]) for row in rows}


def _gaps_of(
    connection: Connection, ref: RepositoryRef, scope: Scope
) -> dict[str, tuple[str, datetime]]:
    """Return the kinds of a repository's gaps and since when they are known, by route."""
    columns = (gaps.c.route, gaps.c.rule, gaps.c.target_region, gaps.c.kind, gaps.c.since)
    rows = connection.execute(select(*columns).where(*_is(gaps, ref)))
    return {
        row.route: (row.kind, row.since)
        for row in rows
        if scope.selects(row.rule, row.target_region)
    }


def _gap_row(
    gap: GapAt, earlier_gaps: Mapping[str, tuple[str, datetime]], now: datetime
) -> dict[str, object]:
    kind, since = earlier_gaps.get(gap.route, ("", now))
    return {
        "route": gap.route,
        **from_lane(gap.sync.lane),
        "tag": gap.sync.push.tag,
        "digest": gap.sync.push.digest,
        "rule": gap.sync.rule,
        "kind": gap.kind.value,
        "target_digest": gap.target_digest,
        "reason": gap.reason,
        "on_the_way": gap.on_the_way,
        "since": since if kind == gap.kind.value else now,
        "observed_at": now,
    }


def _columns(counts: Counts) -> dict[str, int]:
    return dict(zip(COUNTS, counts.values, strict=True))


def _part(ref: RepositoryRef, key: CoverageKey) -> dict[str, str]:
    place = {
        "source_region": ref.region,
        "namespace": ref.namespace,
        "repository": ref.repository,
    }
    return {**place, **key._asdict()}


def _is_part(ref: RepositoryRef, key: CoverageKey) -> list[ColumnElement[bool]]:
    return [repository_coverage.c[name] == value for name, value in _part(ref, key).items()]


def _is(table: Any, ref: RepositoryRef) -> list[ColumnElement[bool]]:  # noqa: ANN401  # a Table
    names = ("source_region", "namespace", "repository")
    values = (ref.region, ref.namespace, ref.repository)
    return [table.c[name] == value for name, value in zip(names, values, strict=True)]
