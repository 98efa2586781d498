"""One rule and one push: whether the rule wants it, and the first reason why not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from swrhook.model import Push
from swrhook.rules.targets import RuleTarget

_ATTACHED = re.compile(r"(?:sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128})(?:\.([a-z0-9.-]+))?")
_KINDS = {"sig": "a signature", "att": "an attestation", "sbom": "a list of materials (SBOM)"}


def attachment(push: Push) -> str | None:
    """Name what the push is if it is no image, as «a signature»; None for an image."""
    if not push.tag.startswith("sha"):
        return None
    match = _ATTACHED.fullmatch(push.tag)
    if match is None:
        return None
    return _KINDS.get(match[1] or "", "something attached to an image")


FIELDS = ("sender", "namespace", "repository", "tag")


class Pattern(Protocol):
    """Something that a field's value fits or does not; as text it is what the file says."""

    def matches(self, value: str) -> bool:
        """Tell whether the whole of `value` fits."""
        ...


Patterns = Mapping[str, Sequence[Pattern]]


class Verdict(StrEnum):
    """What a rule says of a push."""

    WANTED = "wanted"
    NOT_MATCHED = "not matched"
    EXCLUDED = "excluded"
    ATTACHMENT = "attachment"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `when` all its fields match (any pattern of each) and no pattern of `unless`.

    A rule in `shadow` decides as any other, but nothing comes of it except the record.
    """

    name: str
    when: Patterns
    unless: Patterns
    sync: Sequence[RuleTarget]
    enabled: bool = True
    shadow: bool = False
    skip_attachments: bool = True


def judge(rule: Rule, push: Push) -> Verdict:
    """Tell what the rule says of the push. Plan, trace and everything else decide by this."""
    if not rule.enabled:
        return Verdict.DISABLED
    if not all(fits(patterns, push, field) for field, patterns in rule.when.items()):
        return Verdict.NOT_MATCHED
    if any(fits(patterns, push, field) for field, patterns in rule.unless.items()):
        return Verdict.EXCLUDED
    if rule.skip_attachments and attachment(push) is not None:
        return Verdict.ATTACHMENT
    return Verdict.WANTED


def fits(patterns: Sequence[Pattern], push: Push, field: str) -> bool:
    """Tell whether any of the patterns fits the field's value."""
    value: str = getattr(push, field)
    return any(pattern.matches(value) for pattern in patterns)
