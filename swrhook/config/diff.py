"""Compare two configurations by the names of their parts, never by their values."""

import json
from collections.abc import Mapping
from hashlib import sha256

from swrhook.config.nodes import Data

# For each section, a digest of every named part of it, in the order of the file.
Fingerprints = Mapping[str, Mapping[str, bytes]]

# The names end up in a line of the log, which has to end somewhere.
MAX_NAMES = 20


def make_fingerprints(checked: Mapping[str, Data]) -> Fingerprints:
    """Return the fingerprints of checked data.

    They hold no secret. A changed secret changes them.
    """
    swr = dict(checked["swr"])
    access = dict(checked.get("access", {}))
    return {
        "regions": _digests(swr.pop("regions")),
        "swr": _digests(swr),
        "tokens": _digests({token["name"]: token for token in access.pop("tokens", ())}),
        "access": _digests(access),
        "sso": _digests(checked.get("sso", {})),
        "gate": _digests(checked.get("gate", {})),
        "senders": _digests(checked["senders"]),
        "rules": _digests({rule["name"]: rule for rule in checked["rules"]}),
        "defaults": _digests(checked.get("defaults", {})),
        "notify": _digests(checked.get("notify", {})),
        "settings": _digests(checked.get("settings", {})),
    }


def rules_fingerprint(fingerprints: Fingerprints) -> str:
    """Return what identifies the rules, with their order, and their defaults."""
    parts = [[*fingerprints[section].items()] for section in ("rules", "defaults")]
    return sha256(json.dumps(parts, default=bytes.hex).encode()).hexdigest()


def make_rules_fingerprint(checked: Mapping[str, Data]) -> str:
    """Return the same of checked data."""
    rules = _digests({rule["name"]: rule for rule in checked["rules"]})
    return rules_fingerprint({"rules": rules, "defaults": _digests(checked.get("defaults", {}))})


def compare(before: Fingerprints, after: Fingerprints) -> dict[str, dict[str, list[str]]]:
    """Return the names that were added, removed and changed in each section that differs."""
    changes = {section: _compare(before[section], after[section]) for section in after}
    if _shared(before["rules"], after["rules"]) != _shared(after["rules"], before["rules"]):
        changes["rules"]["moved"] = ["their order"]
    return {section: kinds for section, kinds in changes.items() if kinds}


def _digests(parts: Mapping[str, Data]) -> dict[str, bytes]:
    return {name: _digest(value) for name, value in parts.items()}


def _digest(value: Data) -> bytes:
    # `default=str` writes durations, networks and patterns as text.
    return sha256(json.dumps(value, default=str, sort_keys=True).encode()).digest()


def _compare(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, list[str]]:
    kinds = {
        "added": [name for name in after if name not in before],
        "removed": [name for name in before if name not in after],
        "changed": [name for name in after if before.get(name, after[name]) != after[name]],
    }
    return {kind: _shorten(names) for kind, names in kinds.items() if names}


def _shorten(names: list[str]) -> list[str]:
    more = len(names) - MAX_NAMES
    return [*names[:MAX_NAMES], f"and {more} more"] if more > 0 else names


def _shared(names: Mapping[str, bytes], others: Mapping[str, bytes]) -> list[str]:
    """Return the names that both have, in the order of the first."""
    return [name for name in names if name in others]
