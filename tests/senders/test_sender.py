"""Senders: their image names become names in SWR."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.model import Announcement, Push
from swrhook.senders.sender import ImageSettings, Sender, to_pushes
from swrhook.swr_names import is_namespace, is_repository, is_tag

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
A = "sha256:" + "aa" * 32


def sender(**image: str) -> Sender:
    settings = ImageSettings(**image)
    return Sender("harbor", "cn-north-4", settings, dialect="harbor", authenticate=lambda *_: None)


def names(image: dict[str, str], name: str) -> tuple[str, str] | str:
    """Return the namespace and repository for a name, or the reason why there are none."""
    pushes, reasons = to_pushes(sender(**image), [Announcement(name, "v1")])
    if pushes:
        assert reasons == []
        return pushes[0].namespace, pushes[0].repository
    return reasons[0]


STRIP = {"strip_prefix": "mirror/"}
PUT = {"namespace": "team"}
DEFAULT = {"default_namespace": "library"}


@pytest.mark.parametrize(
    ("image", "name", "expected"),
    [
        ({}, "team/shop", ("team", "shop")),
        ({}, "team/web/shop", ("team", "web/shop")),
        (STRIP, "mirror/team/shop", ("team", "shop")),
        (PUT, "shop", ("team", "shop")),
        (PUT, "web/shop", ("team", "web/shop")),
        (DEFAULT, "shop", ("library", "shop")),
        (DEFAULT, "team/shop", ("team", "shop")),
        (STRIP | PUT, "mirror/web/shop", ("team", "web/shop")),
        (STRIP | DEFAULT, "mirror/shop", ("library", "shop")),
        (PUT | DEFAULT, "shop", ("team", "shop")),
        ({}, "shop", "shop: has no organization, and the sender has no default_namespace"),
        (STRIP, "team/shop", 'team/shop: does not start with strip_prefix "mirror/"'),
        (STRIP, "mirror", 'mirror: does not start with strip_prefix "mirror/"'),
        ({}, "Team/shop", 'Team/shop:v1: SWR allows no organization named "Team"'),
        ({}, "team/Shop", 'team/Shop:v1: SWR allows no repository named "Shop"'),
        ({}, "/shop", '/shop:v1: SWR allows no organization named ""'),
        ({}, "team/", 'team/:v1: SWR allows no repository named ""'),
        (STRIP | PUT, "mirror/", 'team/:v1: SWR allows no repository named ""'),
    ],
)
def test_a_senders_names_become_names_in_swr(
    image: dict[str, str], name: str, expected: tuple[str, str] | str
) -> None:
    assert names(image, name) == expected


def test_a_push_has_the_digest_id_and_time_of_its_announcement() -> None:
    announced = Announcement("team/shop", "v1", A, "event-1", NOW)

    assert (
        [Push("harbor", "cn-north-4", "team", "shop", "v1", A, "event-1", NOW)],
        [],
    ) == to_pushes(sender(), [announced])


def test_an_invalid_tag_is_left_out_and_the_others_are_not() -> None:
    pushes, reasons = to_pushes(
        sender(), [Announcement("team/shop", tag) for tag in ("v1", "-v2", "v3")]
    )

    assert [push.tag for push in pushes] == ["v1", "v3"]
    assert reasons == ['team/shop:-v2: "-v2" is not a valid tag']


def test_equal_announcements_are_one_push() -> None:
    announced = Announcement("team/shop", "v1", A)
    other = replace(announced, digest=None)

    pushes, _ = to_pushes(sender(), [announced, announced, other, announced])

    assert [push.digest for push in pushes] == [A, None]


def test_20_000_announcements_become_pushes() -> None:
    announced = [Announcement("team/shop", f"v{n}") for n in range(20_000)]

    assert len(to_pushes(sender(), announced)[0]) == 20_000


parts = st.text("aB0-._/ ", max_size=6)


@given(
    st.lists(st.tuples(parts, parts), max_size=5),
    st.fixed_dictionaries({}, optional=dict.fromkeys((*STRIP, *PUT, *DEFAULT), parts)),
)
def test_every_announcement_becomes_a_push_or_a_reason(
    announced: Sequence[tuple[str, str]], image: dict[str, str]
) -> None:
    pushes, reasons = to_pushes(
        sender(**image), [Announcement(name, tag) for name, tag in dict.fromkeys(announced)]
    )

    assert len(set(announced)) == len(pushes) + len(reasons)
    for push in pushes:
        assert is_namespace(push.namespace)
        assert is_repository(push.repository)
        assert is_tag(push.tag)
