"""What differs between two configurations: by the names of things, never by what they hold."""

import json
from collections.abc import Mapping
from hashlib import sha256

from swrhook.config.nodes import Data

# For each section, a digest of everything in it that has a name, in the file's order.
Marks = Mapping[str, Mapping[str, bytes]]

# So many names of each kind of change are told; a line in a log has to end.
MOST_NAMES = 20


def marks(checked: Mapping[str, Data]) -> Marks:
    """Return the marks of checked data. They hold no secret, but depend on every one."""
    swr = dict(checked["swr"])
    access = dict(checked.get("access", {}))
    return {
        "regions": _marked(swr.pop("regions")),
        "swr": _marked(swr),
        "tokens": _marked({token["name"]: token for token in access.pop("tokens", ())}),
        "access": _marked(access),
        "senders": _marked(checked["senders"]),
        "rules": _marked({rule["name"]: rule for rule in checked["rules"]}),
        "defaults": _marked(checked.get("defaults", {})),
        "settings": _marked(checked.get("settings", {})),
    }


def changes(before: Marks, after: Marks) -> dict[str, dict[str, list[str]]]:
    """Return what was added, removed and changed in each section, by name; {} when nothing was."""
    found = {name: _changes(before[name], after[name]) for name in after}
    if _order(before["rules"], after["rules"]) != _order(after["rules"], before["rules"]):
        found["rules"]["moved"] = ["their order"]
    return {name: changed for name, changed in found.items() if changed}


def _marked(named: Mapping[str, Data]) -> dict[str, bytes]:
    return {name: _mark(value) for name, value in named.items()}


def _mark(value: Data) -> bytes:
    # Durations, networks, patterns and the like have a text of their own.
    return sha256(json.dumps(value, default=str, sort_keys=True).encode()).digest()


def _changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, list[str]]:
    kinds = {
        "added": [name for name in after if name not in before],
        "removed": [name for name in before if name not in after],
        "changed": [name for name in after if before.get(name, after[name]) != after[name]],
    }
    return {kind: _first(names) for kind, names in kinds.items() if names}


def _first(names: list[str]) -> list[str]:
    left = len(names) - MOST_NAMES
    return [*names[:MOST_NAMES], f"and {left} more"] if left > 0 else names


def _order(names: Mapping[str, bytes], others: Mapping[str, bytes]) -> list[str]:
    """Return the names that both have, in the order of the first."""
    return [name for name in names if name in others]
