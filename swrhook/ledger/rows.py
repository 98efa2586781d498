"""Convert rows of the ledger to the model's values."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Column, RowMapping, Table

from swrhook.ledger.columns import lane_columns
from swrhook.ledger.tables import syncs
from swrhook.model import Lane, State, Sync, Target

AnyRow = RowMapping | Mapping[str, Any]
Key = TypeVar("Key")
Value = TypeVar("Value")

LANE_COLUMNS = [column.name for column in lane_columns()]


def field_columns(
    table: Table, dataclass: type, *, exclude: Collection[str] = ()
) -> list[Column[Any]]:
    """Return the columns of a table that have the names of a dataclass's fields.

    A field without a column is left out, so the dataclass's constructor asks for its value.
    """
    names = [field.name for field in fields(dataclass) if field.name not in exclude]
    return [table.c[name] for name in names if name in table.c]


def group(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    """Return the values of pairs by their keys, in the order of the pairs."""
    groups: dict[Key, list[Value]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


# The column `lane` holds the lane's key; the field `lane` is read from the lane's own columns.
_FIELDS = field_columns(syncs, Sync, exclude=("lane", "state"))
SYNC_COLUMNS = [*(syncs.c[name] for name in LANE_COLUMNS), *_FIELDS, syncs.c.state]
"""What `to_sync` reads."""
_FIELD_NAMES = [column.name for column in _FIELDS]


def to_lane(row: AnyRow) -> Lane:
    """Return the lane of a row that has its columns."""
    return Lane(
        source_region=row["source_region"],
        namespace=row["namespace"],
        repository=row["repository"],
        target=Target(row["target_region"], row["target_namespace"]),
        override=row["override"],
    )


def from_lane(lane: Lane) -> dict[str, Any]:
    """Return the columns of a lane."""
    return {
        "source_region": lane.source_region,
        "namespace": lane.namespace,
        "repository": lane.repository,
        "target_region": lane.target.region,
        "target_namespace": lane.target.namespace,
        "override": lane.override,
    }


def to_sync(row: AnyRow) -> Sync:
    """Return the sync of a row of SYNC_COLUMNS."""
    values = {name: row[name] for name in _FIELD_NAMES}
    return Sync(lane=to_lane(row), state=State(row["state"]), **values)
