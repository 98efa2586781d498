"""What a lone tag costs: requests to SWR and transactions of the ledger, with the real engine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from swrhook.clock import SystemClock
from swrhook.ledger.database import Database
from swrhook.ledger.deliveries import record
from swrhook.model import State, Sync
from swrhook.syncs.backoff import Backoff, Verify
from swrhook.syncs.decisions import Decision
from tests.factories import TARGET, A, entry, push
from tests.worker.engine import PATIENCE, AwaitedOutcomes, running
from tests.worker.harness import WorkerHarness, config

SHORT = Backoff(timedelta(seconds=0.05), timedelta(seconds=0.1))


class Transactions:
    """Counts the transactions of the engine's threads, those that only read as well."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._ended = threading.Condition()
        self._write, self._read = database.write, database.read
        monkeypatch.setattr(database, "write", self._count_write)
        monkeypatch.setattr(database, "read", self._count_read)

    def wait_for_the_first(self) -> None:
        """Wait for what the engine does when it starts, and count from there."""
        with self._ended:
            assert self._ended.wait_for(lambda: self.count == 1, PATIENCE)
            self.count = 0

    @contextmanager
    def _count_write(self, *, durable: bool = True) -> Iterator[Connection]:
        with self._write(durable=durable) as connection:
            yield connection
        self._add()

    @contextmanager
    def _count_read(self) -> Iterator[Connection]:
        with self._read() as connection:
            yield connection
        self._add()

    def _add(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            with self._ended:
                self.count += 1
                self._ended.notify_all()


@pytest.fixture
def transactions(database: Database, monkeypatch: pytest.MonkeyPatch) -> Transactions:
    return Transactions(database, monkeypatch)


@pytest.mark.on("sqlite")
def test_a_lone_tag_takes_few_requests_and_transactions(
    harness: WorkerHarness, transactions: Transactions
) -> None:
    spent: dict[State, tuple[int, int]] = {}

    class Outcomes(AwaitedOutcomes):
        def sync(self, sync: Sync, state: State, decision: Decision, now: datetime) -> None:
            spent[state] = (harness.swr.requests, transactions.count)
            super().sync(sync, state, decision, now)

    outcomes = harness.outcomes = Outcomes()
    harness.config = config(verify=Verify(SHORT))
    harness.swr.put("v1", A)
    harness.target_cache.has_namespace(TARGET, SystemClock().now(), lambda: True)

    with running(harness, threads=8) as engine:
        transactions.wait_for_the_first()
        with harness.database.write() as connection:
            record(connection, [entry(push("v1"), at=harness.clock.time)])
            engine.wake(connection)
        assert outcomes.wait_for(State.VERIFIED)

    # Take the lane; read source and target, claim; call, settle. Take it again; read both, settle.
    requests, written = spent[State.TRIGGERED]
    assert requests <= 3
    assert written <= 3
    requests, written = spent[State.VERIFIED]
    assert requests <= 5
    assert written <= 5
