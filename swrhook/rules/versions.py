"""Parse versions in tags. docs/rules.md has the grammar.

Neither of the packages `semver` and `packaging` parses usual tags such as `1.2`,
`1.2.3-alpine3.19`, `1.2.3rc1` and `1.2.3-debian-12-r4`. A tag cannot contain the `+` of build
metadata; Helm and others write `_` instead.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

Release: TypeAlias = tuple[int, int, int]
# The words and numbers of a pre-release. A number sorts before a word, as in SemVer.
Stage: TypeAlias = tuple[tuple[int, int, str], ...]
# The sort key of a version. A pre-release, (0, …), sorts before its release, (1, …).
Key: TypeAlias = tuple[Release, tuple[int, Stage]]

# A single number without "v" and with more digits is a date, a build number or a commit.
MAX_SINGLE_NUMBER_LENGTH = 3

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
    """A parsed version. `variant` is the rest of the tag, `alpine` in `1.2.3-alpine`."""

    release: Release
    stage: Stage | None
    variant: str

    @property
    def key(self) -> Key:
        """Return the sort key, which ignores the variant."""
        return self.release, RELEASED if self.stage is None else (0, self.stage)


@lru_cache(maxsize=4096)
def parse_version(tag: str) -> Version | None:
    """Parse a tag; return None if it is not a version."""
    match = _VERSION.fullmatch(tag)
    if match is None:
        return None
    numbers = match["numbers"]
    if match["v"] is None and numbers.isdecimal() and len(numbers) > MAX_SINGLE_NUMBER_LENGTH:
        return None
    stage = parse_stage(match["stage"]) if match["stage"] else None
    return Version(to_release([int(n) for n in numbers.split(".")]), stage, match["variant"] or "")


def to_release(numbers: list[int]) -> Release:
    """Return one to three numbers as three; missing ones are 0."""
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return major, minor, patch


def parse_stage(text: str) -> Stage:
    """Parse a pre-release; `rc1`, `rc.1` and `RC-1` are the same."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in _PART.findall(text.lower())
    )
