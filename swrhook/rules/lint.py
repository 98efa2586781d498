"""What patterns have in common, as far as examples and plain comparison tell.

Two expressions may overlap in a way that nobody finds quickly. So `covers` says yes only where it
is certain, and `example` finds a push that a rule wants or none.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from swrhook.model import Push
from swrhook.rules.glob import Glob
from swrhook.rules.match import FIELDS, Pattern, Rule, Verdict, judge
from swrhook.rules.regex import Regex
from swrhook.rules.version_ranges import Semver

_EVERYTHING = (Glob("**"),)
_ANY = {"sender": "any", "namespace": "any", "repository": "any", "tag": "1.2.3"}
# What a name can begin with; see swrhook/swr_names.py.
_BEGINNINGS = {
    "sender": b"abcdefghijklmnopqrstuvwxyz0123456789",
    "namespace": b"abcdefghijklmnopqrstuvwxyz",
    "repository": b"abcdefghijklmnopqrstuvwxyz0123456789",
    "tag": b"_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
}
# What stands in no name of this kind. A glob with such a character was mostly meant as another
# language's.
_FOREIGN: Mapping[str, re.Pattern[str]] = {
    "sender": re.compile(r"[^a-z0-9._*?-]"),
    "namespace": re.compile(r"[^a-z0-9._*?-]"),
    "repository": re.compile(r"[^a-z0-9._/*?-]"),
    "tag": re.compile(r"[^A-Za-z0-9._*?-]"),
}


def example(rule: Rule) -> Push | None:
    """Return a push that the rule wants; None where none is found."""
    sender, namespace, repository, tag = (_value(rule, field) for field in FIELDS)
    if sender is None or namespace is None or repository is None or tag is None:
        return None
    push = Push(sender, "", namespace, repository, tag)
    return push if judge(rule, push) is Verdict.WANTED else None


def _value(rule: Rule, field: str) -> str | None:
    """Return a value of the field that the rule lets pass; None where none is found."""
    unless = rule.unless.get(field)
    for value in _values(rule.when.get(field), field):
        if unless is None or not any(pattern.matches(value) for pattern in unless):
            return value
    return None


def covers_rule(broad: Rule, narrow: Rule) -> bool:
    """Tell whether `broad` certainly wants every push that `narrow` wants."""
    wants = all(
        field in narrow.when and covers_all(patterns, narrow.when[field], field)
        for field, patterns in broad.when.items()
    )
    spares = all(
        covers_all(narrow.unless.get(field, ()), patterns, field)
        for field, patterns in broad.unless.items()
    )
    return wants and spares and (narrow.skip_attachments or not broad.skip_attachments)


def covers_all(broad: Sequence[Pattern], narrow: Sequence[Pattern], field: str) -> bool:
    """Tell whether what fits any of `narrow` certainly fits one of `broad`."""
    return all(any(_covers(wide, each, field) for wide in broad) for each in narrow)


def cancels(rule: Rule) -> str | None:
    """Return the field in which `not` excludes all that `when` lets pass; None for none."""
    for field, patterns in rule.unless.items():
        if covers_all(patterns, rule.when.get(field, _EVERYTHING), field):
            return field
    return None


def never_matches(pattern: Pattern, field: str) -> str | None:
    """Return why nothing can fit the pattern; None where something may."""
    match pattern:
        case Glob():
            return _foreign(pattern, field)
        case Semver():
            empty = "no version is in this range" if pattern.is_empty else None
            return empty or _foreign(pattern.variant, field, "its variant's")
        case Regex():
            return _begins_as_none(pattern, field)
        case _:
            return None


def _foreign(glob: Glob, field: str, its: str = "its") -> str | None:
    found = _FOREIGN[field].search(glob.text)
    if found is None:
        return None
    known = "a glob knows *, ** and ?, and several stand in a list"
    return f"no {field} holds what is {its} character {found.start() + 1} ({known})"


def _begins_as_none(regex: Regex, field: str) -> str | None:
    span = regex.span()
    begins = _BEGINNINGS[field]
    if span and not any(span[0][:1] <= bytes([byte]) <= span[1][:1] for byte in begins):
        return f"no {field} begins as this expression does"
    return None


def _covers(broad: Pattern, narrow: Pattern, field: str) -> bool:
    if str(broad) == str(narrow):
        return True
    if isinstance(narrow, Glob) and narrow.literal:
        return broad.matches(narrow.text)
    if not isinstance(broad, Glob):
        return False
    stars = ("**",) if field == "repository" else ("*", "**")
    if broad.text not in {broad.prefix + star for star in stars}:
        return False
    return not broad.prefix or (isinstance(narrow, Glob) and narrow.prefix.startswith(broad.prefix))


def _values(patterns: Sequence[Pattern] | None, field: str) -> Iterator[str]:
    """Yield values that fit one of the patterns; any value where there are none."""
    if patterns is None:
        yield _ANY[field]
        return
    for pattern in patterns:
        for value in _examples(pattern):
            if value and pattern.matches(value):
                yield value


def _examples(pattern: Pattern) -> Iterator[str]:
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
