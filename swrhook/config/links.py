"""Checks what one value says about another: names that must exist or must be unique.

Works on the document as it stands, right or wrong, so that every mistake is told at once; what has
not the right type counts as absent here, for check_structure tells of it.
"""

from collections.abc import Iterator

from swrhook.auth import SCHEMES
from swrhook.config.findings import Findings, quote
from swrhook.config.regions import KNOWN_REGIONS
from swrhook.config.tree import Data, Path
from swrhook.config.wording import did_you_mean

# A list: what a file says in a scheme's place may be anything, also what no set can look for.
_WITHOUT_PROOF = [name for name, scheme in SCHEMES.items() if not scheme.is_proof]


def check_links(data: Data, findings: Findings) -> None:
    """Find what does not fit together, rules aside."""
    _check_regions(data, findings)
    _check_sources(data, findings)
    _check_unique(data, ("access", "tokens"), "name", findings)
    _check_unique(data, ("access", "tokens"), "token", findings)
    _check_unique(data, ("rules",), "name", findings)
    if mapping(data, "sources") == {}:
        findings.warn(("sources",), "no source is configured: nothing can be received")
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


def check_region(data: Data, path: Path, region: Data, findings: Findings) -> None:
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


def _check_sources(data: Data, findings: Findings) -> None:
    for name, source in (mapping(data, "sources") or {}).items():
        check_region(data, ("sources", name, "region"), at(source, "region"), findings)
        is_open = at(source, "auth", "scheme") in _WITHOUT_PROOF
        if is_open and at(source, "allow_unauthenticated") is not True:
            findings.mistake(
                ("sources", name, "auth", "scheme"),
                "«none» lets everybody in: choose another scheme, or write "
                "«allow_unauthenticated: true» beside «auth»",
            )
        _check_mapping(("sources", name, "mapping"), source, findings)


def _check_mapping(path: Path, source: Data, findings: Findings) -> None:
    """Find expressions that are missing, or that nothing reads."""
    is_given, dialect = at(source, "mapping") is not None, at(source, "dialect")
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
