"""The domain values: images, lanes and routes have readable, unique names."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from swrhook.model import Lane, Push, State, Sync, Target, route

LANE = Lane("cn-north-4", "team", "web/shop", Target("cn-east-3", "team"), override=False)


def test_an_image_is_written_as_namespace_repository_tag() -> None:
    push = Push("harbor", "cn-north-4", "team", "web/shop", "v1")
    now = datetime(2026, 3, 4, tzinfo=UTC)
    sync = Sync("0", None, "harbor", LANE, "v1", None, "all", State.PENDING, 0, now, now, None)

    assert "team/web/shop:v1" == push.image == sync.image
    assert str(LANE.target) == "cn-east-3/team"


def test_a_lane_has_a_readable_key() -> None:
    assert LANE.key == "cn-north-4/team/web/shop>cn-east-3/team:keep"
    assert replace(LANE, override=True).key == "cn-north-4/team/web/shop>cn-east-3/team:override"


def test_a_route_does_not_depend_on_the_override() -> None:
    assert route(LANE, "v1") == route(replace(LANE, override=True), "v1")
    assert route(LANE, "v1") == "cn-north-4/team/web/shop:v1>cn-east-3/team"


regions = st.sampled_from(["cn-north-4", "cn-east-3", "a"])
namespaces = st.from_regex(r"a[a0]?([._-]a)?", fullmatch=True)
repositories = st.from_regex(r"a([._/-]a){0,2}", fullmatch=True)
lanes = st.builds(
    Lane,
    regions,
    namespaces,
    repositories,
    st.builds(Target, regions, namespaces),
    override=st.booleans(),
)
tags = st.from_regex(r"a[a._-]{0,2}", fullmatch=True)


@given(st.lists(st.tuples(lanes, tags), min_size=2, max_size=10, unique=True))
def test_the_keys_of_lanes_and_routes_are_unique(pairs: list[tuple[Lane, str]]) -> None:
    lanes = {lane for lane, _ in pairs}
    routes = {(replace(lane, override=False), tag) for lane, tag in pairs}

    assert len(lanes) == len({lane.key for lane in lanes})
    assert len(routes) == len({route(lane, tag) for lane, tag in pairs})


def test_keys_fit_into_the_ledgers_columns() -> None:
    longest = Lane("r" * 63, "n" * 64, "p" * 128, Target("r" * 63, "n" * 64), override=True)

    assert len(longest.key) <= 600
    assert len(route(longest, "t" * 128)) <= 600
