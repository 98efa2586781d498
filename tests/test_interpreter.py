"""The interpreter is shared while any thread computes for long, and as usual afterwards."""

import gc
import sys

import pytest

from swrhook.interpreter import SharedInterpreter


def test_threads_switch_often_and_no_garbage_is_collected_meanwhile() -> None:
    interpreter, usual = SharedInterpreter(), sys.getswitchinterval()

    with interpreter.computing():
        with interpreter.computing():
            pass
        assert sys.getswitchinterval() < usual
        assert not gc.isenabled()

    assert (sys.getswitchinterval(), gc.isenabled()) == (usual, True)


def test_an_error_ends_it_too() -> None:
    interpreter, usual = SharedInterpreter(), sys.getswitchinterval()

    with pytest.raises(ZeroDivisionError), interpreter.computing():
        raise ZeroDivisionError

    assert (sys.getswitchinterval(), gc.isenabled()) == (usual, True)
