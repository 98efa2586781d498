"""Any sender's JSON, read by JMESPath expressions of the sender's configuration.

Language: https://jmespath.org/specification.html, read September 2026. Expressions are checked when
the configuration is read; what they give, at each delivery.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, JMESPathTypeError, ParseError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

COLUMNS = ("image", "repository", "namespace", "tag", "digest", "id")
MOST_IMAGES = 10_000
MOST_COPIES = 32
LARGEST_NUMBER = 1 << 63

# Nodes that hand each value on to the next part of the expression, and those that put values
# beside each other; any other gives one of its parts, or less.
_CHAINING = frozenset({"subexpression", "index_expression", "pipe"}) | {
    f"{kind}projection" for kind in ("", "value_", "filter_")
}
_COLLECTING = frozenset({"multi_select_list", "multi_select_dict", "function_expression"})
# What an evaluation raises: of the wrong type, of an overflow, of deep nesting.
_FAILURES = (ValueError, TypeError, ArithmeticError, RecursionError)

Node = Mapping[str, Any]
Expressions = Mapping[str, Sequence[ParsedResult]]
Cell = str | None


def build(expressions: Mapping[str, Sequence[str]]) -> Callable[[Delivery], Reading]:
    """Return the dialect that reads by these expressions, one or more for each key.

    Raises ValueError for what `compiled` refuses.
    """
    ready = {key: [compiled(text) for text in texts] for key, texts in expressions.items()}

    def parse(delivery: Delivery) -> Reading:
        """Read every image that the expressions find.

        Raises Undecodable, UnknownShape, or Ignored when `when` is not true or finds no tag.
        """
        document = payload.decode(delivery.body)
        if not all(_truth(value) for value in _values(ready, "when", document)):
            raise Ignored("what `when` gives is not true")
        columns = {key: _column(ready, key, document) for key in COLUMNS if key in ready}
        rows = _rows(columns)
        return payload.reading(map(_read, rows), next((row.get("id") for row in rows), None))

    return parse


def compiled(text: str) -> ParsedResult:
    """Return the expression. Raises ValueError, with what is wrong and none of the text."""
    try:
        expression = jmespath.compile(text)
        faults = [*_faults(expression.parsed)]
        copies = _copies(expression.parsed)
    except ParseError as exc:
        message = f"is not JMESPath, from its character {exc.lex_position + 1} on"
        raise ValueError(message) from None
    except JMESPathError:
        raise ValueError("is not JMESPath") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if copies > MOST_COPIES:
        faults.append(f"may repeat a value {copies} times in what it gives, over {MOST_COPIES}")
    if faults:
        raise ValueError(faults[0])
    return expression


def _faults(node: Node) -> Iterator[str]:
    """Yield what JMESPath itself would only say at an evaluation."""
    if node["type"] == "function_expression":
        known = Functions.FUNCTION_TABLE
        if node["value"] not in known:
            yield f"calls an unknown function: known are {', '.join(sorted(known))}"
        elif not _fits(known[node["value"]]["signature"], len(node["children"])):
            yield f"calls {node['value']}() with a wrong number of arguments"
    for child in _children(node):
        yield from _faults(child)


def _fits(signature: Sequence[Mapping[str, Any]], count: int) -> bool:
    """Tell whether a function takes so many arguments."""
    wanted = len(signature)
    return count >= wanted if signature[-1].get("variadic") else count == wanted


def _copies(node: Node) -> int:
    """Return how often a value of the document may stand in what a node gives, at most.

    `[@, @] | [@, @] | …` doubles it at each step: a line could ask for more than any memory.
    """
    counts = [_copies(child) for child in _children(node)] or [1]
    applies = any(child["type"] == "expref" for child in _children(node))
    if applies or node["type"] in _CHAINING:
        return math.prod(counts)
    return sum(counts) if node["type"] in _COLLECTING else max(counts)


def _children(node: Node) -> list[Node]:
    return [child for child in node["children"] if isinstance(child, Mapping)]


def _values(expressions: Expressions, key: str, document: Any) -> list[Any]:  # noqa: ANN401
    """Return what each expression of a key gives. Raises UnknownShape when one cannot."""
    try:
        return [expression.search(document) for expression in expressions.get(key, ())]
    except JMESPathTypeError as exc:
        # Its own message quotes the whole value.
        message = f"`{key}`: {exc.function_name}() is given what it does not take"
        raise UnknownShape(message) from None
    except _FAILURES as exc:
        raise UnknownShape(f"`{key}` cannot be evaluated: {type(exc).__name__}") from None


def _truth(value: Any) -> bool:  # noqa: ANN401
    """Tell what is true in JMESPath: all but null, false and what is empty."""
    return bool(value) or (isinstance(value, int | float) and value is not False)


def _column(expressions: Expressions, key: str, document: Any) -> Cell | list[Cell]:  # noqa: ANN401
    """Return what a key stands for: one value for all images, or a list, one for each."""
    values = _values(expressions, key, document)
    if len(values) == 1 and not isinstance(values[0], list):
        return _cell(values[0])
    lists = [value if isinstance(value, list) else [value] for value in values if value is not None]
    cells = [_cell(value) for value in chain.from_iterable(lists)]
    if len(cells) > MOST_IMAGES:
        raise UnknownShape(f"`{key}` gives more than {MOST_IMAGES} values")
    return cells


def _cell(value: Any) -> Cell:  # noqa: ANN401
    """Return a text or whole number as text; anything else counts as nothing."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST_NUMBER:
        return str(value)
    return payload.text(value)


def _rows(columns: Mapping[str, Cell | list[Cell]]) -> list[Mapping[str, Cell]]:
    """Return the values of each image. Raises UnknownShape when they cannot be told apart."""
    for key in ("image", "repository"):
        if key in columns and columns[key] is None:
            raise UnknownShape(f"`{key}` gives no text: let `when` say which events are pushes")
    lengths = {key: len(column) for key, column in columns.items() if isinstance(column, list)}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{count} for `{key}`" for key, count in lengths.items())
        raise UnknownShape(f"lists of different lengths: {told}")
    return [
        {key: column[n] if isinstance(column, list) else column for key, column in columns.items()}
        for n in range(max(lengths.values(), default=1))
    ]


def _read(row: Mapping[str, Cell]) -> Announcement | str:
    """Return what one image's values announce, or why they announce nothing."""
    image = payload.reference(row.get("image") or row.get("repository") or "")
    if not image.name:
        return "an image without a name"
    namespace = row.get("namespace")
    name = f"{namespace}/{image.name}" if namespace else image.name
    tag = payload.tag(row.get("tag") or image.tag)
    if tag is None:
        return f"{payload.shown(name)}: no tag"
    digest = payload.digest(row.get("digest")) or payload.digest(image.digest)
    return Announcement(name, tag, digest, row.get("id"))


# What stands in the table: the keys under their own names. Each sender has its own instead.
parse = build({key: [key] for key in ("image", "tag", "digest", "id")})
