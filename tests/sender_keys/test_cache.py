"""What is cached, for how long, and how many fetches requests can cause."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from swrhook.errors import FetchFailed, KeysUnavailable
from swrhook.sender_keys.cache import BoundedTtlCache, CacheLimits


class World:
    """Has a value for every key that begins with "good", and counts the fetches."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.fetched: list[str] = []
        self.is_down = False

    def clock(self) -> float:
        return self.now

    def fetch(self, name: str) -> int:
        self.fetched.append(name)
        if self.is_down or not name.startswith("good"):
            raise FetchFailed(f"{name} is not there")
        return len(self.fetched)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def cache(world: World) -> BoundedTtlCache[int]:
    return BoundedTtlCache(world.fetch, world.clock)


def test_a_value_is_fetched_once_until_it_is_too_old(
    world: World, cache: BoundedTtlCache[int]
) -> None:
    assert [cache.get("good", 60, "us"), cache.get("good", 60, "us")] == [1, 1]
    world.now += 59.9
    assert cache.get("good", 60, "us") == 1
    world.now += 0.1
    assert cache.get("good", 60, "us") == 2


def test_each_caller_sets_its_own_maximum_age(world: World, cache: BoundedTtlCache[int]) -> None:
    cache.get("good", 60, "us")
    world.now += 30

    assert cache.get("good", 60, "us") == 1
    assert cache.get("good", 30, "us") == 2
    assert cache.get("good", 60, "us") == 2


def test_a_failure_is_cached(world: World, cache: BoundedTtlCache[int]) -> None:
    for _ in range(3):
        with pytest.raises(KeysUnavailable, match=r"^bad is not there$"):
            cache.get("bad", 60, "us")
    assert world.fetched == ["bad"]

    world.now += 30
    with pytest.raises(KeysUnavailable):
        cache.get("bad", 60, "us")
    assert world.fetched == ["bad", "bad"]


def test_a_cached_failure_expires(world: World, cache: BoundedTtlCache[int]) -> None:
    world.is_down = True
    with pytest.raises(KeysUnavailable):
        cache.get("good", 60, "us")
    world.is_down = False
    with pytest.raises(KeysUnavailable):
        cache.get("good", 60, "us")
    world.now += 30

    assert cache.get("good", 60, "us") == 2


def test_a_value_survives_a_failure_to_renew_it(world: World, cache: BoundedTtlCache[int]) -> None:
    cache.get("good", 60, "us")
    world.is_down = True
    world.now += 10
    with pytest.raises(KeysUnavailable):
        cache.get("good", 5, "us")

    assert cache.get("good", 60, "us") == 1


def test_failed_fetches_of_a_budget_are_limited_per_minute(
    world: World, cache: BoundedTtlCache[int]
) -> None:
    for number in range(50):
        with pytest.raises(KeysUnavailable):
            cache.get(f"bad-{number}", 60, "us")
    assert len(world.fetched) == 10

    with pytest.raises(KeysUnavailable, match=r"^too many unknown keys were requested"):
        cache.get("good", 60, "us")
    assert cache.get("good-too", 60, "others") == 11
    world.now += 60
    assert cache.get("good", 60, "us") == 12


def test_successful_fetches_are_not_limited(cache: BoundedTtlCache[int]) -> None:
    assert [cache.get(f"good-{number}", 60, "us") for number in range(20)] == list(range(1, 21))


def test_fetches_of_one_budget_do_not_wait_for_another() -> None:
    release, started = Event(), Event()

    def fetch(name: str) -> str:
        if name == "slow":
            started.set()
            release.wait(10)
        return name

    cache = BoundedTtlCache(fetch, World().clock)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, "slow", 60, "us")
        started.wait(10)
        assert cache.get("quick", 60, "others") == "quick"
        release.set()

        assert slow.result(10) == "slow"


def test_the_limit_of_new_keys_does_not_stop_renewals(
    world: World, cache: BoundedTtlCache[int]
) -> None:
    cache.get("good", 60, "us")
    world.now += 60
    for number in range(50):
        with pytest.raises(KeysUnavailable):
            cache.get(f"bad-{number}", 60, "us")

    assert cache.get("good", 60, "us") == 12


def test_the_oldest_entry_is_evicted(world: World) -> None:
    cache = BoundedTtlCache(world.fetch, world.clock, CacheLimits(max_entries=2))
    for name in ("good-1", "good-2", "good-3", "good-2", "good-1"):
        cache.get(name, 60, "us")

    assert world.fetched == ["good-1", "good-2", "good-3", "good-1"]


def test_concurrent_requests_for_a_key_share_one_fetch() -> None:
    world, release = World(), Event()
    started = Event()

    def fetch(name: str) -> int:
        started.set()
        release.wait(10)
        return world.fetch(name)

    cache = BoundedTtlCache(fetch, world.clock)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(cache.get, "good", 60, "us") for _ in range(8)]
        started.wait(10)
        release.set()
        values = [future.result(10) for future in asked]

    assert values == [1] * 8
    assert world.fetched == ["good"]


def test_the_wait_for_another_fetch_is_bounded() -> None:
    release, started = Event(), Event()

    def fetch(name: str) -> str:
        started.set()
        release.wait(10)
        return name

    cache = BoundedTtlCache(fetch, World().clock, CacheLimits(fetch_wait=0.01))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, "a", 60, "us")
        started.wait(10)
        with pytest.raises(KeysUnavailable, match="too many requests wait"):
            cache.get("b", 60, "us")
        release.set()

        assert first.result(10) == "a"
