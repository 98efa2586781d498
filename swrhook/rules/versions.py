"""Versions in tags. docs/rules.md has the grammar; this reads it.

Neither semver nor packaging reads what tags hold: `1.2`, `1.2.3-alpine3.19`, `1.2.3rc1`,
`1.2.3-debian-12-r4`. A build's `+` is no character of tags; Helm and others write `_` for it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

Release: TypeAlias = tuple[int, int, int]
# A pre-release's words and numbers in their order, a number before a word.
Stage: TypeAlias = tuple[tuple[int, int, str], ...]
# Where a version stands among others; a pre-release (0, …) before its release (1,).
Key: TypeAlias = tuple[Release, tuple[int, Stage]]

# What a single number without «v» may have: more digits are a date, a build or a commit.
LONGEST_LONE_NUMBER = 3

STAGES = (
    "alpha", "beta", "rc", "pre", "preview", "prerelease", "dev", "snapshot", "milestone", "canary",
    "nightly", "next", "edge", "ea", "cr", "m", "a", "b", "c",
)  # fmt: skip
_STAGE = rf"(?:{'|'.join(sorted(STAGES, key=len, reverse=True))})(?:[.-]?[0-9]+)*(?![0-9A-Za-z])"
STAGE = rf"(?:[.-]?(?P<stage>{_STAGE}))"
_VERSION = re.compile(
    r"(?P<v>v)?(?P<numbers>[0-9]{1,9}(?:\.[0-9]{1,9}){0,2})"
    rf"(?:(?:{STAGE})|(?:-(?P<revision>[0-9]{{1,18}})(?![0-9A-Za-z.])))?"
    r"(?:-(?P<variant>[0-9A-Za-z][0-9A-Za-z.-]*))?"
    r"(?:[_+](?P<build>[0-9A-Za-z_.-]*))?",
    re.ASCII | re.IGNORECASE,
)
_PART = re.compile(r"[0-9]+|[a-z]+")
RELEASED: tuple[int, Stage] = (1, ())


@dataclass(frozen=True, slots=True)
class Version:
    """What a tag tells of its version. `variant` is empty for a plain one, as `1.2.3`."""

    release: Release
    stage: Stage | None
    variant: str

    @property
    def key(self) -> Key:
        """Return where the version stands among others, its variant left out."""
        return self.release, RELEASED if self.stage is None else (0, self.stage)


@lru_cache(maxsize=4096)
def version(tag: str) -> Version | None:
    """Read a tag; None when it is no version."""
    match = _VERSION.fullmatch(tag)
    if match is None:
        return None
    numbers = match["numbers"]
    if match["v"] is None and numbers.isdecimal() and len(numbers) > LONGEST_LONE_NUMBER:
        return None
    stage = stage_of(match["stage"]) if match["stage"] else None
    return Version(release_of([int(n) for n in numbers.split(".")]), stage, match["variant"] or "")


def release_of(numbers: list[int]) -> Release:
    """Return one to three numbers as three."""
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return major, minor, patch


def stage_of(text: str) -> Stage:
    """Return the words and numbers of a pre-release: `rc1`, `rc.1` and `RC-1` are the same."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in _PART.findall(text.lower())
    )
