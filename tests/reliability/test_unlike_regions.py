"""Syncs against regions and accounts that differ in what SWR's documentation leaves open.

Everything is real but SWR and IAM, which are simulated, and the clock, which is set forward.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from swrhook.config.model import KeyCredentials, PasswordCredentials, Region, Swr
from swrhook.ledger.database import Database
from swrhook.ledger.kept_state import RefusedCredentials
from swrhook.ledger.tables import syncs
from swrhook.model import Lane, Sync
from swrhook.simulator import Fault, RunningSimulator, start
from swrhook.simulator.iam_app import project_id
from swrhook.simulator.model import DEMO, Json, SeedTag
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Network
from swrhook.syncs.backoff import Verify
from tests.factories import LANE, MINUTE, NOW, everything, run_lane
from tests.worker.harness import WorkerHarness, config

SOURCE, TARGET = LANE.source_region, LANE.target.region
OVERRIDE = replace(LANE, override=True)
PASSWORD = PasswordCredentials(DEMO.name, DEMO.domain, DEMO.password)
KEY = KeyCredentials(DEMO.key.access, DEMO.key.secret)
DEADLINE = Verify().deadline
UNAUTHORIZED: Json = {"error": {"message": "Unauthorized.", "code": 401, "title": "Unauthorized"}}
# How a region without ShowRepoTag may answer it.
WITHOUT_SHOW_TAG = {
    "plain": Fault(operation="tag", status=404, body="404 page not found"),
    "html": Fault(operation="tag", status=404),
    "empty": Fault(operation="tag", status=404, body=""),
    "gateway": Fault(operation="tag", error="APIGW.0101"),
    "swr": Fault(operation="tag", error="SVCSTG.SWR.4040083"),
    "405": Fault(operation="tag", status=405),
}
PLACES = {"source": [SOURCE], "target": [TARGET], "both": [SOURCE, TARGET]}


@dataclass
class World:
    """A simulator, a ledger and a client, all on one clock."""

    simulator: RunningSimulator
    harness: WorkerHarness
    swr: Swr

    def seed(self, *tags: str, region: str = SOURCE, index: bool = False) -> None:
        for tag in tags:
            seed = SeedTag(region, LANE.namespace, LANE.repository, tag, index=index)
            self.simulator.state.push(seed)

    def fault(self, *faults: Fault) -> None:
        self.simulator.state.faults.add(faults)

    def mend(self) -> None:
        self.simulator.state.faults.clear()

    def run(self, lane: Lane = LANE, until: timedelta = timedelta(days=30)) -> None:
        """Run the lane each time it is due, until nothing is due in this time from the start."""
        clock, database = self.harness.clock, self.harness.database
        with closing(self.client()) as client:
            runner = self.harness.runner
            runner = replace(runner, gateway=replace(runner.gateway, swr=client))
            due: datetime | None = clock.time
            while due is not None and due <= NOW + until:
                clock.time = max(clock.time, due)
                due = run_lane(database, runner, lane, clock.time)
        clock.time = max(clock.time, NOW + until) if due is not None else clock.time

    def client(self) -> SwrClient:
        clock = self.harness.clock
        refused = RefusedCredentials(self.harness.database, clock)
        return SwrClient(self.swr, Network(), refused, clock)

    def row(self, sync: Sync) -> dict[str, object]:
        rows = everything(self.harness.database, syncs)
        return next(row for row in rows if row["id"] == sync.id)

    def states(self, pushed: Sequence[Sync]) -> list[object]:
        return [self.row(sync)["state"] for sync in pushed]

    def calls(self, operation: str = "sync_images", region: str = SOURCE) -> list[int | None]:
        calls = self.simulator.state.calls(operation=operation, region=region)
        return [call.status for call in calls]


@pytest.fixture
def world(harness: WorkerHarness) -> Iterator[World]:
    with start([SOURCE, TARGET], delay=1, organizations=(), clock=harness.clock) as simulator:
        regions = {name: Region(name, url, name) for name, url in simulator.endpoints.items()}
        world = World(simulator, harness, Swr(simulator.iam_url, PASSWORD, regions))
        simulator.state.create_organization(TARGET, LANE.target.namespace)
        simulator.state.create_organization(SOURCE, LANE.namespace)
        yield world


@pytest.fixture
def harness(database: Database) -> WorkerHarness:
    return WorkerHarness(database)


# 1. Regions without ShowRepoTag


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


# 2. A project that IAM denies


def denied(project: str) -> Fault:
    return Fault("iam", "tokens", project=project, status=401, body=UNAUTHORIZED)


def test_a_project_that_is_denied_at_the_target_leaves_the_source_alone(world: World) -> None:
    world.seed("v1")
    world.fault(denied(TARGET))
    [sync] = world.harness.push("v1")

    world.run(until=40 * MINUTE)

    assert world.calls() == [200]
    row = world.row(sync)
    assert row["state"] == "triggered"
    assert row["error_code"] == "refused_project"
    assert world.calls("tokens", "iam").count(401) == 2  # at first, and half an hour later

    world.mend()
    world.run()

    assert world.states([sync]) == ["verified"]


def test_a_project_that_is_denied_at_the_source_is_cured_by_another_one_that_works(
    world: World,
) -> None:
    world.seed("v1")
    world.fault(denied(SOURCE))
    [sync] = world.harness.push("v1")
    world.run(until=25 * MINUTE)
    assert (world.states([sync]), world.calls("tokens", "iam")) == (["pending"], [401])

    world.mend()
    world.run()

    assert world.states([sync]) == ["verified"]
    # First the other project's login shows that the password is right.
    assert world.calls("tokens", "iam")[:3] == [401, 201, 201]


@pytest.mark.parametrize("key", ["project", "project_id"])
def test_a_changed_project_clears_its_refusal(world: World, key: str) -> None:
    world.seed("v1")
    world.fault(denied("wrong"))
    regions = dict(world.swr.regions)
    world.swr = replace(
        world.swr, regions=regions | {SOURCE: replace(regions[SOURCE], project="wrong")}
    )
    [sync] = world.harness.push("v1")
    world.run(until=3 * MINUTE)
    assert world.states([sync]) == ["pending"]
    assert world.calls("tokens", "iam") == [401]

    new: dict[str, str] = {"project": SOURCE}
    if key == "project_id":
        new = {"project": SOURCE, "project_id": project_id(SOURCE)}
    world.swr = replace(world.swr, regions=regions | {SOURCE: replace(regions[SOURCE], **new)})
    world.run()

    assert world.states([sync]) == ["verified"]


def test_a_wrong_password_is_tried_twice_at_the_most(world: World) -> None:
    world.swr = replace(world.swr, credentials=replace(PASSWORD, password="wrong"))
    world.seed("v1")
    world.harness.push("v1")
    world.run(until=timedelta(hours=5))
    assert world.calls("tokens", "iam") == [401, 401]  # half an hour apart

    with closing(world.client()) as client:
        for region in (TARGET, SOURCE):
            with pytest.raises(Exception, match=r"refused|Unauthorized"):
                client.show_tag(region, "team", "web/shop", "v1")
            world.harness.clock.advance(hours=1)

    assert world.calls("tokens", "iam") == [401, 401]


# 3. SWR's own jobs


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


# 4. Logins that fail


@pytest.mark.parametrize(
    "login",
    [
        Fault("iam", "tokens", status=403),
        Fault("iam", "tokens", status=404),
        Fault("iam", "tokens", error="IAM.0072"),
        Fault("iam", "tokens", error="IAM.0002"),
        Fault("iam", "tokens", error="IAM.1109"),
        Fault("iam", "tokens", status=405),
    ],
    ids=lambda fault: str(fault.error or fault.status),
)
def test_a_sync_waits_for_a_login_that_fails(world: World, login: Fault) -> None:
    world.fault(login)
    world.seed("v1")
    [sync] = world.harness.push("v1")
    world.run(until=timedelta(hours=3))
    row = world.row(sync)
    assert (row["state"], world.calls()) == ("pending", [])
    assert "iam_endpoint" in str(row["error_remedy"])

    world.mend()
    world.run()

    assert world.states([sync]) == ["verified"]


def test_login_protection_while_the_target_is_polled_is_waited_for(world: World) -> None:
    world.fault(Fault("iam", "tokens", project=TARGET, status=403))
    world.seed("v1")
    [sync] = world.harness.push("v1")
    world.run(until=timedelta(hours=1))
    assert world.states([sync]) == ["triggered"]

    world.mend()
    world.run()

    assert world.states([sync]) == ["verified"]


# 5. Projects that cannot be listed


@pytest.mark.parametrize("with_ids", [False, True])
def test_a_project_id_needs_no_right_to_list_projects(world: World, *, with_ids: bool) -> None:
    world.fault(Fault("iam", "projects", error="IAM.0003"))
    regions = world.swr.regions.items()
    ids = {
        name: replace(region, project_id=project_id(name) if with_ids else None)
        for name, region in regions
    }
    world.swr = replace(world.swr, credentials=KEY, regions=ids)
    world.seed("v1")
    [sync] = world.harness.push("v1")
    world.run(until=timedelta(hours=1))

    row = world.row(sync)
    if with_ids:
        assert row["state"] == "verified"
        assert world.calls("projects", "iam") == []
    else:
        assert row["state"] == "pending"
        assert "iam:projects:listProjects" in str(row["error_remedy"])
        assert "project_id" in str(row["error_remedy"])


def test_a_login_is_for_the_project_id(world: World) -> None:
    ids = {
        name: replace(region, project_id=project_id(name))
        for name, region in world.swr.regions.items()
    }
    world.swr = replace(world.swr, regions=ids)
    world.seed("v1")
    [sync] = world.harness.push("v1")

    world.run()

    assert world.states([sync]) == ["verified"]


# 6. Answers of sync_images and lists


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
