"""PostgreSQL as the ledger's database: how its connections are made, and its clock."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy
from sqlalchemy import Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

# A process holds at most this many connections of its pool; whoever finds none waits for seconds.
MOST_CONNECTIONS = 32
_KEPT_CONNECTIONS = 8
_LONGEST_WAIT = 10
# A server that vanished without a word is given up after this long; and a process that stopped in
# the middle of a transaction loses it, so that what it has locked is free again.
LOCK_TIMEOUT = "10s"
SESSION: Mapping[str, str] = {
    "lock_timeout": LOCK_TIMEOUT,
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "20s",
    # A plan made for a small table would stay when it has grown, until statistics are gathered.
    "plan_cache_mode": "force_custom_plan",
    "synchronous_commit": "on",  # a commit is on disk: a 2xx is a promise
}
CONNECT: Mapping[str, str | int] = {
    "connect_timeout": 5,
    "application_name": "swrhook",
    "tcp_user_timeout": 15_000,  # milliseconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""How each connection is made, in libpq's words."""


def open_server(url: URL) -> Engine:
    """Return an engine with a bounded pool, whose connections are replaced when they are cut."""
    engine = sqlalchemy.create_engine(
        url,
        pool_size=_KEPT_CONNECTIONS,
        max_overflow=MOST_CONNECTIONS - _KEPT_CONNECTIONS,
        pool_timeout=_LONGEST_WAIT,
        pool_pre_ping=True,
        connect_args=CONNECT,
    )
    event.listen(engine, "connect", _set_up)
    return engine


def is_away(exc: Exception) -> bool:
    """Tell whether the server could not be reached, so that a second try now is of no use."""
    if not isinstance(exc, DBAPIError):
        return False
    no_answer = getattr(exc.orig, "sqlstate", "") is None  # psycopg's, where no server spoke
    return exc.connection_invalidated or no_answer


def _set_up(connection: Any, _record: object) -> None:  # noqa: ANN401  # DBAPI's own type
    from psycopg.types.string import StrDumper  # noqa: PLC0415  # only where it is used

    class Storable(StrDumper):
        """Text as PostgreSQL can take it: of what a sender may write, it refuses NUL."""

        def dump(self, obj: str) -> Any:  # noqa: ANN401  # psycopg's own type
            return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))

    connection.adapters.register_dumper(str, Storable)
    with connection.cursor() as cursor:
        for name, value in SESSION.items():
            cursor.execute(f"SET SESSION {name} = '{value}'")
    connection.commit()


async def limit(connection: Any) -> None:  # noqa: ANN401  # psycopg's, only where it is used
    """Give a connection of the jobs the limits that the ledger's own have."""
    for name, value in SESSION.items():
        await connection.execute(f"SET SESSION {name} = '{value}'")
    await connection.commit()
