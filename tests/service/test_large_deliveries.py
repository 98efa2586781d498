"""A served process is killed while it expands a delivery of very many tags."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.postgresql import new_database
from tests.programs import DELIVERY_HEADERS, Served, configuration
from tests.waiting import eventually

TAGS = 4000
NOWHERE = "http://127.0.0.1:1"
SECRET = DELIVERY_HEADERS["Authorization"].removeprefix("Bearer ")
SENDER = {
    "dialect": "generic",
    "region": "cn-north-4",
    "auth": {"scheme": "bearer", "secrets": [SECRET]},
    "max_images": TAGS,
}
BODY = [f"team/web:v{number}" for number in range(TAGS)]


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A service whose SWR does not answer, so that every sync stays open."""
    with new_database() as url:
        environ = {"SWRHOOK_WORKERS": "1"}
        if request.param == "postgresql":
            environ["SWRHOOK_DATABASE_URL"] = url
        service = Served(tmp_path, environ)
        rules = [{"name": "all", "when": {}, "sync": [{"region": "cn-east-3", "namespace": "t"}]}]
        endpoints = dict.fromkeys(("cn-north-4", "cn-east-3"), NOWHERE)
        service.configure(configuration(NOWHERE, endpoints, {"ci": SENDER}, rules))
        service.start()
        yield service
        service.close()


def recorded(served: Served, answer: Any) -> list[dict[str, Any]]:
    """Return the syncs of a delivery so far."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = served.get(f"{answer['syncs_url']}&limit=1000{cursor}")
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


def test_a_kill_during_the_expansion_changes_nothing_in_the_result(served: Served) -> None:
    response = served.deliver("ci", BODY)
    answer = response.json()
    assert (response.status_code, answer["syncs_total"]) == (202, TAGS)

    small = served.deliver("ci", ["team/web:v3999"]).json()
    for _ in range(3):
        served.kill()
        served.start()
        assert served.deliver("ci", ["team/other:v1"]).status_code in (200, 202)

    path = f"/api/v1/deliveries/{answer['delivery']}"
    assert eventually(lambda: not served.get(path)["expanding"], pause=0.1)
    syncs = {sync["tag"]: sync for sync in recorded(served, answer)}
    assert sorted(syncs) == sorted(name.partition(":")[2] for name in BODY)
    assert {sync["state"] for sync in syncs.values()} == {"pending", "superseded"}
    superseded = [sync for sync in syncs.values() if sync["state"] == "superseded"]
    assert [sync["superseded_by"] for sync in superseded] == [small["syncs"][0]["id"]]
