"""Versions in tags: the examples of the grammar in docs/rules.md, and their order."""

import pytest

from swrhook.rules.versions import Version, parse_version

RC1 = ((1, 0, "rc"), (0, 1, ""))


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("1.2.3", Version((1, 2, 3), None, "")),
        ("v1.2.3", Version((1, 2, 3), None, "")),
        ("1.2", Version((1, 2, 0), None, "")),
        ("1", Version((1, 0, 0), None, "")),
        ("22.04", Version((22, 4, 0), None, "")),
        ("v20260101", Version((20260101, 0, 0), None, "")),
        ("1.2.3-rc1", Version((1, 2, 3), RC1, "")),
        ("1.2.3-rc.1", Version((1, 2, 3), RC1, "")),
        ("1.2.3-RC-1", Version((1, 2, 3), RC1, "")),
        ("1.2.3rc1", Version((1, 2, 3), RC1, "")),
        ("1.2.3-SNAPSHOT", Version((1, 2, 3), ((1, 0, "snapshot"),), "")),
        ("1.2.3-alpine", Version((1, 2, 3), None, "alpine")),
        ("1.2.3-alpine3.19", Version((1, 2, 3), None, "alpine3.19")),
        ("1.2.3-rc1-alpine", Version((1, 2, 3), RC1, "alpine")),
        ("1.2.3-4", Version((1, 2, 3), None, "")),
        ("1.2.3-20260101", Version((1, 2, 3), None, "")),
        ("1.2.3-4-slim", Version((1, 2, 3), None, "slim")),
        ("1.2.3-debian-12-r4", Version((1, 2, 3), None, "debian-12-r4")),
        ("1.2.3-bookworm", Version((1, 2, 3), None, "bookworm")),
        ("1.2.3-amd64", Version((1, 2, 3), None, "amd64")),
        ("1.2.3_build.5", Version((1, 2, 3), None, "")),
        ("1.2.3-rc1_build.5", Version((1, 2, 3), RC1, "")),
        ("20260101", None),
        ("4711", None),
        ("latest", None),
        ("1.2.3.4", None),
        ("1.2.", None),
        ("1.2.3-", None),
        ("1.2.3alpine", None),
        ("v", None),
        ("", None),
        ("release-1.2.3", None),
        ("deadbeef", None),
        ("1234567", None),
        ("sha256-" + "ab" * 32, None),
        ("\u0661.2.3", None),
    ],
)
def test_a_tag_is_parsed_as_a_version(tag: str, expected: Version | None) -> None:
    assert parse_version(tag) == expected


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("1.2.3-alpha", "1.2.3-alpha.1"),
        ("1.2.3-alpha.1", "1.2.3-beta"),
        ("1.2.3-rc.2", "1.2.3-rc.10"),
        ("1.2.3-rc10", "1.2.3"),
        ("1.2.3", "1.2.10"),
        ("1.9", "1.10"),
        ("1.9.9", "2"),
    ],
)
def test_versions_are_ordered(earlier: str, later: str) -> None:
    first, second = parse_version(earlier), parse_version(later)
    assert first is not None
    assert second is not None
    assert first.key < second.key
