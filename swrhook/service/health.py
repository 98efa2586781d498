"""The health of a process, for /healthz, /readyz and the dashboard."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# Returns a problem in words, or None. It has to be quick: load balancers poll it.
Check = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Health:
    """The checks of a process, by name.

    A problem found by one of `checks` makes the process unready. A problem found by one of `notes`
    is shown and leaves it ready: it works, but not as its operator intends. `configuration` returns
    the version in use and since when.
    """

    checks: Mapping[str, Check] = field(default_factory=dict)
    notes: Mapping[str, Check] = field(default_factory=dict)
    configuration: Callable[[], Mapping[str, str]] = dict

    def failing(self) -> dict[str, str]:
        """Return the problems that make this process unready, by check."""
        return _problems(self.checks)

    def noted(self) -> dict[str, str]:
        """Return the problems that leave this process ready, by note."""
        return _problems(self.notes)


def _problems(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: problem for name, check in checks.items() if (problem := check()) is not None}
