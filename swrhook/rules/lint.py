"""Compare patterns: contradictions, overlaps, and patterns that match nothing.

Whether two regular expressions overlap can take very long to find out. These functions use examples
and simple comparisons instead. They report only what is certain, and may miss cases.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from swrhook.model import Push
from swrhook.rules.glob import EVERYTHING, Glob
from swrhook.rules.match import FIELDS, Pattern, Rule, RuleResult, evaluate
from swrhook.rules.regex import Regex
from swrhook.rules.version_ranges import Semver

_ANY_VALUE = {"sender": "any", "namespace": "any", "repository": "any", "tag": "1.2.3"}
# The characters that a name may begin with; see swrhook/swr_names.py.
_FIRST_CHARACTERS = {
    "sender": b"abcdefghijklmnopqrstuvwxyz0123456789",
    "namespace": b"abcdefghijklmnopqrstuvwxyz",
    "repository": b"abcdefghijklmnopqrstuvwxyz0123456789",
    "tag": b"_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
}
# Characters that no name contains. A glob with one of them was probably written as a regular
# expression, or in another glob syntax.
_IMPOSSIBLE_CHARACTERS: Mapping[str, re.Pattern[str]] = {
    "sender": re.compile(r"[^a-z0-9._*?-]"),
    "namespace": re.compile(r"[^a-z0-9._*?-]"),
    "repository": re.compile(r"[^a-z0-9._/*?-]"),
    "tag": re.compile(r"[^A-Za-z0-9._*?-]"),
}


def example_push(rule: Rule) -> Push | None:
    """Return a push that matches the rule; None if no example matches."""
    sender, namespace, repository, tag = (_example_value(rule, field) for field in FIELDS)
    if sender is None or namespace is None or repository is None or tag is None:
        return None
    push = Push(sender, "", namespace, repository, tag)
    return push if evaluate(rule, push) is RuleResult.MATCHED else None


def _example_value(rule: Rule, field: str) -> str | None:
    """Return a value of the field that passes the rule; None if no example does."""
    patterns, unless = rule.when.get(field), rule.unless.get(field, ())
    values: Iterable[str] = [_ANY_VALUE[field]]
    if patterns is not None:
        values = (
            value
            for pattern in patterns
            for value in _candidate_values(pattern)
            if value and pattern.matches(value)
        )
    return next((v for v in values if not any(pattern.matches(v) for pattern in unless)), None)


def covers_rule(broad: Rule, narrow: Rule) -> bool:
    """Return whether `broad` certainly matches every push that `narrow` matches."""
    covers_matches = all(
        field in narrow.when and covers_all(patterns, narrow.when[field], field)
        for field, patterns in broad.when.items()
    )
    # Everything that `broad` excludes, `narrow` must exclude as well.
    covers_exclusions = all(
        covers_all(narrow.unless.get(field, ()), patterns, field)
        for field, patterns in broad.unless.items()
    )
    covers_attachments = narrow.skip_attachments or not broad.skip_attachments
    return covers_matches and covers_exclusions and covers_attachments


def covers_all(broad: Sequence[Pattern], narrow: Sequence[Pattern], field: str) -> bool:
    """Return whether every value that `narrow` matches is certainly matched by `broad`."""
    return all(any(_covers(wide, pattern, field) for wide in broad) for pattern in narrow)


def cancelled_field(rule: Rule) -> str | None:
    """Return a field in which `not` excludes everything that `when` matches, or None."""
    for field, patterns in rule.unless.items():
        if covers_all(patterns, rule.when.get(field, EVERYTHING), field):
            return field
    return None


def why_never_matches(pattern: Pattern, field: str) -> str | None:
    """Return why the pattern can never match; None if it may."""
    match pattern:
        case Glob():
            return _impossible_character(pattern, field)
        case Semver():
            empty = "no version is in this range" if pattern.is_empty else None
            return empty or _impossible_character(pattern.variant, field, "variant")
        case Regex():
            return _impossible_start(pattern, field)
        case _:
            return None


def _impossible_character(glob: Glob, field: str, part: str = "glob") -> str | None:
    match = _IMPOSSIBLE_CHARACTERS[field].search(glob.text)
    if match is None:
        return None
    hint = "a glob may have *, ** and ?; write several globs as a list"
    return f"no {field} can contain character {match.start() + 1} of this {part} ({hint})"


def _impossible_start(regex: Regex, field: str) -> str | None:
    span = regex.span()
    first = _FIRST_CHARACTERS[field]
    if span and not any(span[0][:1] <= bytes([byte]) <= span[1][:1] for byte in first):
        return f"no {field} can begin like this expression"
    return None


def _covers(broad: Pattern, narrow: Pattern, field: str) -> bool:
    """Return whether one pattern certainly matches everything that another one matches."""
    if str(broad) == str(narrow):
        return True
    if isinstance(narrow, Glob) and narrow.literal:
        return broad.matches(narrow.text)
    if not isinstance(broad, Glob):
        return False
    # Only a repository may contain `/`, which a single `*` does not match.
    stars = ("**",) if field == "repository" else ("*", "**")
    if broad.text not in {broad.prefix + star for star in stars}:
        return False
    return not broad.prefix or (isinstance(narrow, Glob) and narrow.prefix.startswith(broad.prefix))


def _candidate_values(pattern: Pattern) -> Iterator[str]:
    match pattern:
        case Glob() if pattern.literal:
            yield pattern.text
        case Glob():
            stars = pattern.text.replace("**", "*")
            yield from (stars.replace("*", some).replace("?", "1") for some in ("1", "a", ""))
        case Semver():
            yield from pattern.examples()
        case Regex():
            yield from (pattern.text, "1.2.3", "latest", "v1.2.3")
        case _:
            return
