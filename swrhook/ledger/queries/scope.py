"""Limit queries to organizations of the source, for tokens that see only these."""

from collections.abc import Iterable

from sqlalchemy import Column, Connection, Table, false, func, or_

from swrhook.ledger.queries.pagination import Condition, distinct, in_values
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces

_ESCAPE = "\\"
_LIKE = str.maketrans(
    {"_": f"{_ESCAPE}_", "%": f"{_ESCAPE}%", _ESCAPE: _ESCAPE * 2, "*": "%", "?": "_"}
)


def in_scope(column: Column[str], scope: Namespaces | None) -> list[Condition]:
    """Return the condition that an organization is in scope; none without one."""
    if scope is None:
        return []
    literals = [pattern.text for pattern in scope.patterns if pattern.literal]
    # Like `in_values`, the expression hides the column from the planner.
    hidden = func.coalesce(column, "")
    likes = [
        hidden.like(_to_like(pattern), escape=_ESCAPE)
        for pattern in scope.patterns
        if not pattern.literal
    ]
    equal = [in_values(column, literals)] if literals else []
    return [or_(false(), *equal, *likes)]  # without a pattern, nothing is in scope


def _to_like(glob: Glob) -> str:
    """Return the glob for LIKE. Names of organizations have no `/` and no capital letters."""
    return glob.text.translate(_LIKE)


def namespaces_in_scope(connection: Connection, table: Table, scope: Namespaces) -> Iterable[str]:
    """Return the organizations in scope that the table may have, to walk along its index."""
    if all(pattern.literal for pattern in scope.patterns):
        return [pattern.text for pattern in scope.patterns]
    return [name for name in distinct(connection, table.c.namespace) if name in scope]
