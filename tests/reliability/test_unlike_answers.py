"""Syncs with answers of sync_images and lists of tags that differ between regions."""

from dataclasses import replace

import pytest

from swrhook.model import Lane
from swrhook.simulator import Fault
from tests.factories import LANE
from tests.reliability.world import OVERRIDE, PLACES, SOURCE, TARGET, WITHOUT_SHOW_TAG, World


@pytest.mark.parametrize("without_show_tag", [False, True])
def test_an_image_that_sync_images_does_not_find_is_called_for_again(
    world: World, *, without_show_tag: bool
) -> None:
    if without_show_tag:
        world.fault(replace(WITHOUT_SHOW_TAG["gateway"], region=SOURCE))
    world.fault(Fault(SOURCE, "sync_images", error="SVCSTG.SWR.4040010", times=3))
    world.seed("v1")
    [sync] = world.harness.push("v1")

    world.run()

    assert world.states([sync]) == ["verified"]
    assert world.calls() == [404, 404, 404, 200]


@pytest.mark.parametrize(
    ("answer", "state", "message"),
    [
        (Fault(error="SVCSTG.SWR.4040010"), "exhausted", "cn-north-4 shows team/web/shop:v1, but"),
        (Fault(error="SVCSTG.SWR.4040058"), "rejected", "cn-east-3 has no organization team"),
        (Fault(status=404), "rejected", "cn-north-4 has no sync_images"),
        (Fault(status=405), "rejected", "405 Method Not Allowed"),
        (Fault(error="APIGW.0101"), "rejected", "the gateway knows no such address"),
        (Fault(status=409, body="sync job is running"), "exhausted", "sync job is running"),
    ],
    ids=lambda value: str(value.error or value.status) if isinstance(value, Fault) else "",
)
def test_not_found_after_the_tag_was_seen_is_not_about_the_source(
    world: World, answer: Fault, state: str, message: str
) -> None:
    world.fault(replace(answer, region=SOURCE, operation="sync_images"))
    world.seed("v1")
    [sync] = world.harness.push("v1")

    world.run()

    row = world.row(sync)
    assert row["state"] == state
    assert str(row["error_message"]).startswith(message)
    assert row["error_remedy"]
    assert "never appeared" not in str(row["reason"])


def test_an_unknown_conflict_is_retried(world: World) -> None:
    body = [{"errorCode": "SVCSTG.SWR.4099999", "errorMessage": "sync job is running"}]
    world.fault(Fault(SOURCE, "sync_images", status=409, body=body, times=2))
    world.seed("v1")
    [sync] = world.harness.push("v1")

    world.run()

    assert (world.states([sync]), world.calls()) == (["verified"], [409, 409, 200])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("count", [1, 3])
def test_a_list_without_digests_makes_no_difference_where_tags_can_be_shown(
    world: World, place: str, count: int
) -> None:
    for region in PLACES[place]:
        world.fault(Fault(region, "tags", without_members=("digest",)))
    tags = [f"v{number}" for number in range(count)]
    world.seed(*tags)
    pushed = world.harness.push(*tags)

    world.run()

    assert world.states(pushed) == ["verified"] * count


@pytest.mark.parametrize("shape", ["plain", "gateway"])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("place", PLACES)
def test_a_tag_without_a_digest_is_unreadable_and_not_absent(
    world: World, place: str, count: int, shape: str
) -> None:
    for region in PLACES[place]:
        world.fault(replace(WITHOUT_SHOW_TAG[shape], region=region))
        world.fault(Fault(region, "tags", without_members=("digest",)))
    tags = [f"v{number}" for number in range(count)]
    world.seed(*tags)
    pushed = world.harness.push(*tags)

    world.run()

    assert world.states(pushed) == ["unverified"] * count
    assert world.calls() == [200]
    codes = {world.row(sync)["error_code"] for sync in pushed}
    assert codes == {"not_comparable" if place == "source" else "no_digest"}


def test_show_tag_without_a_digest_is_left_to_the_list(world: World) -> None:
    for region in (SOURCE, TARGET):
        world.fault(Fault(region, "tag", without_members=("digest",)))
    world.seed("v1")
    [sync] = world.harness.push("v1")

    world.run()

    assert world.states([sync]) == ["verified"]


def test_another_image_at_the_target_says_how_to_decide(world: World) -> None:
    world.seed("v1")
    world.seed("v1", region=TARGET)
    [sync] = world.harness.push("v1")

    world.run()

    row = world.row(sync)
    assert (row["state"], row["error_code"]) == ("diverged", "diverged")
    assert "decide which image is right" in str(row["error_remedy"])
    assert "set override for this target in the rule all" in str(row["error_remedy"])


@pytest.mark.parametrize("lane", [LANE, OVERRIDE], ids=["keep", "override"])
def test_an_index_that_swr_writes_anew_is_verified_by_its_images(world: World, lane: Lane) -> None:
    state = world.simulator.state
    state.configure(replace(state.settings, rewrite_indexes=True))
    world.seed("v1", index=True)
    [sync] = world.harness.push("v1", override=lane.override)

    world.run(lane)

    row = world.row(sync)
    expected = "SWR wrote the index anew, with the same images, by digest: linux/amd64, linux/arm64"
    assert (row["state"], row["reason"]) == ("verified", expected)
    assert world.calls() == [200]


def test_another_index_at_the_target_has_diverged_and_says_what_was_compared(world: World) -> None:
    world.seed("v1", index=True)
    world.seed("v1", region=TARGET, index=True)
    [sync] = world.harness.push("v1")

    world.run()

    row = world.row(sync)
    assert row["state"] == "diverged"
    assert "its images differ, by digest: linux/amd64, linux/arm64" in str(row["reason"])


def test_a_rewritten_index_whose_images_are_not_shown_has_diverged(world: World) -> None:
    state = world.simulator.state
    state.configure(replace(state.settings, rewrite_indexes=True))
    world.fault(Fault(TARGET, "tags", without_members=("manifest",)))
    world.seed("v1", index=True)
    [sync] = world.harness.push("v1")

    world.run()

    row = world.row(sync)
    assert row["state"] == "diverged"
    assert "shown on one side only: not compared" in str(row["reason"])
