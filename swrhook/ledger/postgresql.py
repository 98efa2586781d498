"""PostgreSQL as the ledger's database: how connections are made and limited."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

# Connections of a process's pool: kept open, and at most. A thread that gets none waits for some
# seconds, then fails.
_IDLE_CONNECTIONS = 8
MOST_CONNECTIONS = 32
_POOL_TIMEOUT = 10
# Seconds that a connection from the pool is given to answer before it is used. One that does not is
# replaced by a new one, which takes `connect_timeout` at most.
_PING_PATIENCE = 2.0
LOCK_TIMEOUT = "8s"
NOT_DURABLE = "SET LOCAL synchronous_commit = off"
# No request waits without a bound (see also bounded_connection.py), and a process that hangs in the
# middle of a transaction loses it, so that its row locks become free.
SESSION: Mapping[str, str] = {
    "lock_timeout": LOCK_TIMEOUT,
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "20s",
    # A generic plan made for a small table would be kept when the table has grown, until the
    # server has new statistics.
    "plan_cache_mode": "force_custom_plan",
    "synchronous_commit": "on",  # a commit is on disk when it returns: a 2xx is a promise
}
_SET_SESSION = ";".join(f"SET SESSION {name} = '{value}'" for name, value in SESSION.items())
# libpq's parameters. They bound how long a server that vanished is waited for.
CONNECT: Mapping[str, str | int] = {
    "connect_timeout": 5,
    "application_name": "swrhook",
    "tcp_user_timeout": 15_000,  # milliseconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def open_server(url: URL, connections: int = MOST_CONNECTIONS) -> Engine:
    """Return an engine with a bounded pool, which replaces connections that were lost."""
    idle = min(connections, _IDLE_CONNECTIONS)
    engine = sqlalchemy.create_engine(
        url,
        pool_size=idle,
        max_overflow=connections - idle,
        pool_timeout=_POOL_TIMEOUT,
        pool_pre_ping=True,
        pool_use_lifo=True,  # one that was used last needs no ping
        connect_args=CONNECT,
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "connect", _set_up)
    _limit_pings(engine)
    return engine


def _connect(_dialect: object, _record: object, arguments: Any, parameters: Any) -> Any:  # noqa: ANN401
    # Imported here, like psycopg below, because a service on SQLite does not need it.
    from swrhook.ledger.bounded_connection import BoundedConnection  # noqa: PLC0415

    return BoundedConnection.connect(*arguments, **parameters)


def _limit_pings(engine: Engine) -> None:
    """Ask a connection that was idle for a while whether it is alive, with a limit."""
    dialect: Any = engine.dialect
    ping = dialect.do_ping

    def ping_within_limit(connection: Any) -> Any:  # noqa: ANN401  # a BoundedConnection
        if not connection.may_be_lost():
            return True
        with connection.limit(_PING_PATIENCE):
            return ping(connection)

    dialect.do_ping = ping_within_limit


def is_away(exc: Exception) -> bool:
    """Tell whether an error means that the server cannot be reached, so a retry now is useless."""
    if not isinstance(exc, DBAPIError):
        return False
    # psycopg's errors have no SQLSTATE when they do not come from the server.
    has_no_sqlstate = getattr(exc.orig, "sqlstate", "") is None
    return exc.connection_invalidated or has_no_sqlstate


def _set_up(connection: Any, _record: object) -> None:  # noqa: ANN401  # DBAPI's own type
    from psycopg.types.string import StrDumper  # noqa: PLC0415

    class StorableText(StrDumper):
        """Replaces NUL characters, which senders may send and PostgreSQL refuses in text."""

        def dump(self, obj: str) -> Any:  # noqa: ANN401  # psycopg's own type
            return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))

    connection.adapters.register_dumper(str, StorableText)
    connection.execute(_SET_SESSION)
    connection.commit()


@contextmanager
def listen(conninfo: str, channel: str) -> Iterator[Callable[[float], bool]]:
    """Listen to a channel on a connection of its own; raises OSError when that is lost.

    The function that is yielded waits some seconds for a notification, and tells whether it came.
    """
    import psycopg  # noqa: PLC0415  # a service on SQLite does not need it

    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(f"LISTEN {channel}")

            def receive(timeout: float) -> bool:
                return any(True for _ in connection.notifies(timeout=timeout, stop_after=1))

            yield receive
    except psycopg.Error as exc:
        raise OSError(str(exc)) from exc
