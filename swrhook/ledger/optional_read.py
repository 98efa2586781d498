"""Reads whose callers can do without an answer: gauges, statistics, notes."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from swrhook.ledger.database import Database

P = ParamSpec("P")
Answer = TypeVar("Answer")


def read_or_none(
    database: Database,
    query: Callable[Concatenate[Connection, P], Answer],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Answer | None:
    """Return the answer to a query; None while the ledger cannot be read."""
    try:
        with database.read() as connection:
            return query(connection, *args, **kwargs)
    except (SQLAlchemyError, OSError):
        return None
