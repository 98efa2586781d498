"""A rule, and its evaluation for one push."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from swrhook.model import Push
from swrhook.wording.message import say

FIELDS = ("sender", "namespace", "repository", "tag")
VARIABLES = ("namespace", "repository")

_VARIABLE = re.compile(r"\{([^{}]*)\}")

# cosign stores signatures and attestations under tags that are named after the image's digest.
_ATTACHMENT_TAG = re.compile(r"(?:sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128})(?:\.([a-z0-9.-]+))?")
_ATTACHMENT_KINDS = {
    "sig": say("a signature"),
    "att": say("an attestation"),
    "sbom": say("an SBOM"),
}


def describe_attachment(push: Push) -> str | None:
    """Return what is attached to an image under this tag, as "a signature"; None for an image."""
    if not push.tag.startswith("sha"):
        return None
    match = _ATTACHMENT_TAG.fullmatch(push.tag)
    if match is None:
        return None
    return _ATTACHMENT_KINDS.get(match[1] or "", say("something attached to an image"))


def attachment_reason(push: Push) -> str:
    """Return the reason for skipping an attachment."""
    return say("%(attachment)s is skipped (skip_attachments)", attachment=describe_attachment(push))


class Pattern(Protocol):
    """A condition on the value of one field; `str` returns it as in the configuration file."""

    def matches(self, value: str) -> bool:
        """Return whether the pattern matches the whole of `value`."""
        ...


Patterns = Mapping[str, Sequence[Pattern]]


class RuleResult(StrEnum):
    """The result of evaluating a rule for a push."""

    MATCHED = "matched"
    NOT_MATCHED = "not matched"
    EXCLUDED = "excluded"
    ATTACHMENT = "attachment"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class RuleTarget:
    """A target in a rule; `{namespace}` and `{repository}` are replaced by the push's own."""

    region: str
    namespace: str
    override: bool = False

    def namespace_for(self, push: Push) -> str:
        """Return the organization for this push. It may be one that SWR does not allow."""
        if "{" not in self.namespace:
            return self.namespace
        values = {"namespace": push.namespace, "repository": push.repository}
        return _VARIABLE.sub(lambda variable: values[variable[1]], self.namespace)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. A push matches if each field in `when` matches any of its patterns.

    A push that also matches any pattern in `unless` is excluded. A rule in `shadow` is evaluated
    and recorded like any other, but its syncs are not carried out. `backfill` says what happens to
    the tags that were there before the rule: `auto` copies them, `ask` proposes it.
    """

    name: str
    when: Patterns
    unless: Patterns
    sync: Sequence[RuleTarget]
    enabled: bool = True
    shadow: bool = False
    skip_attachments: bool = True
    backfill: str = "ask"


def evaluate(rule: Rule, push: Push) -> RuleResult:
    """Return the result of the rule for the push. Every decision on rules goes through here."""
    if not rule.enabled:
        return RuleResult.DISABLED
    if not all(matches_any(patterns, push, field) for field, patterns in rule.when.items()):
        return RuleResult.NOT_MATCHED
    if any(matches_any(patterns, push, field) for field, patterns in rule.unless.items()):
        return RuleResult.EXCLUDED
    if rule.skip_attachments and describe_attachment(push) is not None:
        return RuleResult.ATTACHMENT
    return RuleResult.MATCHED


def matches_any(patterns: Sequence[Pattern], push: Push, field: str) -> bool:
    """Return whether any of the patterns matches the push's value of the field."""
    value: str = getattr(push, field)
    return any(pattern.matches(value) for pattern in patterns)


def unknown_variables(template: str) -> list[str]:
    """Return the names in braces in a target's organization that are not variables."""
    return [name for name in _VARIABLE.findall(template) if name not in VARIABLES]
