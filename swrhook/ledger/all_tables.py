"""All tables of the ledger: each is known only once its module is imported."""

from swrhook.ledger import (  # noqa: F401  # so that the metadata has their tables
    coverage_tables,
    discovery_tables,
    notification_tables,
    repair_tables,
    service_tables,
    sqlite_file,
    tables,
)
from swrhook.ledger.columns import metadata

TABLES = metadata.sorted_tables
