"""SWR's naming rules for organizations, repositories and tags.

Source: the path parameters of sync_images in SWR's API reference (2025-08-06). Its English text is
ambiguous ("hyphens cannot be placed next to each other"). These rules follow the grammar that
Docker clients and the vendor's published regular expressions share: separators of different kinds
must not be adjacent, and a hyphen may repeat. SWR publishes no rule for tags, so OCI's applies.
"""

import re

MAX_NAMESPACE_LENGTH = 64
MAX_REPOSITORY_LENGTH = 128

NAMESPACE = r"[a-z][a-z0-9]*(?:(?:[._]|__|-+)[a-z0-9]+)*"
REPOSITORY = r"[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
DIGEST = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"

_NAMESPACE = re.compile(NAMESPACE)
_REPOSITORY = re.compile(REPOSITORY)
_TAG = re.compile(TAG)
_DIGEST = re.compile(DIGEST)


def is_namespace(text: str) -> bool:
    """Return whether SWR accepts this organization name (1 to 64 characters)."""
    return len(text) <= MAX_NAMESPACE_LENGTH and _NAMESPACE.fullmatch(text) is not None


def is_repository(text: str) -> bool:
    """Return whether SWR accepts this repository name (1 to 128 characters, `/` allowed)."""
    return len(text) <= MAX_REPOSITORY_LENGTH and _REPOSITORY.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Return whether this is a tag by OCI's grammar. A digest is not."""
    return _TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Return whether this is a complete OCI digest in lower-case hex."""
    return _DIGEST.fullmatch(text) is not None
