"""Results of a benchmark, figures with their bounds and plots, and the page that shows them."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas
from rich.console import Console
from rich.table import Table

HEADINGS = ("what", "measured", "reference", "value", "at least", "moonshot", "reached")
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
PLOTS = PAGE.parent / "bench"
_MOST_LINES = 3
_WIDTH = 200  # if the output is a file or a pipe

# The same figures give the same file, without random ids.
mpl.rcParams["svg.hashsalt"] = "swrhook"


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table; `value` is compared with the bounds, in `unit`."""

    name: str
    measured: str
    reference: str
    value: float
    at_least: float | None = None  # both bounds are None if there is no goal
    moonshot: float | None = None
    unit: str = "times"
    less_is_better: bool = False

    @property
    def reached(self) -> str:
        """Return the highest bound that the value has reached."""
        for name, bound in (("moonshot", self.moonshot), ("at least", self.at_least)):
            if bound is None:
                return ""
            if self.value == bound or (self.value < bound) is self.less_is_better:
                return name
        return "missed"

    def cells(self) -> Sequence[str]:
        """Return the texts of the row, in the order of HEADINGS."""
        bound = "≤" if self.less_is_better else "≥"
        bounds = [
            "" if goal is None else f"{bound} {goal:g} {self.unit}"
            for goal in (self.at_least, self.moonshot)
        ]
        value = f"{self.value:.3g}" if self.value < 100 else f"{self.value:.0f}"
        return (
            self.name,
            self.measured,
            self.reference,
            f"{value} {self.unit}",
            *bounds,
            self.reached,
        )


@dataclass(frozen=True, slots=True)
class Plot:
    """A diagram; `lines` holds the points (x, y) of each curve by its label."""

    name: str
    title: str
    x: str
    y: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    is_logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """The results of one benchmark; `skipped` names what was not measured, with the reason."""

    figures: Sequence[Figure] = ()
    plots: Sequence[Plot] = ()
    skipped: Sequence[str] = ()


def announce(part: str) -> None:
    """Print what is measured now."""
    Console(stderr=True).print(f"measuring: {part} …", style="dim")


def show(rows: Iterable[Figure], skipped: Iterable[str], title: str) -> None:
    """Print the table."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    table = Table(*HEADINGS, title=title)
    for figure in rows:
        table.add_row(*figure.cells())
    console.print(table)
    for reason in skipped:
        console.print(f"not measured: {reason}")


def draw(plots: Iterable[Plot]) -> None:
    """Write each plot to an SVG file."""
    PLOTS.mkdir(exist_ok=True)
    for plot in plots:
        canvas = Canvas(figsize=(7, 3.6), layout="constrained")
        axes = canvas.add_subplot()
        for label, points in list(plot.lines.items())[:_MOST_LINES]:
            axes.plot(*zip(*points, strict=True), marker="o", label=label)
        if plot.is_logarithmic:
            axes.set_xscale("symlog", linthresh=1)
        ticks = sorted({x for points in plot.lines.values() for x, _ in points})
        axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
        axes.minorticks_off()
        axes.set(title=plot.title, xlabel=plot.x, ylabel=plot.y)
        axes.margins(y=0.1)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        canvas.savefig(PLOTS / f"{plot.name}.svg", metadata={"Date": None})


def write(
    figures: Iterable[Figure],
    plots: Iterable[Plot],
    skipped: Sequence[str],
    section: str = "figures",
) -> None:
    """Replace table and plots of a section in the page."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {section} -->\n", f"<!-- end of {section} -->\n"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(figure.cells() for figure in figures)]
    lines = [f"| {' | '.join(row)} |\n" for row in rows]
    lines += [f"\nNot measured: {reason}.\n" for reason in skipped]
    lines += [f"\n![{plot.title}](bench/{plot.name}.svg)\n" for plot in plots]
    PAGE.write_text(f"{before}{begin}{''.join(lines)}{end}{after}", encoding="utf-8")
