"""The fault matrix as docs/reliability.md shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.programs import ROOT
from tests.reliability.faults import Place, Trouble
from tests.reliability.rig import Ending, Rig

PAGE = ROOT / "docs" / "reliability.md"
_HEAD = (
    "| what goes wrong | twice: ends | calls · looks · logins | for good: ends | after"
    " | calls · looks · logins | what the operator then reads |\n|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A trouble, and how it ended when it was short and when it stayed."""

    trouble: Trouble
    short: Ending
    lasting: Ending


def run(rig: Rig, place: Place) -> Iterator[Row]:
    """Let each trouble of a place happen, short-lived and for good."""
    for trouble in place.troubles:
        short, lasting = (
            rig.run(
                place.faults(trouble, for_good=for_good),
                trouble.tags,
                organized=trouble.is_organized,
            )
            for for_good in (False, True)
        )
        yield Row(trouble, short, lasting)


def section(place: Place, rows: Sequence[Row]) -> str:
    """Write a place's rows as the page shows them."""
    return "\n".join([f"### {place.title}\n", _HEAD, *map(_line, rows)])


def shown(text: str, name: str) -> str:
    """Return what the page shows of a place."""
    return text.partition(_mark(name))[2].partition(_mark(f"/{name}"))[0].strip()


def with_section(text: str, name: str, new: str) -> str:
    """Return the page with another section for a place."""
    before, mark, rest = text.partition(_mark(name))
    _, end, after = rest.partition(_mark(f"/{name}"))
    return f"{before}{mark}\n{new}\n{end}{after}"


def _mark(name: str) -> str:
    return f"<!-- {name} -->"


def _line(row: Row) -> str:
    short, lasting = row.short, row.lasting
    cells = (
        row.trouble.words,
        _states(short),
        _counts(short),
        _states(lasting),
        _span(lasting.took),
        _counts(lasting),
        _words(lasting),
    )
    return f"| {' | '.join(cells)} |"


def _states(ending: Ending) -> str:
    if len(ending.states) == 1:
        return f"`{next(iter(ending.states))}`"
    return ", ".join(f"{count} `{state}`" for state, count in sorted(ending.states.items()))


def _counts(ending: Ending) -> str:
    return f"{ending.calls} · {ending.looks} · {ending.logins}"


def _span(took: timedelta) -> str:
    minutes, seconds = divmod(round(took.total_seconds()), 60)
    return f"{minutes} min" if minutes >= 2 else f"{60 * minutes + seconds} s"


def _words(ending: Ending) -> str:
    told = [text for text in (ending.reason, ending.remedy) if text]
    return " → ".join(told).replace("|", "\\|")
