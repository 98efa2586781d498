"""Syncs against regions and accounts that differ in what SWR's documentation leaves open.

Everything is real but SWR and IAM, which are simulated, and the clock, which is set forward.
"""

from dataclasses import replace
from itertools import product

import pytest

from swrhook.model import Lane
from swrhook.simulator import Fault
from swrhook.syncs.backoff import Verify
from tests.factories import LANE, MINUTE, NOW
from tests.reliability.world import (
    DEADLINE,
    OVERRIDE,
    PLACES,
    SOURCE,
    TARGET,
    WITHOUT_SHOW_TAG,
    World,
)
from tests.worker.harness import config

# Regions without ShowRepoTag


@pytest.mark.parametrize(
    ("shape", "place", "count"),
    [*product(WITHOUT_SHOW_TAG, ["both"], [1]), *product(["plain"], PLACES, (1, 2, 3))],
)
def test_the_list_replaces_show_tag_where_a_region_lacks_it(
    world: World, shape: str, place: str, count: int
) -> None:
    for region in PLACES[place]:
        world.fault(replace(WITHOUT_SHOW_TAG[shape], region=region))
    tags = [f"v{number}" for number in range(count)]
    world.seed(*tags)
    pushed = world.harness.push(*tags)

    world.run()

    assert world.states(pushed) == ["verified"] * count
    assert world.calls() == [200]


@pytest.mark.parametrize("shape", WITHOUT_SHOW_TAG)
def test_a_region_without_show_tag_is_asked_for_it_once(world: World, shape: str) -> None:
    world.fault(replace(WITHOUT_SHOW_TAG[shape], region=SOURCE))
    for tag in ("v1", "v2"):
        world.seed(tag)
        world.harness.push(tag)
        world.run()

    assert len(world.calls("tag")) == 1


@pytest.mark.parametrize("shape", WITHOUT_SHOW_TAG)
def test_a_tag_that_appears_later_is_found_without_show_tag(world: World, shape: str) -> None:
    world.fault(replace(WITHOUT_SHOW_TAG[shape], region=SOURCE))
    [sync] = world.harness.push("v1")
    world.run(until=10 * MINUTE)
    assert world.row(sync)["reason"] == "not in cn-north-4 yet"

    world.seed("v1")
    world.run()

    assert world.states([sync]) == ["verified"]


def test_a_tag_that_never_appears_ends_with_a_remedy(world: World) -> None:
    world.fault(replace(WITHOUT_SHOW_TAG["plain"], region=SOURCE))
    [sync] = world.harness.push("v1")

    world.run()

    row = world.row(sync)
    assert (row["state"], row["reason"]) == ("missing", "never appeared in the source region")
    assert row["error_code"] == "source_missing"
    assert "push the image to SWR in cn-north-4" in str(row["error_remedy"])
    assert world.calls() == []


# SWR's own jobs


@pytest.mark.parametrize("lane", [LANE, OVERRIDE], ids=["keep", "override"])
@pytest.mark.parametrize("without_show_tag", [False, True])
def test_a_job_that_runs_for_long_is_waited_for(
    world: World, lane: Lane, *, without_show_tag: bool
) -> None:
    if without_show_tag:
        world.fault(*(replace(WITHOUT_SHOW_TAG["plain"], region=name) for name in (SOURCE, TARGET)))
    world.fault(Fault(operation="sync_images", job_delay=3 * DEADLINE.total_seconds()))
    world.seed("v1")
    [sync] = world.harness.push("v1", override=lane.override)
    world.run(lane, until=2 * DEADLINE)
    assert world.row(sync)["reason"] == "not at cn-east-3/team yet: SWR's job is waiting"

    world.run(lane)

    assert world.states([sync]) == ["verified"]
    assert world.calls() == [200]


def test_a_job_that_never_ends_is_called_again_after_job_deadline(world: World) -> None:
    verify = replace(Verify(), job_deadline=2 * DEADLINE, retriggers=1)
    world.harness.config = config(verify=verify)
    world.fault(Fault(operation="sync_images", job="never", job_shown="running"))
    world.seed("v1")
    [sync] = world.harness.push("v1")

    world.run()

    row = world.row(sync)
    assert (row["state"], row["error_code"]) == ("missing", "target_missing")
    assert world.calls() == [200, 200]
    assert world.harness.clock.time >= NOW + 4 * DEADLINE


def test_a_job_that_succeeds_while_nothing_is_shown_is_unverified(world: World) -> None:
    world.fault(Fault(operation="sync_images", job="never", job_shown="success"))
    world.seed("v1")
    [sync] = world.harness.push("v1")

    world.run()

    row = world.row(sync)
    assert (row["state"], row["error_code"]) == ("unverified", "not_visible")
    assert "right" in str(row["error_remedy"])
    assert world.calls() == [200]
