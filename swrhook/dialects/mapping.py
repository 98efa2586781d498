"""Any sender's JSON, read with JMESPath expressions from the sender's configuration.

Language: https://jmespath.org/specification.html, read September 2026. Expressions are checked when
the configuration is loaded; their results are checked at each delivery.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
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
from swrhook.wording.message import say

COLUMNS = ("image", "repository", "namespace", "tag", "digest", "id")
MAX_IMAGES = 10_000
MAX_COPIES = 32

# Kinds of nodes in a parsed expression. A chaining node passes each value to the next part, and a
# collecting node returns the values of all its parts. Any other returns at most one part's value.
_CHAINING = frozenset({"subexpression", "index_expression", "pipe"}) | {
    f"{kind}projection" for kind in ("", "value_", "filter_")
}
_COLLECTING = frozenset({"multi_select_list", "multi_select_dict", "function_expression"})
# The exceptions of an evaluation, besides JMESPath's own: wrong types, overflows, deep nesting.
_FAILURES = (ValueError, TypeError, ArithmeticError, RecursionError)

Node = Mapping[str, Any]
Expressions = Mapping[str, Sequence[ParsedResult]]
Cell = str | None


def build(expressions: Mapping[str, Sequence[str]]) -> Callable[[Delivery], Reading]:
    """Return a parse function that uses these expressions, one or more for each key.

    Raises ValueError for an expression that `compile_expression` refuses.
    """
    compiled = {
        key: [compile_expression(text) for text in texts] for key, texts in expressions.items()
    }

    def parse(delivery: Delivery) -> Reading:
        """Read every image that the expressions return.

        Raises Undecodable, UnknownShape, or Ignored if `when` is not true or there is no tag.
        """
        document = payload.decode(delivery.body)
        if not all(_is_true(value) for value in _evaluate(compiled, "when", document)):
            raise Ignored(say("the result of `when` is not true"))
        columns = {key: _read_column(compiled, key, document) for key in COLUMNS if key in compiled}
        rows = _to_rows(columns)
        reading = payload.to_reading(map(_read_row, rows))
        return replace(reading, external_id=rows[0].get("id"))

    return parse


def compile_expression(text: str) -> ParsedResult:
    """Compile an expression. Raises ValueError with the mistake, but without the expression."""
    try:
        expression = jmespath.compile(text)
        errors = [*_check_functions(expression.parsed)]
        copies = _count_copies(expression.parsed)
    except ParseError as exc:
        raise ValueError(f"is not JMESPath from character {exc.lex_position + 1} on") from None
    except JMESPathError:
        raise ValueError("is not JMESPath") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if copies > MAX_COPIES:
        errors.append(f"may repeat a value {copies} times in its result, over {MAX_COPIES}")
    if errors:
        raise ValueError(errors[0])
    return expression


def _check_functions(node: Node) -> Iterator[str]:
    """Yield mistakes in function calls, which JMESPath itself reports only at an evaluation."""
    if node["type"] == "function_expression":
        functions = Functions.FUNCTION_TABLE
        name = node["value"]
        if name not in functions:
            yield say(
                "calls an unknown function; the functions are %(functions)s",
                functions=", ".join(sorted(functions)),
            )
        elif not _accepts_arguments(functions[name]["signature"], len(node["children"])):
            yield say("calls %(name)s() with the wrong number of arguments", name=name)
    for child in _child_nodes(node):
        yield from _check_functions(child)


def _accepts_arguments(signature: Sequence[Mapping[str, Any]], count: int) -> bool:
    """Return whether a function accepts this number of arguments."""
    parameters = len(signature)
    return count >= parameters if signature[-1].get("variadic") else count == parameters


def _count_copies(node: Node) -> int:
    """Return how often the result of a node may contain the same value of the document, at most.

    `[@, @] | [@, @] | …` doubles its input at each step, so one line could exhaust the memory.
    """
    counts = [_count_copies(child) for child in _child_nodes(node)] or [1]
    applies = any(child["type"] == "expref" for child in _child_nodes(node))
    if applies or node["type"] in _CHAINING:
        return math.prod(counts)
    return sum(counts) if node["type"] in _COLLECTING else max(counts)


def _child_nodes(node: Node) -> list[Node]:
    return [child for child in node["children"] if isinstance(child, Mapping)]


def _evaluate(expressions: Expressions, key: str, document: payload.Json) -> list[Any]:
    """Return the results of a key's expressions. Raises UnknownShape if an evaluation fails."""
    try:
        return [expression.search(document) for expression in expressions.get(key, ())]
    except JMESPathTypeError as exc:
        # JMESPath's message is not used: it quotes the whole value.
        raise UnknownShape(
            say(
                "`%(key)s`: %(function)s() does not accept this value",
                key=key,
                function=exc.function_name,
            )
        ) from None
    except _FAILURES as exc:
        raise UnknownShape(
            say("`%(key)s` cannot be evaluated: %(name)s", key=key, name=type(exc).__name__)
        ) from None


def _is_true(value: payload.Json) -> bool:
    """Return whether JMESPath counts the value as true: not null, false or empty. 0 is true."""
    return bool(value) or (isinstance(value, int | float) and value is not False)


def _read_column(expressions: Expressions, key: str, document: payload.Json) -> Cell | list[Cell]:
    """Return the result of a key: one value for all images, or a list with one for each image."""
    values = _evaluate(expressions, key, document)
    if len(values) == 1 and not isinstance(values[0], list):
        return payload.label(values[0])
    lists = [value if isinstance(value, list) else [value] for value in values if value is not None]
    cells = [payload.label(value) for value in chain.from_iterable(lists)]
    if len(cells) > MAX_IMAGES:
        raise UnknownShape(
            say("`%(key)s` returns more than %(limit)s values", key=key, limit=MAX_IMAGES)
        )
    return cells


def _to_rows(columns: Mapping[str, Cell | list[Cell]]) -> list[Mapping[str, Cell]]:
    """Return the values of each image. Raises UnknownShape if the lists do not fit together."""
    for key in ("image", "repository"):
        if key in columns and columns[key] is None:
            raise UnknownShape(
                say("`%(key)s` returns no text: select the pushes with `when`", key=key)
            )
    lengths = {key: len(column) for key, column in columns.items() if isinstance(column, list)}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{count} for `{key}`" for key, count in lengths.items())
        raise UnknownShape(say("lists of different lengths: %(counts)s", counts=counts))
    return [
        {key: column[n] if isinstance(column, list) else column for key, column in columns.items()}
        for n in range(max(lengths.values(), default=1))
    ]


def _read_row(row: Mapping[str, Cell]) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    image = payload.parse_reference(row.get("image") or row.get("repository") or "")
    if not image.name:
        return say("an image without a name")
    namespace = row.get("namespace")
    name = f"{namespace}/{image.name}" if namespace else image.name
    tag = payload.tag(row.get("tag") or image.tag)
    if tag is None:
        return say("%(name)s: no tag", name=payload.quote(name))
    digest = payload.digest(row.get("digest")) or payload.digest(image.digest)
    return Announcement(name, tag, digest, row.get("id"))


# For the table of dialects: it reads keys under their own names. Configured senders use `build`.
parse = build({key: [key] for key in ("image", "tag", "digest", "id")})
