"""The layout of a table in a terminal: no name is broken, and longer text is wrapped at words."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import accumulate

from rich.text import Text

_GAP = 2
_INDENT = 2
# A column whose text has to be wrapped is at least this wide.
_NARROWEST = 30

Row = Sequence[Text]


def lay_out(rows: Sequence[Row], width: int) -> Iterator[Text]:
    """Yield the lines of a table.

    The columns that do not fit into the width are below the others, joined and indented. If that is
    only the last one, it is wrapped in its place, in the rows whose words have room there.
    """
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    ends = list(accumulate(widths, lambda end, size: end + _GAP + size))
    fitting = max(sum(end <= width for end in ends), 1)
    start = ends[fitting - 1] + _GAP
    has_place = fitting == len(widths) - 1 and width - start >= _NARROWEST
    for row in rows:
        has_room = has_place and all(len(word) <= width - start for word in row[-1].plain.split())
        yield from _lines(row, widths[:fitting], width, start if has_room else _INDENT)


def _lines(row: Row, widths: Sequence[int], width: int, start: int) -> Iterator[Text]:
    """Yield the lines of a row; its other cells begin at `start`."""
    line = Text()
    for cell, size in zip(row, widths, strict=False):
        line.append_text(cell).append(" " * (size - cell.cell_len + _GAP))
    rest = "  ".join(cell.plain for cell in row[len(widths) :] if cell.plain)
    room = max(width - start, 1)
    below = textwrap.wrap(rest, room, break_long_words=False, break_on_hyphens=False)
    if below and start > _INDENT:
        line.append(below.pop(0), row[-1].style)
    line.rstrip()
    yield line
    yield from (Text(" " * start + text, row[-1].style) for text in below)
