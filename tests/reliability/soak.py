"""The soak: many tags between three regions, the served service, and a storm of faults."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from random import Random
from threading import local
from typing import Any

import requests

from swrhook.simulator import Call, RunningSimulator, Settings, start
from tests.programs import TOKEN, Served, configuration
from tests.reliability.storm import storm

REGIONS = ("cn-north-4", "cn-east-3", "ap-southeast-1")
BATCH = 100
PER_DELIVERY = 25
OPEN = {"pending", "calling", "triggered"}
_SECRET = "a-secret-of-the-soak"
_SENDERS = 8
# The organization at the target, where it is another one: nobody has this.
_TARGETS = {"nowhere": "nobody"}
# By the organization of a repository: in which state its syncs are to end.
ENDS = {"team": "verified", "kept": "diverged", "nowhere": "rejected", "absent": "missing"}


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with its tags, in the region where they are pushed."""

    region: str
    namespace: str
    name: str
    tags: Sequence[str]
    moves: bool  # its tags are pushed again, with other digests

    @property
    def targets(self) -> Sequence[str]:
        """Return the regions that want its tags."""
        return [region for region in REGIONS if region != self.region]

    def digest(self, tag: str, push: int) -> str:
        """Return what a tag holds after its first push, or a later one."""
        return f"sha256:{sha256(f'{self.name}:{tag}/{push}'.encode()).hexdigest()}"


def repositories(count: int, tags: int) -> Sequence[Repository]:
    """Return repositories with so many tags each; four in ten are out of the ordinary."""
    names = [f"v{number}" for number in range(tags)]
    found = []
    for number in range(count):
        kind = {1: "kept", 3: "nowhere", 5: "absent"}.get(number % 10, "team")
        moves = number % 10 == 7
        found.append(Repository(REGIONS[number % 3], kind, f"app-{number}", names, moves))
    return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it all."""

    repositories: Sequence[Repository]
    deliveries: int
    syncs: Sequence[Mapping[str, Any]]
    calls: Sequence[Call]
    wrong: Sequence[str]
    pushing: float  # seconds
    took: float

    @property
    def tags(self) -> int:
        """Count the tags that were pushed."""
        return sum(len(repository.tags) for repository in self.repositories)

    @property
    def states(self) -> Counter[str]:
        """Count the syncs by their state."""
        return Counter(str(sync["state"]) for sync in self.syncs)

    @property
    def made(self) -> Sequence[Call]:
        """Return the calls of sync_images."""
        return [call for call in self.calls if call.operation == "sync_images"]

    @property
    def least(self) -> int:
        """Count the calls that would have done, had nothing gone wrong and all come at once."""
        return sum(
            len(repository.targets) * -(-len(repository.tags) // BATCH) * (1 + repository.moves)
            for repository in self.repositories
            if repository.namespace in ("team", "kept")
        )

    @property
    def struck(self) -> int:
        """Count the calls of sync_images that something went wrong with, or with tags of them."""
        return sum(bool(call.faults) for call in self.made)


@dataclass(frozen=True)
class Soak:
    """One run; `tell` is told how many syncs have ended, of how many."""

    folder: Path
    repositories: int
    tags: int  # of each
    share: float
    seed: int
    tell: Callable[[int, int], None] = lambda _ended, _of: None
    patience: float = 1800.0

    def run(self) -> Outcome:
        """Push everything, wait until all has ended, and compare."""
        settings = Settings(delay=0.3, seed=self.seed)
        organizations = ("team", "kept", "absent")
        with start(REGIONS, organizations=organizations, settings=settings) as swr:
            served = Served(self.folder, {"SWRHOOK_WORKERS": "16", "SWRHOOK_LOG_LEVEL": "WARNING"})
            served.configure(_document(swr))
            self._seed(swr)
            swr.state.faults.add(storm(self.share))
            served.start()
            try:
                return self._run(swr, served)
            finally:
                served.close()

    @cached_property
    def _repositories(self) -> Sequence[Repository]:
        return repositories(self.repositories, self.tags)

    @property
    def _moving(self) -> Sequence[Repository]:
        return [repository for repository in self._repositories if repository.moves]

    def _run(self, swr: RunningSimulator, served: Served) -> Outcome:
        began = time.monotonic()
        first = self._deliver(served, self._repositories, push=1)
        for repository in self._moving:
            _push(swr, repository, push=2)
        deliveries = first + self._deliver(served, self._moving, push=2)
        pushing = time.monotonic() - began
        self._wait(served)
        took = time.monotonic() - began
        syncs = served.syncs()
        return Outcome(
            self._repositories,
            deliveries,
            syncs,
            swr.state.calls(),
            [*_wrong_states(self._repositories, syncs), *_wrong_tags(swr, self._repositories)],
            pushing,
            took,
        )

    def _seed(self, swr: RunningSimulator) -> None:
        for repository in self._repositories:
            if repository.namespace != "absent":
                _push(swr, repository, push=1)
            if repository.namespace == "kept":
                for region in repository.targets:
                    for tag in repository.tags:
                        swr.state.seed(region, "kept", repository.name, tag)

    def _deliver(self, served: Served, pushed: Sequence[Repository], push: int) -> int:
        """Send the pushes of all repositories, mixed; return how many deliveries it took."""
        bodies = [body for repository in pushed for body in _bodies(repository, push)]
        Random(self.seed).shuffle(bodies)
        sessions = local()

        def send(sent: tuple[str, bytes]) -> None:
            if not hasattr(sessions, "own"):
                sessions.own = requests.Session()
            region, body = sent
            url = f"{served.url}/hooks/{region}"
            headers = {"Authorization": f"Bearer {_SECRET}", "Content-Type": "application/json"}
            answer = sessions.own.post(url, body, headers=headers, timeout=60)
            while answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:  # as a sender would
                time.sleep(int(answer.headers["Retry-After"]))
                answer = sessions.own.post(url, body, headers=headers, timeout=60)
            assert answer.ok, answer.text

        with ThreadPoolExecutor(_SENDERS) as pool:
            for _ in pool.map(send, bodies):
                pass
        return len(bodies)

    def _wait(self, served: Served) -> None:
        """Wait until no sync is under way."""
        expected = sum(
            len(repository.tags) * len(repository.targets) * (1 + repository.moves)
            for repository in self._repositories
        )
        deadline = time.monotonic() + self.patience
        while (under_way := _open_syncs(served)) and time.monotonic() < deadline:
            self.tell(expected - under_way, expected)
            time.sleep(1)
        self.tell(expected - under_way, expected)


def _push(swr: RunningSimulator, repository: Repository, push: int) -> None:
    for tag in repository.tags:
        digest = repository.digest(tag, push)
        swr.state.seed(repository.region, repository.namespace, repository.name, tag, digest)


def _bodies(repository: Repository, push: int) -> Iterator[tuple[str, bytes]]:
    """Yield the bodies that announce a repository's tags, and the sender that sends them."""
    for first in range(0, len(repository.tags), PER_DELIVERY):
        body = {
            "id": f"{repository.name}/{first}/{push}",
            "namespace": repository.namespace,
            "repository": repository.name,
            "tags": repository.tags[first : first + PER_DELIVERY],
        }
        yield repository.region, json.dumps(body).encode()


