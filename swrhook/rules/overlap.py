"""What patterns have in common, as far as examples and plain comparison tell.

Two expressions may overlap in a way that nobody finds quickly. So `covers` says yes only where it
is certain, and `example` finds a push that a rule wants or none.
"""

from collections.abc import Iterator, Sequence

from swrhook.model import Push
from swrhook.rules.glob import Glob
from swrhook.rules.match import FIELDS, Pattern, Rule, Verdict, judge
from swrhook.rules.ranges import Semver
from swrhook.rules.regex import Regex

_ANY = {"source": "any", "namespace": "any", "repository": "any", "tag": "1.2.3"}
# What a name can begin with; see swrhook/names.py.
_BEGINNINGS = {
    "source": b"abcdefghijklmnopqrstuvwxyz0123456789",
    "namespace": b"abcdefghijklmnopqrstuvwxyz",
    "repository": b"abcdefghijklmnopqrstuvwxyz0123456789",
    "tag": b"_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
}


def example(rule: Rule) -> Push | None:
    """Return a push that the rule wants; None where none is found."""
    values = [_value(rule, field) for field in FIELDS]
    source, namespace, repository, tag = (value or "" for value in values)
    if "" in {source, namespace, repository, tag}:
        return None
    push = Push(source, "", namespace, repository, tag)
    return push if judge(rule, push) is Verdict.WANTED else None


def _value(rule: Rule, field: str) -> str | None:
    """Return a value of the field that the rule lets pass; None where none is found."""
    return next(
        (
            value
            for value in _values(rule.when.get(field), field)
            if not any(pattern.matches(value) for pattern in rule.unless.get(field, ()))
        ),
        None,
    )


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
    everything = (Glob("**"),)
    for field, patterns in rule.unless.items():
        if covers_all(patterns, rule.when.get(field, everything), field):
            return field
    return None


def never_matches(pattern: Pattern, field: str) -> str | None:
    """Return why nothing can fit the pattern; None where something may."""
    if isinstance(pattern, Semver) and pattern.is_empty:
        return "no version is in this range"
    if isinstance(pattern, Regex):
        span = pattern.span()
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
        case Glob():
            stars = pattern.text.replace("**", "*")
            yield from (stars.replace("*", some).replace("?", "1") for some in ("1", "a", ""))
        case Semver():
            yield from pattern.examples()
        case Regex():
            yield from (pattern.text, "1.2.3", "latest", "v1.2.3")
        case _:
            return
