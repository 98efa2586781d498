"""The load during a chaos run: CI jobs that deliver, and pushes to a docker registry.

A scenario may add the mass: very many lanes of another sender, each a repository with one tag.

Each event is sent until it is acknowledged. Some are sent several times, at once or much later, and
in no order. What a sender does depends only on the seed; how fast, on the machine.
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
MASS_TAG = "v0"
_PORTION = 1000  # images of a delivery


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a CI job: an image, and an id that is the same whenever the event is sent."""

    id: str
    repository: str
    tag: str


@dataclass(frozen=True, slots=True)
class LonePush:
    """A push while the mass waits, and how many calls were made before its acknowledgement."""

    repository: str
    calls_before: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An event that was answered 2xx, with the ids of its delivery and syncs."""

    event: Event
    delivery: str
    syncs: Sequence[str]


class Load:
    """Runs senders during a `with` block, which ends when all events are acknowledged."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.failed: list[str] = []  # tries that were not acknowledged, with the reason
        self.given_up: list[Event] = []
        self.pushed: list[tuple[str, str]] = []  # repository and tag, in the registry
        self.mass: list[str] = []  # repositories
        self.alone: list[LonePush] = []
        self._stage = stage
        self._stop = threading.Event()
        self._given_up = threading.Event()  # events are not retried any more
        self._tried = threading.Condition()
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
        with self._tried:
            total = len(self.acknowledged) + count
            reached = self._tried.wait_for(
                lambda: len(self.acknowledged) >= total, timeout=2 * PATIENCE
            )
        assert reached, f"no {count} deliveries acknowledged; last failure: {self.failed[-1:]}"

    def wait_for_failure(self) -> None:
        """Wait until one more try is not acknowledged."""
        with self._tried:
            before = len(self.failed)
            assert self._tried.wait_for(lambda: len(self.failed) > before, timeout=2 * PATIENCE)

    def deliver_mass(self, lanes: int) -> None:
        """Push and announce the mass, before anything fails."""
        self.mass = [f"mass-{number}" for number in range(lanes)]
        for repository in self.mass:
            self._stage.swr.state.seed(JOBS, NAMESPACE, repository, MASS_TAG)
        for first in range(0, lanes, _PORTION):
            portion = self.mass[first : first + _PORTION]
            images = [f"{NAMESPACE}/{repository}:{MASS_TAG}" for repository in portion]
            self._post("mass", {"images": images}).raise_for_status()

    def push_alone(self) -> None:
        """Push one tag of a new repository, until it is acknowledged."""
        name = f"alone-{len(self.alone)}"
        self._stage.swr.state.seed(JOBS, NAMESPACE, name, MASS_TAG)
        self._send_until_acknowledged(Event(name, name, MASS_TAG))
        calls_before = len(self._stage.swr.state.calls(operation="sync_images"))
        self.alone.append(LonePush(name, calls_before))

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
        """Push an image, usually under a new tag, and return the event of a CI job."""
        repository, tag = f"app-{chance.randrange(_REPOSITORIES)}", f"s{number}-{len(events)}"
        if events and chance.random() < 0.2:
            moved = chance.choice(events)
            repository, tag = moved.repository, moved.tag
        self._stage.swr.state.seed(JOBS, NAMESPACE, repository, tag)
        events.append(Event(f"job-{number}-{len(events)}", repository, tag))
        return events[-1]

    def _send(self, event: Event, copies: int) -> None:
        threads = [
            threading.Thread(target=self._send_until_acknowledged, args=(event,))
            for _ in range(copies - 1)
        ]
        for thread in threads:
            thread.start()
        self._send_until_acknowledged(event)
        for thread in threads:
            thread.join()

    def _send_until_acknowledged(self, event: Event) -> None:
        for _ in range(int(3 * PATIENCE / _PAUSE)):
            acknowledged = self._try(event)
            with self._tried:
                if acknowledged is not None:
                    self.acknowledged.append(acknowledged)
                self._tried.notify_all()
            if acknowledged is not None or self._given_up.wait(_PAUSE):
                return
        self.given_up.append(event)

    def _try(self, event: Event) -> Acknowledged | None:
        body = {"image": f"{NAMESPACE}/{event.repository}:{event.tag}", "id": event.id}
        try:
            answer = self._post("ci", body)
        except requests.RequestException as exc:
            self.failed.append(repr(exc))
            return None
        if not answer.ok:
            self.failed.append(f"{answer.status_code} {answer.text}")
            return None
        body = answer.json()
        return Acknowledged(event, body["delivery"], [sync["id"] for sync in body["syncs"]])

    def _post(self, sender: str, body: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {SECRET}"}
        url = f"{self._stage.url}/hooks/{sender}"
        return requests.post(url, json=body, headers=headers, timeout=_TIMEOUT)

    def _push(self) -> None:
        while not self._stop.wait(3 * _PAUSE):
            number = len(self.pushed)
            # Reading a repository pulls all its tags, and the registry notifies of pulls too: so
            # a repository gets only a few tags.
            repository = f"image-{number // 4}"
            put_image(self._stage.registry, f"{NAMESPACE}/{repository}", number)
            self.pushed.append((repository, f"v{number}"))