def _open_syncs(served: Served) -> int:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    text = requests.get(f"{served.url}/metrics", headers=headers, timeout=60).text
    found = [line for line in text.splitlines() if line.startswith("swrhook_open_syncs{")]
    return sum(int(float(line.rpartition(" ")[2])) for line in found)


def _wrong_states(
    pushed: Sequence[Repository], syncs: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield what is lost, and what has not ended as it should; the newest sync of a tag counts."""
    ended: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for sync in syncs:  # newest first
        ended[sync["repository"], sync["tag"], sync["target_region"]].append(sync["state"])
    for repository in pushed:
        for tag in repository.tags:
            for region in repository.targets:
                states = ended.pop((repository.name, tag, region), [])
                if not _is_right(repository, states):
                    yield f"{repository.namespace}/{repository.name}:{tag} to {region}: {states}"
    yield from (f"nobody pushed {key}" for key in ended)


def _is_right(repository: Repository, states: Sequence[str]) -> bool:
    last, *earlier = states or [""]
    return (
        len(states) == 1 + repository.moves
        and last == ENDS[repository.namespace]
        and {"verified", "superseded"} >= set(earlier)
    )


def _wrong_tags(swr: RunningSimulator, pushed: Sequence[Repository]) -> Iterator[str]:
    """Yield the tags that are not at a target as they were pushed last."""
    for repository in pushed:
        if repository.namespace != "team":
            continue
        for tag in repository.tags:
            wanted = repository.digest(tag, 1 + repository.moves)
            for region in repository.targets:
                found = swr.state.digest(region, "team", repository.name, tag)
                if found != wanted:
                    yield f"team/{repository.name}:{tag} in {region} is {found}, not {wanted}"


def _document(swr: RunningSimulator) -> dict[str, Any]:
    auth = {"scheme": "bearer", "secrets": [_SECRET]}
    senders = {region: {"dialect": "generic", "region": region, "auth": auth} for region in REGIONS}
    rules = [
        {
            "name": f"{namespace}-{region}",
            "when": {"sender": region, "namespace": namespace},
            "sync": [
                {
                    "region": target,
                    "namespace": _TARGETS.get(namespace, namespace),
                    "override": namespace != "kept",
                }
                for target in REGIONS
                if target != region
            ],
        }
        for region in REGIONS
        for namespace in ENDS
    ]
    return {
        **configuration(swr.iam_url, swr.endpoints, senders, rules),
        "settings": {
            "source_deadline": "10s",
            "retry": {"base": "200ms", "cap": "2s", "deadline": "1h"},
            "verify": {"first": "400ms", "cap": "2s", "deadline": "5s", "retriggers": 20},
            "pace": {"per_second": 200, "in_flight": 8, "in_flight_per_target": 4},
            "timeouts": {"connect": "5s", "read": "2s"},
        },
    }
