"""All tables of the ledger: each is known only once its module is imported."""

from swrhook.ledger import (
    coverage_tables,
    discovery_tables,
    notification_tables,
    repair_tables,
    service_tables,
    sqlite_file,
    tables,
)
from swrhook.ledger.columns import metadata

MODULES = (
    coverage_tables,
    discovery_tables,
    notification_tables,
    repair_tables,
    service_tables,
    sqlite_file,
    tables,
)
TABLES = metadata.sorted_tables
