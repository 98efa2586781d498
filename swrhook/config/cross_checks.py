"""Checks what one value says about another: names that must exist or must be unique.

Works on the document as it stands, right or wrong, so that every mistake is told at once; what has
not the right type counts as absent here, for check_structure tells of it.
"""

from collections.abc import Iterator

from swrhook.auth import SCHEMES
from swrhook.config.diagnostics import Findings, did_you_mean, quote
from swrhook.config.nodes import Data, NodePath
from swrhook.config.regions import KNOWN_REGIONS
from swrhook.config.rule_schema import glob, regex
from swrhook.rules import Pattern

# A list: what a file says in a scheme's place may be anything, also what no set can look for.
_WITHOUT_PROOF = [name for name, scheme in SCHEMES.items() if not scheme.is_proof]


def check_links(data: Data, findings: Findings) -> None:
    """Find what does not fit together, rules aside."""
    _check_regions(data, findings)
    _check_senders(data, findings)
    _check_unique(data, ("access", "tokens"), "name", findings)
    _check_unique(data, ("access", "tokens"), "token", findings)
    _check_unique(data, ("rules",), "name", findings)
    if mapping(data, "senders") == {}:
        findings.warn(("senders",), "no sender is configured: nothing can be received")
    if at(data, "rules") == []:
        findings.warn(("rules",), "no rule is configured: nothing will be replicated")


def at(data: Data, *path: str) -> Data:
    """Return what stands at a path of keys, or None."""
    for key in path:
        if not isinstance(data, dict):
            return None
        data = data.get(key)
    return data


def mapping(data: Data, *path: str) -> dict[str, Data] | None:
    """Return the mapping at a path, or None."""
    value = at(data, *path)
    return value if isinstance(value, dict) else None


def items(data: Data, *path: str) -> list[Data]:
    """Return the list at a path, or an empty one."""
    value = at(data, *path)
    return value if isinstance(value, list) else []


def check_region(data: Data, path: NodePath, region: Data, findings: Findings) -> None:
    """Find a region that is used and not configured."""
    regions = mapping(data, "swr", "regions")
    if isinstance(region, str) and region and regions and region not in regions:
        known = did_you_mean(region, regions)
        findings.mistake(path, f"{quote(region)} is not in swr.regions: {known}")


def _check_regions(data: Data, findings: Findings) -> None:
    for name, region in (mapping(data, "swr", "regions") or {}).items():
        if name not in KNOWN_REGIONS and at(region, "endpoint") is None:
            message = f"is no region known here: {did_you_mean(name, KNOWN_REGIONS)}"
            findings.warn(("swr", "regions", name), message)


def _check_senders(data: Data, findings: Findings) -> None:
    for name, sender in (mapping(data, "senders") or {}).items():
        check_region(data, ("senders", name, "region"), at(sender, "region"), findings)
        is_open = at(sender, "auth", "scheme") in _WITHOUT_PROOF
        if is_open and at(sender, "allow_unauthenticated") is not True:
            findings.mistake(
                ("senders", name, "auth", "scheme"),
                "«none» lets everybody in: choose another scheme, or write "
                "«allow_unauthenticated: true» beside «auth»",
            )
        _check_mapping(("senders", name, "mapping"), sender, findings)


def _check_mapping(path: NodePath, sender: Data, findings: Findings) -> None:
    """Find expressions that are missing, or that nothing reads."""
    is_given, dialect = at(sender, "mapping") is not None, at(sender, "dialect")
    if dialect == "mapping" and not is_given:
        findings.mistake(path, "is missing: this dialect knows no image without it")
    if dialect != "mapping" and is_given:
        findings.mistake(path, "is for the dialect «mapping» alone: no other reads it")


def _check_unique(data: Data, path: tuple[str, ...], key: str, findings: Findings) -> None:
    """Find list items that share what must be each one's own; says where, not what."""
    first: dict[str, int] = {}
    for index, value in _texts(items(data, *path), key):
        if value in first:
            other = f"{'.'.join(path)}[{first[value]}]"
            findings.mistake((*path, index, key), f"is the same as {other}'s: it must be unique")
        first.setdefault(value, index)


def _texts(values: list[Data], key: str) -> Iterator[tuple[int, str]]:
    for index, value in enumerate(values):
        text = at(value, key)
        if isinstance(text, str):
            yield index, text


def check_rules(data: Data, findings: Findings) -> None:
    """Find targets that cannot be, and rules that no sender can match."""
    for index, rule in enumerate(items(data, "rules")):
        senders = _matched_senders(data, rule)
        if senders == [] and at(rule, "when", "sender") is not None:
            path: NodePath = ("rules", index, "when", "sender")
            findings.warn(path, "no configured sender matches: this rule never does")
        regions = [at(data, "senders", sender, "region") for sender in senders or ()]
        _check_targets(data, index, regions, findings)


def _check_targets(data: Data, rule: int, source_regions: list[Data], findings: Findings) -> None:
    seen: dict[tuple[str, str], int] = {}
    for index, target in enumerate(items(items(data, "rules")[rule], "sync")):
        region, namespace = at(target, "region"), at(target, "namespace")
        path: NodePath = ("rules", rule, "sync", index)
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


def _matched_senders(data: Data, rule: Data) -> list[str] | None:
    """Return the configured senders that a rule can match; None when none is configured."""
    senders = mapping(data, "senders")
    if not senders:
        return None
    when = _patterns(at(rule, "when", "sender"))
    unless = _patterns(at(rule, "when", "not", "sender")) or []
    return [
        sender
        for sender in senders
        if (when is None or _matches(when, sender)) and not _matches(unless, sender)
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


def _matches(patterns: list[Pattern], sender: str) -> bool:
    return any(pattern.matches(sender) for pattern in patterns)
