"""The chaos scenarios: which faults occur, where, and how often; all follow from the seed."""

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
from tests.chaos.result import Result, count_result
from tests.chaos.stage import (
    WEB,
    WORKERS,
    Stage,
    alone,
    alone_with_mass,
    cluster,
    cluster_with_mass,
    on_postgresql,
    on_small_disk,
    with_own_clock,
)
from tests.cluster.conftest import until
from tests.programs import PATIENCE, Served

FaultFunction: TypeAlias = Callable[[Stage, Load, Random, int], None]
"""Causes the n-th fault of a run, counted from 0."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario; `short` and `full` count its faults in the test suite and in `make chaos`."""

    name: str
    stage: Callable[[Path], AbstractContextManager[Stage]]
    cause_fault: FaultFunction
    short: int
    full: int
    may_fail: bool = True  # a try of a sender may fail, and is repeated
    lanes_per_fault: int = 0  # of the mass


def play(scenario: Scenario, seed: int, faults: int, folder: Path) -> Result:
    """Run a scenario with so many faults."""
    chance = Random(f"{seed}/{scenario.name}")
    with scenario.stage(folder) as stage:
        with Load(stage, seed) as load:
            load.deliver_mass(faults * scenario.lanes_per_fault)
            for number in range(faults):
                load.wait_for_more(chance.randint(5, 25))
                _pause(chance.uniform(0, 0.3))
                scenario.cause_fault(stage, load, chance, number)
            load.wait_for_more(10)
            stage.wait_until_ready()
        return count_result(stage, load)


def kill_all_in_one(stage: Stage, _load: Load, _chance: Random, _number: int) -> None:
    """Kill the only process, and start it again."""
    (process,) = stage.processes.values()
    process.kill()
    process.start()


def kill_in_cluster(stage: Stage, _load: Load, chance: Random, number: int) -> None:
    """Kill all four processes, a web process, or a worker, and start them again."""
    victims = (WEB + WORKERS, [chance.choice(WEB)], [chance.choice(WORKERS)])[number % 3]
    for name in victims:
        stage.processes[name].kill()
    for name in victims:
        stage.processes[name].start(ready=False)


def kill_all_in_one_with_mass(stage: Stage, load: Load, chance: Random, number: int) -> None:
    """Push alone, then kill the only process, or the other way round."""
    _push_and_kill(load, chance, lambda: kill_all_in_one(stage, load, chance, number))


def kill_in_cluster_with_mass(stage: Stage, load: Load, chance: Random, number: int) -> None:
    """Push alone, then kill processes of the cluster, or the other way round."""
    _push_and_kill(load, chance, lambda: kill_in_cluster(stage, load, chance, number))


def _push_and_kill(load: Load, chance: Random, kill: Callable[[], None]) -> None:
    steps = [load.push_alone, kill]
    chance.shuffle(steps)
    for step in steps:
        step()


def disrupt_postgresql(stage: Stage, load: Load, chance: Random, number: int) -> None:
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


def interrupt_swr(stage: Stage, load: Load, chance: Random, number: int) -> None:
    """Reset all connections to SWR and IAM, or answer 503, longer each time; deliveries go on."""
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
    """Fill the ledger's disk, or start the service on a read-only disk, then repair the disk.

    The start on a read-only disk must be refused with a message.
    """
    (process,) = stage.processes.values()
    if number % 2 == 0:
        stage.disk.fill()
        load.wait_for_failure()
        stage.disk.clear()
        return
    process.kill()
    stage.disk.remount("ro")
    log_size = process.log.stat().st_size
    process.start(ready=False)
    assert process.process is not None
    assert process.process.wait(2 * PATIENCE) != 0
    assert "Traceback" not in process.log.read_text()[log_size:]
    stage.disk.remount("rw")
    process.start()


def freeze_worker(stage: Stage, _load: Load, _chance: Random, number: int) -> None:
    """Freeze a worker until another one takes over, then let it continue, too late."""
    frozen, other = (stage.processes[WORKERS[(number + n) % 2]] for n in range(2))
    before = _takeovers(other)
    _signal(frozen, signal.SIGSTOP)
    until(lambda: _takeovers(other) > before)
    _signal(frozen, signal.SIGCONT)


def set_clock(stage: Stage, load: Load, chance: Random, number: int) -> None:
    """Set the clock forward by minutes or back by hours, while deliveries go on."""
    stage.clock.jump(chance.randint(60, 600) if number % 2 == 0 else -chance.randint(60, 6 * 3600))
    load.wait_for_more(chance.randint(5, 25))


def restart_one_by_one(stage: Stage, _load: Load, _chance: Random, number: int) -> None:
    """Restart the next process gracefully, as a rollout does."""
    process = stage.processes[(WEB + WORKERS)[number % 4]]
    assert process.stop() == 0
    process.start()


def _takeovers(process: Served) -> int:
    return process.log.read_text().count('"event": "lane.left_behind"')


def _signal(process: Served, number: signal.Signals) -> None:
    assert process.process is not None
    os.killpg(process.process.pid, number)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


SCENARIOS: Sequence[Scenario] = (
    Scenario("one process is killed", alone, kill_all_in_one, 1, 34),
    Scenario("web, worker and all processes are killed", cluster, kill_in_cluster, 1, 66),
    # In the test suite only the first, with 500 lanes: the second takes a minute.
    Scenario(
        "10,000 lanes, kills, and lone pushes",
        alone_with_mass,
        kill_all_in_one_with_mass,
        1,
        20,
        lanes_per_fault=500,
    ),
    Scenario(
        "10,000 lanes, kills in a cluster, and lone pushes",
        cluster_with_mass,
        kill_in_cluster_with_mass,
        0,
        20,
        lanes_per_fault=500,
    ),
    Scenario("PostgreSQL is cut off, restarted, crashed", on_postgresql, disrupt_postgresql, 3, 12),
    Scenario("SWR is down", alone, interrupt_swr, 1, 4),
    Scenario("the disk is full, or read-only", on_small_disk, fill_disk, 0, 10),
    Scenario("a worker freezes", cluster, freeze_worker, 0, 4),
    Scenario("the clock jumps", with_own_clock, set_clock, 0, 12, may_fail=False),
    Scenario("a rollout, process by process", cluster, restart_one_by_one, 0, 8, may_fail=False),
)
