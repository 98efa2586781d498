"""SWR's naming rules for organizations, repositories and tags.

Source: the path parameters of sync_images (2025-08-06). Where its English text is ambiguous
(«hyphens cannot be placed next to each other») we follow the grammar that docker clients and
the vendor's published expressions share: separators of different kinds may not touch, a hyphen
may repeat. SWR publishes no rule for tags; OCI's holds.
"""

import re

LONGEST_NAMESPACE = 64
LONGEST_REPOSITORY = 128

NAMESPACE = r"[a-z][a-z0-9]*(?:(?:[._]|__|-+)[a-z0-9]+)*"
REPOSITORY = r"[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
DIGEST = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"

_NAMESPACE = re.compile(NAMESPACE)
_REPOSITORY = re.compile(REPOSITORY)
_TAG = re.compile(TAG)
_DIGEST = re.compile(DIGEST)


def is_namespace(text: str) -> bool:
    """Tell whether SWR accepts this organization name (1 to 64 characters)."""
    return len(text) <= LONGEST_NAMESPACE and _NAMESPACE.fullmatch(text) is not None


def is_repository(text: str) -> bool:
    """Tell whether SWR accepts this repository name (1 to 128 characters, `/` inside)."""
    return len(text) <= LONGEST_REPOSITORY and _REPOSITORY.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Tell whether this is a tag by OCI's grammar (a digest is not)."""
    return _TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Tell whether this is a complete OCI digest, lower-case hex."""
    return _DIGEST.fullmatch(text) is not None
