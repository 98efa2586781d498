"""SQL for the hot paths: statements that are compiled once and run directly on the driver.

SQLAlchemy needs 40 to 100 µs of Python to run a statement, SQLite itself 7 µs, and a delivery or a
call takes about ten statements. So whatever runs for each delivery or each call is composed with
SQLAlchemy, but compiled only once per shape (`PreparedStatement`). All other SQL of the service
runs through SQLAlchemy as usual.
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
class _Compiled:
    """A statement as text of one database, for collections of certain lengths."""

    text: str
    constants: Mapping[str, Any]  # parameters that are the same each time
    writers: Mapping[str, Processor]  # by the parameter that they convert
    columns: Sequence[str]
    readers: Sequence[tuple[int, Processor]]  # by the index of the column that they convert


class PreparedStatement:
    """A statement with named parameters.

    A parameter that is bound `expanding` takes a collection. Its length is rounded up to a power
    of two by repeating the last value: otherwise each length would be a text of its own, and the
    driver would keep too many prepared statements.
    """

    def __init__(self, statement: Any) -> None:  # noqa: ANN401  # an Executable, to be looked into
        """Take a statement; it is compiled when it is first used."""
        self._statement = statement
        self._expanding = {
            part.key
            for part in iterate(statement)
            if isinstance(part, BindParameter) and part.expanding
        }
        self._compiled: dict[tuple[object, ...], _Compiled] = {}

    def rows(self, connection: Connection, **values: Any) -> list[Row]:  # noqa: ANN401
        """Return all rows. Raises DBAPIError."""
        compiled, parameters = self._prepare(connection.dialect, values)
        rows = execute(connection, compiled.text, parameters)
        if not compiled.readers:
            return [dict(zip(compiled.columns, row, strict=True)) for row in rows]
        return [_read(compiled, row) for row in rows]

    def rows_in_portions(
        self, connection: Connection, name: str, values: Collection[str]
    ) -> list[Row]:
        """Return the rows for any number of values of the only parameter. Raises DBAPIError."""
        portions = in_portions(values)
        return [row for portion in portions for row in self.rows(connection, **{name: portion})]

    def scalar(self, connection: Connection, **values: Any) -> Any:  # noqa: ANN401
        """Return the first value of the first row, or None. Raises DBAPIError."""
        first = next(iter(self.rows(connection, **values)), None)
        return None if first is None else next(iter(first.values()))

    def run(self, connection: Connection, **values: Any) -> None:  # noqa: ANN401
        """Run the statement. Raises DBAPIError."""
        compiled, parameters = self._prepare(connection.dialect, values)
        execute(connection, compiled.text, parameters, returns_rows=False)

    def _prepare(self, dialect: Dialect, values: Mapping[str, Any]) -> tuple[_Compiled, Row]:
        scalars: Row = {}
        collections: dict[str, Sequence[Any]] = {}
        for name, value in values.items():
            if name in self._expanding:
                collections[name] = _padded(list(value))
            else:
                scalars[name] = value
        key = (dialect.name, *map(len, collections.values()))
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = self._compile(dialect, scalars, collections)
        parameters = {**compiled.constants, **scalars}
        for name, collection in collections.items():
            for number, value in enumerate(collection, 1):
                parameters[f"{name}_{number}"] = value
        for name, write in compiled.writers.items():
            parameters[name] = write(parameters[name])
        return compiled, parameters

    def _compile(
        self, dialect: Dialect, scalars: Row, collections: Mapping[str, Sequence[Any]]
    ) -> _Compiled:
        if dialect.name == "sqlite":
            dialect = _NAMED
        compiled = self._statement.compile(dialect=dialect)
        state = compiled.construct_expanded_state({**scalars, **collections})
        writers = {**_writers(compiled, dialect), **state.processors}
        variable = set(scalars).union(*(state.parameter_expansion[name] for name in collections))
        columns = getattr(self._statement, "exported_columns", ())
        readers = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        ]
        return _Compiled(
            state.statement,
            {
                name: writers[name](value) if name in writers else value
                for name, value in state.parameters.items()
                if name not in variable
            },
            {name: write for name, write in writers.items() if name in variable},
            [column.key for column in columns],
            [(index, reader) for index, reader in enumerate(readers) if reader is not None],
        )


def execute(
    connection: Connection,
    text: str,
    parameters: Any = (),  # noqa: ANN401
    *,
    returns_rows: bool = True,
) -> Sequence[Sequence[Any]]:
    """Run a statement on the driver, in the connection's transaction; return its rows.

    Errors are raised as SQLAlchemy would raise them (DBAPIError), and a lost connection leaves the
    pool.
    """
    dialect = connection.dialect
    driver: Any = connection.connection.dbapi_connection
    cursor = driver.cursor()
    try:
        cursor.execute(text, parameters)
        rows: Sequence[Sequence[Any]] = cursor.fetchall() if returns_rows else ()
    except dialect.loaded_dbapi.Error as exc:
        is_lost = dialect.is_disconnect(exc, driver, None)
        if is_lost:
            connection.invalidate(exc)
        raise DBAPIError.instance(
            text,
            None,
            exc,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_lost,
            dialect=dialect,
        ) from exc
    finally:
        cursor.close()
    return rows


def power_of_two(number: int) -> int:
    """Return the smallest power of two that is not less than a number; 0 for 0."""
    return 1 << (number - 1).bit_length() if number else 0


# SQLAlchemy's default for SQLite are positions, but parameters are passed by name here.
_NAMED = sqlite.dialect(paramstyle="named")


def _writers(compiled: Any, dialect: Dialect) -> Mapping[str, Processor]:  # noqa: ANN401
    processors = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect)
        for name, bind in compiled.binds.items()
        if not bind.expanding
    }
    return {name: write for name, write in processors.items() if write is not None}


def _padded(values: list[Any]) -> Sequence[Any]:
    return values + values[-1:] * (power_of_two(len(values)) - len(values))


def _read(compiled: _Compiled, row: Sequence[Any]) -> Row:
    values = list(row)
    for index, read in compiled.readers:
        values[index] = read(values[index])
    return dict(zip(compiled.columns, values, strict=True))


# Below the limits of both: SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535.
_MOST_PARAMETERS = 10_000


Upsert = sqlite.Insert | postgresql.Insert


def upsert(connection: Connection, table: Table) -> Upsert:
    """Return an insert that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return upsert_on(connection.dialect.name, table)


def upsert_on(database: str, table: Table) -> Upsert:
    """Return the same for a database's name, for statements that are composed once and kept."""
    return sqlite.insert(table) if database == "sqlite" else postgresql.insert(table)


def put(
    connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Insert a row, or update the values of the row with this key."""
    statement = upsert(connection, table).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[*key], set_=values))


def in_portions(values: Collection[str]) -> Iterator[Sequence[str]]:
    """Yield the values in portions that fit into one IN clause."""
    remaining = iter(values)
    while portion := list(islice(remaining, _MOST_PARAMETERS)):
        yield portion
