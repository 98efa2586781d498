"""One request computes at a time, a few wait, and the others are refused at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from swrhook.errors import RateLimited
from swrhook.web.api import coverage
from swrhook.web.turns import Turns
from tests.web.harness import ADMIN, READ, WebHarness, signed_in


def test_a_second_request_is_refused_while_the_first_computes() -> None:
    turns = Turns("comparison", wait=0, waiting=0)
    with (
        turns.take(),
        pytest.raises(RateLimited, match="another comparison is running"),
        turns.take(),
    ):
        pass

    with turns.take():
        pass


def test_a_few_wait_for_their_turn() -> None:
    turns = Turns("explanation", wait=30, waiting=1)

    def compute() -> str:
        with turns.take():
            return "done"

    with ThreadPoolExecutor(1) as pool:
        with turns.take():
            waiting = pool.submit(compute)
            while not waiting.running():
                pass

        assert waiting.result(30) == "done"


@pytest.mark.parametrize("name", ["syncs", "deliveries", "audit", "backfill"])
def test_large_pages_take_turns(
    harness: WebHarness, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(harness.context.large_pages, "_wait", 0)
    client = harness.client(ADMIN)
    with harness.context.large_pages.take():
        assert client.get(f"/api/v1/{name}?limit=100").status_code == 200
        assert client.get(f"/api/v1/{name}?limit=101").status_code == 429

    assert client.get(f"/api/v1/{name}?limit=101").status_code == 200


def test_a_file_of_syncs_takes_a_turn(harness: WebHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.context.large_pages, "_wait", 0)
    client = signed_in(harness, READ)
    with harness.context.large_pages.take():
        assert client.get("/repositories.csv").status_code == 429

    assert client.get("/repositories.csv").status_code == 200


def test_many_gaps_take_a_turn(harness: WebHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.context.large_pages, "_wait", 0)
    monkeypatch.setattr(coverage, "LARGEST_PAGE", 1)
    client = harness.client()
    with harness.context.large_pages.take():
        assert client.get("/api/v1/coverage?gaps=0").status_code == 200
        assert client.get("/api/v1/coverage?gaps=1000").status_code == 429


@pytest.mark.parametrize("path", ["/api/v1/explain?image=team/web:v1", "/api/v1/rules", "/rules"])
def test_routes_that_compute_take_turns(harness: WebHarness, path: str) -> None:
    client = harness.client()
    if not path.startswith("/api"):
        client = signed_in(harness, READ)
    with harness.context.computations.take():
        assert client.get(path).status_code == 429

    assert client.get(path).status_code == 200
