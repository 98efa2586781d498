"""What a question to SWR has found."""

from dataclasses import dataclass
from enum import StrEnum

from swrhook.errors import SwrError


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    UNKNOWN = "unknown"  # SWR does not say, or was not asked
    WARNING = "warning"  # syncs go on, but not as well as they could
    PROBLEM = "problem"  # syncs will fail


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the diagnosis: about what, what was found, and what to do about it."""

    level: Level
    about: str
    message: str
    remedy: str = ""


def failed(about: str, error: SwrError, level: Level = Level.PROBLEM) -> Finding:
    """Return the finding for a question that was not answered."""
    return Finding(level, about, str(error), error.remedy)
