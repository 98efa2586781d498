"""A value that is replaced while the old one is still leased."""

import pytest

from swrhook.service.hot_swap import HotSwap


def test_a_value_without_leases_is_closed_when_it_is_replaced() -> None:
    closed: list[str] = []
    swap = HotSwap("old", closed.append)
    swap.swap("new")

    assert swap.value == "new"
    assert closed == ["old"]


def test_a_leased_value_is_closed_after_its_last_lease() -> None:
    closed: list[str] = []
    swap = HotSwap("old", closed.append)
    with swap.lease() as first:
        with swap.lease() as second:
            swap.swap("new")
            with swap.lease() as third:
                values = (first, second, third)
        during_lease = list(closed)
    after_lease = list(closed)

    assert values == ("old", "old", "new")
    assert during_lease == []
    assert after_lease == ["old"]


def test_a_lease_ends_when_its_block_raises() -> None:
    closed: list[str] = []
    swap = HotSwap("old", closed.append)

    def fail() -> None:
        with swap.lease():
            swap.swap("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert closed == ["old"]


def test_every_value_is_closed_once() -> None:
    closed: list[int] = []
    swap = HotSwap(0, closed.append)
    for number in (1, 2, 3):
        with swap.lease():
            swap.swap(number)

    assert closed == [0, 1, 2]
