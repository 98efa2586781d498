"""Checks what rules say about sources and regions."""

from swrhook.config.findings import Findings
from swrhook.config.links import at, check_region, items, mapping
from swrhook.config.patterns import glob, regex
from swrhook.config.tree import Data, Path
from swrhook.rules import Pattern


def check_rules(data: Data, findings: Findings) -> None:
    """Find targets that cannot be, and rules that no source can match."""
    for index, rule in enumerate(items(data, "rules")):
        sources = _matched_sources(data, rule)
        if sources == [] and at(rule, "when", "source") is not None:
            path: Path = ("rules", index, "when", "source")
            findings.warn(path, "no configured source matches: this rule never does")
        regions = [at(data, "sources", source, "region") for source in sources or ()]
        _check_targets(data, index, regions, findings)


def _check_targets(data: Data, rule: int, source_regions: list[Data], findings: Findings) -> None:
    seen: dict[tuple[str, str], int] = {}
    for index, target in enumerate(items(items(data, "rules")[rule], "sync")):
        region, namespace = at(target, "region"), at(target, "namespace")
        path: Path = ("rules", rule, "sync", index)
        check_region(data, (*path, "region"), region, findings)
        if not isinstance(region, str):
            continue
        if source_regions and all(region == source_region for source_region in source_regions):
            message = "is the region that the images come from: they are there already"
            findings.mistake((*path, "region"), message)
        if not isinstance(namespace, str):
            continue
        if (region, namespace) in seen:
            message = f"is the same target as sync[{seen[region, namespace]}]: keep one"
            findings.mistake(path, message)
        seen.setdefault((region, namespace), index)


def _matched_sources(data: Data, rule: Data) -> list[str] | None:
    """Return the configured sources that a rule can match; None when none is configured."""
    sources = mapping(data, "sources")
    if not sources:
        return None
    when = _patterns(at(rule, "when", "source"))
    unless = _patterns(at(rule, "when", "not", "source")) or []
    return [
        source
        for source in sources
        if (when is None or _matches(when, source)) and not _matches(unless, source)
    ]


def _patterns(value: Data) -> list[Pattern] | None:
    """Return one pattern or a list of them as a list; None where there is none, or a wrong one."""
    if value is None:
        return None
    listed = [_pattern(each) for each in (value if isinstance(value, list) else [value])]
    return None if None in listed else [each for each in listed if each is not None]


def _pattern(value: Data) -> Pattern | None:
    if isinstance(value, str):
        return glob(str(value))
    expression = at(value, "regex")
    try:
        return regex(str(expression)) if isinstance(expression, str) else None
    except ValueError:
        return None


def _matches(patterns: list[Pattern], source: str) -> bool:
    return any(pattern.matches(source) for pattern in patterns)
