"""Shared by the tests of coverage: what the ledger says, beside what is true."""

from sqlalchemy import func, select

from swrhook.config import Config
from swrhook.ledger.coverage_tables import COUNTS, coverage, gaps, repository_coverage
from swrhook.ledger.database import Database
from swrhook.ledger.gap_settlement import settle
from swrhook.ledger.queries.coverage import ListedCoverage, list_coverage
from swrhook.syncs.coverage import CoverageKey
from swrhook.usecases.rule_scope import coverage_keys


def shown(database: Database, config: Config) -> dict[CoverageKey, ListedCoverage]:
    """Return the coverage of every rule and region, after following the syncs of all gaps.

    The sums must be those of the repositories, and the gaps must be those that are counted.
    """
    with database.write() as connection:
        after: str | None = ""
        while after is not None:
            after = settle(connection, after, 100).last
    with database.read() as connection:
        listed = list_coverage(connection, coverage_keys(config), 1000)
        for table in (coverage, repository_coverage):
            columns = [func.coalesce(func.sum(table.c[name]), 0) for name in COUNTS]
            sums = connection.execute(select(*columns)).one()
            assert list(sums) == [sum(getattr(row, name) for row in listed) for name in COUNTS], (
                table.name
            )
        named = connection.scalar(select(func.count()).select_from(gaps))
    counted = sum(row.on_the_way + row.missing + row.changed + row.unknown for row in listed)
    assert named is not None
    assert named <= counted
    return {CoverageKey(row.rule, row.region): row for row in listed}
