"""The pacer: a bucket of calls for each endpoint."""

from datetime import timedelta

from swrhook.worker.pace import Pacer
from tests.ledger.parts import NOW, SECOND

NOTHING = timedelta()


def test_a_seconds_worth_goes_at_once_and_then_one_by_one() -> None:
    pacer = Pacer()
    waits = []
    for _ in range(8):
        waits.append(pacer.wait("north", NOW, 4))
        pacer.count("north", NOW, 4)

    assert [0, 0, 0, 0, 0.25, 0.5, 0.75, 1.0] == [wait.total_seconds() for wait in waits]


def test_a_bucket_fills_up_again() -> None:
    pacer = Pacer()
    for _ in range(4):
        pacer.count("north", NOW, 4)

    assert 0.25 * SECOND == pacer.wait("north", NOW, 4)
    assert NOTHING == pacer.wait("north", NOW + 0.25 * SECOND, 4)
    assert NOTHING == pacer.wait("north", NOW + 3600 * SECOND, 4)


def test_each_endpoint_has_its_own() -> None:
    pacer = Pacer()
    for _ in range(4):
        pacer.count("north", NOW, 4)

    assert NOTHING == pacer.wait("east", NOW, 4)


def test_a_clock_that_was_set_back_empties_no_bucket_for_long() -> None:
    pacer = Pacer()
    for _ in range(4):
        pacer.count("north", NOW, 4)
    before = NOW - 7200 * SECOND

    assert NOTHING == pacer.wait("north", before, 4)
    pacer.count("north", before, 4)
    assert NOTHING == pacer.wait("north", before, 4)
