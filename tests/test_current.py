"""One value for everybody, replaced while some still hold the one before."""

import pytest

from swrhook.service.hot_swap import HotSwap


def test_a_value_that_nobody_holds_ends_when_it_is_replaced() -> None:
    ended: list[str] = []
    current = HotSwap("old", ended.append)
    current.swap("new")

    assert current.value == "new"
    assert ended == ["old"]


def test_a_value_that_is_held_ends_with_its_last_holder() -> None:
    ended: list[str] = []
    current = HotSwap("old", ended.append)
    with current.lease() as first:
        with current.lease() as second:
            current.swap("new")
            with current.lease() as third:
                seen = (first, second, third)
        still = list(ended)
    after = list(ended)

    assert seen == ("old", "old", "new")
    assert still == []
    assert after == ["old"]


def test_a_holder_that_fails_lets_go_too() -> None:
    ended: list[str] = []
    current = HotSwap("old", ended.append)

    def fail() -> None:
        with current.lease():
            current.swap("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert ended == ["old"]


def test_each_value_ends_once() -> None:
    ended: list[int] = []
    current = HotSwap(0, ended.append)
    for number in (1, 2, 3):
        with current.lease():
            current.swap(number)

    assert ended == [0, 1, 2]
