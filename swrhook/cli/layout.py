"""The layout of a table in a terminal: no name is broken, and longer text is wrapped at words."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, combinations

from rich.text import Text

_GAP = 2
_INDENT = 2
# A column whose text has to be wrapped is at least this wide.
_NARROWEST = 30

Row = Sequence[Text]


def fit_columns(
    rows: Sequence[Row], width: int, spare: Sequence[int], *, prose: bool
) -> Sequence[Row]:
    """Return the rows on one line each, without as many of the `spare` columns as needed.

    The first of these is missed least. If `prose`, the last column is shortened to the room for it.
    If nothing helps, all of them are left out.
    """
    widths = _widths(rows)
    choices = chain.from_iterable(combinations(spare, count) for count in range(len(spare) + 1))
    for left_out in choices:
        kept = [number for number in range(len(widths)) if number not in left_out]
        is_prose = prose and kept[-1] == len(widths) - 1
        names = kept[:-1] if is_prose else kept
        room = width - sum(widths[number] + _GAP for number in names)
        if room >= (min(widths[-1], _NARROWEST) if is_prose else -_GAP):
            return [_pick(row, kept, room if is_prose else width) for row in rows]
    return [_pick(row, kept, width) for row in rows]


def _pick(row: Row, kept: Sequence[int], room: int) -> Row:
    cells = [row[number].copy() for number in kept]
    cells[-1].truncate(room, overflow="ellipsis")
    return cells


def _widths(rows: Sequence[Row]) -> list[int]:
    return [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]


def lay_out(rows: Sequence[Row], width: int) -> Iterator[Text]:
    """Yield the lines of a table.

    If a column of names is too wide, its longest names have a line of their own, and the rest of
    their row is below. Otherwise, the columns that do not fit into the width are below the others,
    joined and indented. If that is only the last one, it is wrapped in its place, in the rows whose
    words have room there.
    """
    widths = _widths(rows)
    widest = max(range(len(widths)), key=widths.__getitem__)
    room = width - sum(size + _GAP for size in widths) + _GAP + widths[widest]
    if _NARROWEST <= room < widths[widest] and widest < len(widths) - 1:
        widths[widest] = room
        yield from (line for row in rows for line in _broken(row, widths))
        return
    ends = list(accumulate(widths, lambda end, size: end + _GAP + size))
    fitting = max(sum(end <= width for end in ends), 1)
    start = ends[fitting - 1] + _GAP
    has_place = fitting == len(widths) - 1 and width - start >= _NARROWEST
    for row in rows:
        has_room = has_place and all(len(word) <= width - start for word in row[-1].plain.split())
        yield from _lines(row, widths[:fitting], width, start if has_room else _INDENT)


def _broken(row: Row, widths: Sequence[int]) -> Iterator[Text]:
    """Yield the line of a row; after a cell that is wider than its column, a new one begins."""
    line, start = Text(), 0
    for cell, size in zip(row, widths, strict=True):
        line.append_text(cell).append(" " * (size - cell.cell_len + _GAP))
        start += size + _GAP
        if cell.cell_len > size:
            line.rstrip()
            yield line
            line = Text(" " * start)
    line.rstrip()
    yield line


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
