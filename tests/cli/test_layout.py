"""The lines of a table in terminals of several widths."""

from rich.text import Text

from swrhook.cli.layout import fit_columns, lay_out

ID = "01KB3Y6Q3Z0X4W1V7S5R2N8M9P"
REASON = "no such organization; create the organization team-a in cn-east-3"
ROWS = [
    ["id", "image", "target", "why"],
    [ID, "team-a/web/shop:1.4.2", "cn-east-3/team-a", REASON],
    [ID, "team-a/web:1", "ap-southeast-1/team-a", ""],
]


def lines(width: int, rows: list[list[str]] = ROWS) -> list[str]:
    cells = [[Text(cell) for cell in row] for row in rows]
    return [line.plain for line in lay_out(cells, width)]


def test_a_wide_terminal_has_one_line_for_each_row() -> None:
    [heading, first, second] = lines(160)

    starts = [first.index(cell) for cell in ROWS[1]]
    assert starts == [heading.index(cell) for cell in ROWS[0]]
    assert second == f"{ID}  team-a/web:1           ap-southeast-1/team-a"


def kept(width: int) -> list[list[str]]:
    """Return the cells that a list with spare columns shows: the id, and the reason."""
    cells = [[Text(cell) for cell in row] for row in ROWS]
    fitting = fit_columns(cells, width, spare=[0, 3], prose=True)
    return [[cell.plain for cell in row] for row in fitting]


def test_the_columns_that_are_missed_least_are_left_out_first() -> None:
    assert kept(160) == ROWS
    assert kept(120)[1] == [*ROWS[1][:3], "no such organization; create the organization…"]
    assert kept(90)[1] == [*ROWS[1][1:3], "no such organization; create the organizati…"]
    assert kept(75)[1] == ROWS[1][:3]
    assert kept(50)[1] == ROWS[1][1:3]


def test_what_fits_in_no_way_is_without_all_of_them() -> None:
    assert kept(40)[1] == ROWS[1][1:3]


def test_a_name_that_is_too_long_breaks_its_own_line_only() -> None:
    long = f"team-a/{'long-' * 8}name:1"

    assert lines(60, [[long, "cn-east-3"], ["team-a/web:1", "cn-east-3"], ["x", "y" * 20]]) == [
        long,
        f"{' ' * 40}cn-east-3",
        f"team-a/web:1{' ' * 28}cn-east-3",
        f"x{' ' * 39}{'y' * 20}",
    ]


def test_a_last_column_that_is_too_long_is_wrapped_in_its_place() -> None:
    [heading, first, second, _] = lines(120)

    assert heading.index("why") == first.index("no such") == len(second) - len(second.lstrip())
    assert max(map(len, (first, second))) <= 120


def test_columns_that_do_not_fit_are_below_and_no_name_is_broken() -> None:
    assert lines(60) == [
        "id                          image",
        "  target  why",
        f"{ID}  team-a/web/shop:1.4.2",
        "  cn-east-3/team-a  no such organization; create the",
        "  organization team-a in cn-east-3",
        f"{ID}  team-a/web:1",
        "  ap-southeast-1/team-a",
    ]


def test_a_word_without_room_in_its_column_is_below_it() -> None:
    digest = f"sha256:{'a' * 64}"

    shown = lines(60, [["digest", digest], ["calls", "1"]])

    assert shown == ["digest", f"  {digest}", "calls   1"]
