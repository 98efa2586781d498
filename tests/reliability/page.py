"""The tables of the fault matrix in docs/reliability.md."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.programs import ROOT
from tests.reliability.faults import Case, Place
from tests.reliability.rig import Result, Rig

PAGE = ROOT / "docs" / "reliability.md"
_HEAD = (
    "| what goes wrong | twice: ends | calls · reads · logins | for good: ends | after"
    " | calls · reads · logins | what the operator sees |\n|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A case, with its results for a temporary and for a permanent fault."""

    case: Case
    temporary: Result
    permanent: Result


def run(rig: Rig, place: Place) -> Iterator[Row]:
    """Run each case of a place with a temporary and with a permanent fault."""
    for case in place.cases:
        temporary, permanent = (
            rig.run(
                place.faults(case, permanent=permanent),
                case.tags,
                has_organization=case.has_organization,
            )
            for permanent in (False, True)
        )
        yield Row(case, temporary, permanent)


def section(place: Place, rows: Sequence[Row]) -> str:
    """Return a place's rows as a Markdown table."""
    return "\n".join([f"### {place.title}\n", _HEAD, *map(_line, rows)])


def section_in(text: str, name: str) -> str:
    """Return the section of a place in the page's text."""
    return text.partition(_mark(name))[2].partition(_mark(f"/{name}"))[0].strip()


def with_section(text: str, name: str, new: str) -> str:
    """Return the page's text with a new section for a place."""
    before, mark, rest = text.partition(_mark(name))
    _, end, after = rest.partition(_mark(f"/{name}"))
    return f"{before}{mark}\n{new}\n{end}{after}"


def _mark(name: str) -> str:
    return f"<!-- {name} -->"


def _line(row: Row) -> str:
    cells = (
        row.case.title,
        _states(row.temporary),
        _counts(row.temporary),
        _states(row.permanent),
        _duration(row.permanent.took),
        _counts(row.permanent),
        _explanation(row.permanent),
    )
    return f"| {' | '.join(cells)} |"


def _states(result: Result) -> str:
    if len(result.states) == 1:
        return f"`{next(iter(result.states))}`"
    return ", ".join(f"{count} `{state}`" for state, count in sorted(result.states.items()))


def _counts(result: Result) -> str:
    return f"{result.calls} · {result.reads} · {result.logins}"


def _duration(took: timedelta) -> str:
    minutes, seconds = divmod(round(took.total_seconds()), 60)
    return f"{minutes} min" if minutes >= 2 else f"{60 * minutes + seconds} s"


def _explanation(result: Result) -> str:
    parts = [text for text in (result.reason, result.remedy) if text]
    return " → ".join(parts).replace("|", "\\|")
