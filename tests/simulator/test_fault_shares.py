"""Tests of faults with a share: which calls they hit depends on seed and calls, not on time."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from swrhook.simulator import Fault, RunningSimulator, Scenario, Settings, start
from swrhook.simulator.accounts import Credentials
from swrhook.simulator.faults import draw
from swrhook.simulator.scenario import Reader

Swr = Callable[..., requests.Response]
TAGS = [f"v{number}" for number in range(40)]
PATHS = [f"/namespaces/group/repos/busybox/tags/{tag}" for tag in TAGS] * 3
SYNC = "/namespaces/group/repos/busybox/sync_images"
TARGET = {"remoteNamespace": "group", "remoteRegionId": "cn-east-3"}


@pytest.fixture
def sim(sim: RunningSimulator) -> RunningSimulator:
    for tag in TAGS:
        sim.state.seed("cn-north-4", "group", "busybox", tag)
    return sim


@pytest.fixture
def statuses(swr: Swr, control: Swr) -> Callable[..., Sequence[tuple[str, int]]]:
    """Return a function that reads all tags under a fault, and returns the status of each."""
    swr("GET", "/regions")

    def read(*, seed: int, threads: int = 1, share: float = 0.2) -> Sequence[tuple[str, int]]:
        control("PUT", "/settings", {"seed": seed})
        control("PUT", "/faults", {"operation": "tag", "share": share, "status": 503})
        with ThreadPoolExecutor(threads) as pool:
            answers = list(pool.map(lambda path: swr("GET", path), PATHS))
        return [(path, a.status_code) for path, a in zip(PATHS, answers, strict=True)]

    return read


def test_the_same_calls_are_hit_by_the_same_faults(
    statuses: Callable[..., Sequence[tuple[str, int]]],
) -> None:
    first, second = statuses(seed=7), statuses(seed=7)

    assert first == second
    assert first != statuses(seed=8)
    assert {status for _, status in first} == {200, 503}


def test_the_order_of_threads_does_not_change_the_faults(
    statuses: Callable[..., Sequence[tuple[str, int]]],
) -> None:
    assert Counter(statuses(seed=7)) == Counter(statuses(seed=7, threads=4))


@pytest.mark.parametrize(("share", "expected"), [(0.0, set()), (1.0, {503})])
def test_a_share_of_0_never_hits_and_a_share_of_1_always(
    statuses: Callable[..., Sequence[tuple[str, int]]], share: float, expected: set[int]
) -> None:
    results = {status for _, status in statuses(seed=1, share=share)}

    assert results - {200} == expected


def test_two_faults_hit_independently(sim: RunningSimulator, swr: Swr) -> None:
    sim.state.faults.add([Fault(operation="tag", share=0.5, delay=0.0001) for _ in range(2)])
    for path in PATHS[:20]:
        swr("GET", path)
    hits = {call.faults for call in sim.state.calls(operation="tag")}

    assert hits == {(), ("fault-1",), ("fault-2",), ("fault-1", "fault-2")}


@pytest.mark.parametrize("aim", [{"failed_tags": ["*"]}, {"job": "failed"}])
def test_a_share_of_tags_is_the_same_however_tags_are_batched(
    sim: RunningSimulator, swr: Swr, control: Swr, aim: dict[str, Any]
) -> None:
    results = []
    for size in (len(TAGS), 5):
        sim.state.reset()
        for tag in TAGS:
            sim.state.seed("cn-north-4", "group", "busybox", tag)
        control("PUT", "/faults", aim | {"share": 0.2})
        headers = {"X-Auth-Token": _token(sim)}
        for first in range(0, len(TAGS), size):
            body = TARGET | {"imageTag": TAGS[first : first + size]}
            swr("POST", SYNC, json=body, headers=headers)
        results.append({(job.tag, job.outcome) for job in sim.state.jobs()})

    assert results[0] == results[1]
    assert 0 < sum(outcome is None for _, outcome in results[0]) < len(TAGS)


def test_a_scenario_may_set_the_seed(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("settings: {seed: 12}")
    scenario = Reader(["r1"]).file(tmp_path / "s.yaml")
    with start(["r1"], scenario=scenario) as one, start(["r1"], settings=Settings(seed=3)) as other:
        assert (one.state.settings.seed, other.state.settings.seed) == (12, 3)
    assert Scenario() != scenario


@settings(max_examples=50)
@given(st.integers(), st.lists(st.text() | st.integers()))
def test_a_draw_is_repeatable_and_between_0_and_1(seed: int, parts: list[str | int]) -> None:
    assert 0 <= draw(seed, *parts) == draw(seed, *parts) < 1


def test_draws_are_distributed_evenly() -> None:
    hits = sum(draw(1, "x", number) < 0.2 for number in range(10_000))

    assert 1_800 < hits < 2_200


def _token(sim: RunningSimulator) -> str:
    return sim.state.accounts.login(Credentials("demo", "demo", "demo"), region="cn-north-4").value
