"""CI jobs that deliver, and a registry that is pushed to, while everything else falls over.

Each event is sent until it is acknowledged; some are sent several times, at once or much later, and
no order is kept. What a sender does follows from the seed alone; how far it gets, from the machine.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Self

import requests

from tests.chaos.stage import JOBS, NAMESPACE, SECRET, Stage
from tests.programs import PATIENCE
from tests.registry import put_image

_SENDERS = 3
_REPOSITORIES = 4
_PAUSE = 0.1
_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Event:
    """What a CI job tells: an image, under an id that stays however often it is sent."""

    id: str
    repository: str
    tag: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A 2xx: the delivery that it names, and the syncs."""

    event: Event
    delivery: str
    syncs: Sequence[str]


class Load:
    """Senders at work from entering to leaving; leaving waits until all is acknowledged."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.failed: list[str] = []  # tries that were not acknowledged, and why
        self.given_up: list[Event] = []
        self.pushed: list[tuple[str, str]] = []  # repository and tag, in the registry
        self._stage = stage
        self._stop = threading.Event()
        self._given_up = threading.Event()  # what is not acknowledged by now never will be
        self._arrived = threading.Condition()
        runs = [(self._deliver, Random(f"{seed}/{n}"), n) for n in range(_SENDERS)]
        self._threads = [threading.Thread(target=run, args=rest) for run, *rest in runs]
        self._threads.append(threading.Thread(target=self._push))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self._stop.set()
        if kind is not None:
            self._given_up.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more deliveries are acknowledged."""
        with self._arrived:
            wanted = len(self.acknowledged) + count
            arrived = self._arrived.wait_for(
                lambda: len(self.acknowledged) >= wanted, timeout=2 * PATIENCE
            )
        assert arrived, f"no {count} deliveries acknowledged; last failure: {self.failed[-1:]}"

    def wait_for_failure(self) -> None:
        """Wait until one more try is not acknowledged."""
        with self._arrived:
            before = len(self.failed)
            assert self._arrived.wait_for(lambda: len(self.failed) > before, timeout=2 * PATIENCE)

    def _deliver(self, chance: Random, number: int) -> None:
        events: list[Event] = []
        while not self._stop.wait(_PAUSE):
            fresh = [self._event(chance, number, events) for _ in range(chance.randint(1, 3))]
            chance.shuffle(fresh)
            if events and chance.random() < 0.2:
                fresh.append(chance.choice(events))
            for event in fresh:
                self._send(event, copies=chance.choice((1, 1, 1, 3)))

    def _event(self, chance: Random, number: int, events: list[Event]) -> Event:
        """Push an image, mostly under a new tag, and return what a CI job tells of it."""
        repository, tag = f"app-{chance.randrange(_REPOSITORIES)}", f"s{number}-{len(events)}"
        if events and chance.random() < 0.2:
            moved = chance.choice(events)
            repository, tag = moved.repository, moved.tag
        self._stage.swr.state.seed(JOBS, NAMESPACE, repository, tag)
        events.append(Event(f"job-{number}-{len(events)}", repository, tag))
        return events[-1]

    def _send(self, event: Event, copies: int) -> None:
        more = [
            threading.Thread(target=self._until_acknowledged, args=(event,))
            for _ in range(copies - 1)
        ]
        for thread in more:
            thread.start()
        self._until_acknowledged(event)
        for thread in more:
            thread.join()

    def _until_acknowledged(self, event: Event) -> None:
        for _ in range(int(3 * PATIENCE / _PAUSE)):
            acknowledged = self._try(event)
            with self._arrived:
                if acknowledged is not None:
                    self.acknowledged.append(acknowledged)
                self._arrived.notify_all()
            if acknowledged is not None or self._given_up.wait(_PAUSE):
                return
        self.given_up.append(event)

    def _try(self, event: Event) -> Acknowledged | None:
        body = {"image": f"{NAMESPACE}/{event.repository}:{event.tag}", "id": event.id}
        headers = {"Authorization": f"Bearer {SECRET}"}
        try:
            answer = requests.post(
                f"{self._stage.url}/hooks/ci", json=body, headers=headers, timeout=_TIMEOUT
            )
        except requests.RequestException as exc:
            self.failed.append(repr(exc))
            return None
        if not answer.ok:
            self.failed.append(f"{answer.status_code} {answer.text}")
            return None
        told = answer.json()
        return Acknowledged(event, told["delivery"], [sync["id"] for sync in told["syncs"]])

    def _push(self) -> None:
        while not self._stop.wait(3 * _PAUSE):
            number = len(self.pushed)
            # A look at a repository is a pull of all its tags, of which the registry tells, too.
            repository = f"image-{number // 4}"
            put_image(self._stage.registry, f"{NAMESPACE}/{repository}", number)
            self.pushed.append((repository, f"v{number}"))
