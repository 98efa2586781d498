"""Statements of the hot paths: compiled once, then carried out by the database's own driver.

SQLAlchemy takes 40 to 100 µs of Python for each statement that it carries out, and SQLite 7: what
runs for each delivery or each call is written with SQLAlchemy, and only there.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import BindParameter, Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.visitors import iterate

Row = dict[str, Any]
Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A statement in a database's words, for collections of certain lengths."""

    text: str
    fixed: Mapping[str, Any]  # what is the same each time
    writers: Mapping[str, Processor]  # by the parameter that they convert
    columns: Sequence[str]
    readers: Sequence[tuple[int, Processor]]  # by the column that they convert


class PreparedStatement:
    """A statement with a name for each value that changes.

    A name that is bound `expanding` takes a collection. The lengths of collections are rounded up
    to powers of two, with the last value repeated, so that the driver keeps few statements.
    """

    def __init__(self, statement: Any) -> None:  # noqa: ANN401  # an Executable, to be looked into
        """Take a statement; it is compiled when it is first needed."""
        self._statement = statement
        self._lists = {
            part.key
            for part in iterate(statement)
            if isinstance(part, BindParameter) and part.expanding
        }
        self._ready: dict[tuple[object, ...], _Ready] = {}

    def rows(self, connection: Connection, **values: Any) -> list[Row]:  # noqa: ANN401
        """Return all rows. Raises DBAPIError."""
        ready, parameters = self._prepare(connection.dialect, values)
        found = execute(connection, ready.text, parameters)
        if not ready.readers:
            return [dict(zip(ready.columns, row, strict=True)) for row in found]
        return [_read(ready, row) for row in found]

    def scalar(self, connection: Connection, **values: Any) -> Any:  # noqa: ANN401
        """Return the first value of the first row, or None. Raises DBAPIError."""
        first = next(iter(self.rows(connection, **values)), None)
        return None if first is None else next(iter(first.values()))

    def run(self, connection: Connection, **values: Any) -> None:  # noqa: ANN401
        """Carry it out. Raises DBAPIError."""
        ready, parameters = self._prepare(connection.dialect, values)
        execute(connection, ready.text, parameters)

    def _prepare(self, dialect: Dialect, values: Mapping[str, Any]) -> tuple[_Ready, Row]:
        scalars: Row = {}
        collections: dict[str, Sequence[Any]] = {}
        for name, value in values.items():
            if name in self._lists:
                collections[name] = _filled(list(value))
            else:
                scalars[name] = value
        key = (dialect.name, *map(len, collections.values()))
        ready = self._ready.get(key)
        if ready is None:
            ready = self._ready[key] = self._make(dialect, scalars, collections)
        parameters = {**ready.fixed, **scalars}
        for name, collection in collections.items():
            for number, value in enumerate(collection, 1):
                parameters[f"{name}_{number}"] = value
        for name, write in ready.writers.items():
            parameters[name] = write(parameters[name])
        return ready, parameters

    def _make(
        self, dialect: Dialect, scalars: Row, collections: Mapping[str, Sequence[Any]]
    ) -> _Ready:
        if dialect.name == "sqlite":
            dialect = _NAMED
        compiled = self._statement.compile(dialect=dialect)
        state = compiled.construct_expanded_state({**scalars, **collections})
        writers = {**_writers(compiled, dialect), **state.processors}
        given = set(scalars).union(*(state.parameter_expansion[name] for name in collections))
        columns = getattr(self._statement, "exported_columns", ())
        readers = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        ]
        return _Ready(
            state.statement,
            {
                name: writers[name](value) if name in writers else value
                for name, value in state.parameters.items()
                if name not in given
            },
            {name: write for name, write in writers.items() if name in given},
            [column.key for column in columns],
            [(place, reader) for place, reader in enumerate(readers) if reader is not None],
        )


def execute(connection: Connection, text: str, parameters: Any) -> Sequence[Sequence[Any]]:  # noqa: ANN401
    """Let the driver carry out a statement; return what it returns. Raises DBAPIError.

    What goes wrong is raised as SQLAlchemy would, and a connection that is gone is given up.
    """
    dialect = connection.dialect
    driver: Any = connection.connection.driver_connection
    cursor = driver.cursor()
    try:
        cursor.execute(text, parameters)
        found: Sequence[Sequence[Any]] = () if cursor.description is None else cursor.fetchall()
    except dialect.loaded_dbapi.Error as exc:
        is_gone = dialect.is_disconnect(exc, driver, None)
        if is_gone:
            connection.invalidate(exc)
        raise DBAPIError.instance(
            text,
            None,
            exc,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_gone,
            dialect=dialect,
        ) from exc
    finally:
        cursor.close()
    return found


def power_of_two(number: int) -> int:
    """Return the least one that is not less than a number."""
    return 1 << (number - 1).bit_length() if number else 0


class _Hinting(sqlite.base.SQLiteCompiler):
    """SQLAlchemy's compiler, and the hints of `with_hint`, which it leaves out for SQLite."""

    def get_from_hint_text(self, _table: object, text: str | None) -> str | None:
        return text


_NAMED = sqlite.dialect(paramstyle="named")
_NAMED.statement_compiler = _Hinting


def _writers(compiled: Any, dialect: Dialect) -> Mapping[str, Processor]:  # noqa: ANN401
    found = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect)
        for name, bind in compiled.binds.items()
        if not bind.expanding
    }
    return {name: write for name, write in found.items() if write is not None}


def _filled(values: list[Any]) -> Sequence[Any]:
    return values + values[-1:] * (power_of_two(len(values)) - len(values))


def _read(ready: _Ready, row: Sequence[Any]) -> Row:
    values = list(row)
    for place, read in ready.readers:
        values[place] = read(values[place])
    return dict(zip(ready.columns, values, strict=True))


# SQLite takes 32,766 variables in a statement, PostgreSQL 65,535.
MOST_VARIABLES = 10_000


AnyInsert = sqlite.Insert | postgresql.Insert


def upsert(connection: Connection, table: Table) -> AnyInsert:
    """Return an insert that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return upsert_on(connection.dialect.name, table)


def upsert_on(database: str, table: Table) -> AnyInsert:
    """Return the same by the database's name, for statements that are made once and kept."""
    return sqlite.insert(table) if database == "sqlite" else postgresql.insert(table)


def in_portions(values: Collection[str]) -> Iterator[Sequence[str]]:
    """Yield the values in portions that fit into one IN: a delivery may name very many tags."""
    remaining = iter(values)
    while portion := list(islice(remaining, MOST_VARIABLES)):
        yield portion
