"""Whether an image is at a target, judged by what was seen there and at the source. No I/O."""

from dataclasses import dataclass
from enum import StrEnum


class Availability(StrEnum):
    """Whether an image is at a target now."""

    AVAILABLE = "available"
    PENDING = "pending"  # it is not there, and a sync is on its way
    MISSING = "missing"
    CHANGED = "changed"  # the target has another digest
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Observation:
    """What a place held lately, None for no such tag."""

    digest: str | None


def judge(
    target: Observation | None,
    source: Observation | None,
    digest: str | None,
    *,
    is_on_its_way: bool,
) -> Availability:
    """Judge an image at a target; None for a place that was not seen lately.

    With a `digest`, the target is compared with it, and otherwise with the source. For an image
    that is copied from nowhere, `source` is Observation(None): there is nothing to compare with.
    """
    if target is None:
        return Availability.UNKNOWN
    if target.digest is None:
        return Availability.PENDING if is_on_its_way else Availability.MISSING
    if digest is None and source is None:
        return Availability.UNKNOWN
    expected = digest or (source and source.digest)
    is_same = expected is None or target.digest == expected
    return Availability.AVAILABLE if is_same else Availability.CHANGED
