"""Syncs with accounts whose logins fail, whose projects are denied, or are not listed."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.config.model import KeyCredentials
from swrhook.simulator import Fault
from swrhook.simulator.iam_app import project_id
from swrhook.simulator.model import DEMO, Json
from tests.factories import MINUTE
from tests.reliability.world import PASSWORD, SOURCE, TARGET, World

KEY = KeyCredentials(DEMO.key.access, DEMO.key.secret)
UNAUTHORIZED: Json = {"error": {"message": "Unauthorized.", "code": 401, "title": "Unauthorized"}}


# A project that IAM denies


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


# Logins that fail


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


# Projects that cannot be listed


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
