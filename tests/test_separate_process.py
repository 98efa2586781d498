"""What takes long is computed in a process of its own, with a time limit."""

import os
import signal
import time

import pytest

from swrhook.errors import BadConfiguration
from swrhook.separate_process import TookTooLong, run_separately
from swrhook.usecases.whatif import Basis, compare_text
from tests.factories import NOW

PATIENCE = 60


def test_the_function_runs_in_another_process() -> None:
    assert run_separately(PATIENCE, os.getpid) != os.getpid()
    assert run_separately(PATIENCE, os.nice, 0) > os.nice(0)


def test_its_exception_is_raised_here() -> None:
    basis = Basis({}, {}, [], "0", NOW, [], complete=True)
    with pytest.raises(BadConfiguration, match="rules"):
        run_separately(PATIENCE, compare_text, b"{}", basis)


def test_it_is_ended_after_its_time() -> None:
    with pytest.raises(TookTooLong):
        run_separately(0.2, time.sleep, PATIENCE)


def test_it_is_ended_after_its_time_of_computing() -> None:
    with pytest.raises(TookTooLong):
        run_separately(1, sum, range(10**12))


def test_an_alarm_of_its_own_is_the_end_of_its_time_too() -> None:
    """It ends the process if its caller is late, as on a very busy machine."""
    with pytest.raises(TookTooLong):
        run_separately(PATIENCE, signal.raise_signal, signal.SIGALRM)
