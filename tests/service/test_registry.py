"""A real docker registry, pushed to by skopeo, notifies the real service, which is killed."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from swrhook import simulator
from tests.programs import (
    Served,
    configuration,
    docker_registry,
    make_images,
    needs,
    notifications,
    push,
)
from tests.registry import manifest, put_image
from tests.waiting import eventually

SOURCE, TARGETS = "cn-north-4", ("cn-east-3", "ap-southeast-1")
SECRET = "a-secret-of-the-registry"
TAGS = 52
MIXED = 200
# SWR allows no organization that begins with a digit.
REFUSED = "1team/app"

pytestmark = needs("docker-registry", "skopeo", "umoci")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    service = Served(tmp_path)
    yield service
    service.close()


def test_every_pushed_tag_is_verified_at_two_targets_though_the_service_is_killed_twice(
    served: Served, tmp_path: Path
) -> None:
    images = make_images(tmp_path, 4)
    notify = {"url": f"{served.url}/hooks/registry", "secret": SECRET}
    with (
        docker_registry(tmp_path, notify) as registry,
        simulator.start([SOURCE, *TARGETS], delay=0.3, mirror={SOURCE: registry}) as swr,
    ):
        for region in TARGETS:
            swr.state.create_organization(region, "team")
        served.configure(_configuration(swr))
        served.start()
        for number, image in zip(range(TAGS), itertools.cycle(images), strict=False):
            push(image, registry, f"team/app-{number % 3}:v{number}")
            if number in (TAGS // 3, 2 * TAGS // 3):
                served.kill()
                push(image, registry, f"team/app-{number % 3}:v{number}")  # nobody listens
                served.start()
        syncs = served.wait_until_ended(2 * TAGS)

        newest = {(s["repository"], s["tag"], s["target_region"]): s for s in reversed(syncs)}
        ended = {key: s["state"] for key, s in newest.items()}
        wanted = {(f"app-{n % 3}", f"v{n}", region) for n in range(TAGS) for region in TARGETS}
        assert dict.fromkeys(wanted, "verified") == ended
        assert {"verified", "superseded"} >= {sync["state"] for sync in syncs}
        for repository, tag, region in wanted:
            pushed = swr.state.digest(SOURCE, "team", repository, tag)
            assert pushed is not None
            assert pushed == swr.state.digest(region, "team", repository, tag)


def test_a_registry_delivers_everything_whatever_we_can_use_of_it(
    served: Served, tmp_path: Path
) -> None:
    """Its queue is serial: one event that is refused would hold back all behind it, for ever."""
    notify = {"url": f"{served.url}/hooks/registry", "secret": SECRET}
    with (
        docker_registry(tmp_path, notify) as registry,
        simulator.start([SOURCE, *TARGETS], delay=0, mirror={SOURCE: registry}) as swr,
    ):
        for region in TARGETS:
            swr.state.create_organization(region, "team")
        served.configure(_configuration(swr))
        served.start()
        for number in range(MIXED // 5):
            # A blob, a manifest without a tag and one with, a pull, and a delete or a second tag.
            name = REFUSED if number % 10 == 5 else "team/app"
            digest = put_image(registry, name, number)
            manifest("GET", registry, name, digest)
            manifest("DELETE", registry, "other/old", put_image(registry, "other/old", number))
        counts = _wait_until_delivered(tmp_path)
        wanted = {f"v{number}" for number in range(MIXED // 5) if number % 10 != 5}
        syncs = served.wait_until_ended(2 * len(wanted))

        assert counts["Events"] == counts["Successes"] >= MIXED
        assert counts["Failures"] + counts["Errors"] == 0
        assert wanted == {sync["tag"] for sync in syncs}
        assert {sync["state"] for sync in syncs} == {"verified"}
        assert "delivery.refused" not in {event["event"] for event in served.events()}


def _wait_until_delivered(folder: Path) -> dict[str, int]:
    assert eventually(lambda: not notifications(folder)["Pending"], pause=0.1)
    return notifications(folder)


def _configuration(swr: simulator.RunningSimulator) -> dict[str, object]:
    auth = {"scheme": "bearer", "secrets": [SECRET]}
    sender = {"dialect": "distribution", "region": SOURCE, "auth": auth}
    sync = [{"region": region, "namespace": "team"} for region in TARGETS]
    rule = {"name": "everything", "when": {"sender": "registry", "namespace": "team"}, "sync": sync}
    return configuration(swr.iam_url, swr.endpoints, {"registry": sender}, [rule])
