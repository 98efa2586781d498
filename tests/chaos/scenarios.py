"""The storms: what strikes, where, and how often. Each strike is drawn from the seed."""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeAlias

from swrhook.simulator import Fault
from swrhook.simulator.model import EVERYWHERE, IAM
from tests.chaos.load import Load
from tests.chaos.reckoning import Reckoning, reckon
from tests.chaos.stage import (
    WEB,
    WORKERS,
    Stage,
    alone,
    cluster,
    on_postgresql,
    on_small_disk,
    with_own_clock,
)
from tests.cluster.conftest import until
from tests.programs import PATIENCE, Served

Strike: TypeAlias = Callable[[Stage, Load, Random, int], None]
"""It strikes for the n-th time (from 0)."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`short` and `full` are how often it strikes in the test suite and in `make chaos`."""

    name: str
    stage: Callable[[Path], AbstractContextManager[Stage]]
    strike: Strike
    short: int
    full: int
    may_fail: bool = True  # a try of a sender, which then tries again


def play(scenario: Scenario, seed: int, strikes: int, folder: Path) -> Reckoning:
    """Run a scenario; return what is left after it."""
    chance = Random(f"{seed}/{scenario.name}")
    with scenario.stage(folder) as stage:
        with Load(stage, seed) as load:
            for number in range(strikes):
                load.wait_for_more(chance.randint(5, 25))
                _pause(chance.uniform(0, 0.3))
                scenario.strike(stage, load, chance, number)
            load.wait_for_more(10)
            stage.wait_until_ready()
        return reckon(stage, load)


def kill_all_in_one(stage: Stage, _load: Load, _chance: Random, _number: int) -> None:
    """Kill the one process there is, and start it."""
    (process,) = stage.processes.values()
    process.kill()
    process.start()


def kill_in_cluster(stage: Stage, _load: Load, chance: Random, number: int) -> None:
    """Kill all four at once, a web process, or a worker; what is dead is started at once."""
    victims = (WEB + WORKERS, [chance.choice(WEB)], [chance.choice(WORKERS)])[number % 3]
    for name in victims:
        stage.processes[name].kill()
    for name in victims:
        stage.processes[name].start(ready=False)


def trouble_postgresql(stage: Stage, load: Load, chance: Random, number: int) -> None:
    """Cut every connection; restart; crash, and be away for a while."""
    if number % 3 == 0:
        stage.postgresql.cut()
    elif number % 3 == 1:
        stage.postgresql.restart()
    else:
        stage.postgresql.stop(signal.SIGQUIT)
        load.wait_for_failure()
        _pause(chance.uniform(0, 3))
        stage.postgresql.start()


def take_swr_away(stage: Stage, load: Load, chance: Random, number: int) -> None:
    """Reset every connection to SWR and IAM, or answer 503, while deliveries go on; ever longer."""
    faults = stage.swr.state.faults
    usual = faults.all()
    if number % 2 == 0:
        faults.add([Fault(region, connection="reset") for region in (EVERYWHERE, IAM)])
    else:
        faults.add([Fault(region, status=503) for region in (EVERYWHERE, IAM)])
    load.wait_for_more(chance.randint(60, 90) * (1 + number))
    _pause(30 * number)
    faults.clear()
    faults.add(usual)


def fill_disk(stage: Stage, load: Load, _chance: Random, number: int) -> None:
    """Leave the ledger no room; or let it start on a disk that has turned read-only, and repair it.

    The start is refused, with words.
    """
    (process,) = stage.processes.values()
    if number % 2 == 0:
        stage.disk.fill()
        load.wait_for_failure()
        stage.disk.clear()
        return
    process.kill()
    stage.disk.remount("ro")
    written = process.log.stat().st_size
    process.start(ready=False)
    assert process.process is not None
    assert process.process.wait(2 * PATIENCE) != 0
    assert "Traceback" not in process.log.read_text()[written:]
    stage.disk.remount("rw")
    process.start()


def stop_a_worker(stage: Stage, _load: Load, _chance: Random, number: int) -> None:
    """Let a worker stand still until another takes over, then let it go on: too late."""
    stopped, other = (stage.processes[WORKERS[(number + n) % 2]] for n in range(2))
    before = _left_behind(other)
    _signal(stopped, signal.SIGSTOP)
    until(lambda: _left_behind(other) > before)
    _signal(stopped, signal.SIGCONT)


def set_the_clock(stage: Stage, load: Load, chance: Random, number: int) -> None:
    """Set it forward by minutes, or back by hours: what is under way goes on meanwhile."""
    stage.clock.jump(chance.randint(60, 600) if number % 2 == 0 else -chance.randint(60, 6 * 3600))
    load.wait_for_more(chance.randint(5, 25))


def restart_one_by_one(stage: Stage, _load: Load, _chance: Random, number: int) -> None:
    """Restart the next process, as a rollout does."""
    process = stage.processes[(WEB + WORKERS)[number % 4]]
    assert process.stop() == 0
    process.start()


def _left_behind(process: Served) -> int:
    return process.log.read_text().count('"event": "lane.left_behind"')


def _signal(process: Served, number: signal.Signals) -> None:
    assert process.process is not None
    os.killpg(process.process.pid, number)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


SCENARIOS: Sequence[Scenario] = (
    Scenario("one process is killed", alone, kill_all_in_one, 1, 34),
    Scenario("web, worker, all are killed", cluster, kill_in_cluster, 1, 66),
    Scenario("PostgreSQL is cut off, restarted, crashed", on_postgresql, trouble_postgresql, 3, 12),
    Scenario("SWR is down", alone, take_swr_away, 1, 4),
    Scenario("the disk is full, or read-only", on_small_disk, fill_disk, 0, 10),
    Scenario("a worker stands still", cluster, stop_a_worker, 0, 4),
    Scenario("the clock jumps", with_own_clock, set_the_clock, 0, 12, may_fail=False),
    Scenario("a rollout, process by process", cluster, restart_one_by_one, 0, 8, may_fail=False),
)
