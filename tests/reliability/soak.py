"""The soak test: many tags between three regions, the real service, and faults of every kind."""

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
from tests.reliability.soak_faults import soak_faults

REGIONS = ("cn-north-4", "cn-east-3", "ap-southeast-1")
BATCH = 100
PER_DELIVERY = 25
OPEN = {"pending", "calling", "triggered"}
_SECRET = "a-secret-of-the-soak"
_SENDERS = 8
# The organization at the target, where it differs from the source's: it does not exist.
_TARGETS = {"nowhere": "nobody"}
# The expected end state of syncs, by the organization of their repository.
ENDS = {"team": "verified", "kept": "diverged", "nowhere": "rejected", "absent": "missing"}


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with its tags, in the region that they are pushed to."""

    region: str
    namespace: str
    name: str
    tags: Sequence[str]
    moves: bool  # its tags are pushed again, with other digests

    @property
    def targets(self) -> Sequence[str]:
        """Return the regions that its tags are copied to."""
        return [region for region in REGIONS if region != self.region]

    def digest(self, tag: str, push: int) -> str:
        """Return the digest of a tag after its first push (1) or a later one."""
        return f"sha256:{sha256(f'{self.name}:{tag}/{push}'.encode()).hexdigest()}"


def repositories(count: int, tags: int) -> Sequence[Repository]:
    """Return repositories with so many tags each; four in ten are special cases."""
    names = [f"v{number}" for number in range(tags)]
    result = []
    for number in range(count):
        kind = {1: "kept", 3: "nowhere", 5: "absent"}.get(number % 10, "team")
        moves = number % 10 == 7
        result.append(Repository(REGIONS[number % 3], kind, f"app-{number}", names, moves))
    return result


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of a run."""

    repositories: Sequence[Repository]
    deliveries: int
    syncs: Sequence[Mapping[str, Any]]
    calls: Sequence[Call]
    wrong: Sequence[str]
    acknowledged_after: float  # seconds
    ended_after: float

    @property
    def tags(self) -> int:
        """Count the tags that were pushed."""
        return sum(len(repository.tags) for repository in self.repositories)

    @property
    def states(self) -> Counter[str]:
        """Count the syncs by their state."""
        return Counter(str(sync["state"]) for sync in self.syncs)

    @property
    def sync_calls(self) -> Sequence[Call]:
        """Return the calls of sync_images."""
        return [call for call in self.calls if call.operation == "sync_images"]

    @property
    def least_calls(self) -> int:
        """Count the calls that would suffice without faults, if all pushes came at once."""
        return sum(
            len(repository.targets) * -(-len(repository.tags) // BATCH) * (1 + repository.moves)
            for repository in self.repositories
            if repository.namespace in ("team", "kept")
        )

    @property
    def hits(self) -> int:
        """Count the calls of sync_images that were hit by a fault, or had tags that were."""
        return sum(bool(call.faults) for call in self.sync_calls)


@dataclass(frozen=True)
class Soak:
    """One run; `progress` is called with how many syncs have ended, of how many."""

    folder: Path
    repositories: int
    tags: int  # of each
    share: float
    seed: int
    progress: Callable[[int, int], None] = lambda _ended, _of: None
    patience: float = 1800.0

    def run(self) -> Outcome:
        """Push everything, wait until all syncs have ended, and compare."""
        settings = Settings(delay=0.3, seed=self.seed)
        organizations = ("team", "kept", "absent")
        with start(REGIONS, organizations=organizations, settings=settings) as swr:
            served = Served(self.folder, {"SWRHOOK_WORKERS": "16", "SWRHOOK_LOG_LEVEL": "WARNING"})
            served.configure(_document(swr))
            self._seed(swr)
            swr.state.faults.add(soak_faults(self.share))
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
        acknowledged_after = time.monotonic() - began
        self._wait(served)
        ended_after = time.monotonic() - began
        syncs = served.syncs()
        return Outcome(
            self._repositories,
            deliveries,
            syncs,
            swr.state.calls(),
            [*_wrong_states(self._repositories, syncs), *_wrong_tags(swr, self._repositories)],
            acknowledged_after,
            ended_after,
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
        """Send the pushes of all repositories, shuffled; return the number of deliveries."""
        bodies = [body for repository in pushed for body in _bodies(repository, push)]
        Random(self.seed).shuffle(bodies)
        sessions = local()

        def send(delivery: tuple[str, bytes]) -> None:
            if not hasattr(sessions, "own"):
                sessions.own = requests.Session()
            region, body = delivery
            url = f"{served.url}/hooks/{region}"
            headers = {"Authorization": f"Bearer {_SECRET}", "Content-Type": "application/json"}
            answer = sessions.own.post(url, body, headers=headers, timeout=60)
            while answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:  # as a sender does
                time.sleep(int(answer.headers["Retry-After"]))
                answer = sessions.own.post(url, body, headers=headers, timeout=60)
            assert answer.ok, answer.text

        with ThreadPoolExecutor(_SENDERS) as pool:
            for _ in pool.map(send, bodies):
                pass
        return len(bodies)

    def _wait(self, served: Served) -> None:
        """Wait until no sync is open."""
        expected = sum(
            len(repository.tags) * len(repository.targets) * (1 + repository.moves)
            for repository in self._repositories
        )
        deadline = time.monotonic() + self.patience
        while (count := _open_syncs(served)) and time.monotonic() < deadline:
            self.progress(expected - count, expected)
            time.sleep(1)
        self.progress(expected - count, expected)


def _push(swr: RunningSimulator, repository: Repository, push: int) -> None:
    for tag in repository.tags:
        digest = repository.digest(tag, push)
        swr.state.seed(repository.region, repository.namespace, repository.name, tag, digest)


def _bodies(repository: Repository, push: int) -> Iterator[tuple[str, bytes]]:
    """Yield the deliveries that announce a repository's tags, as sender and body."""
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
    lines = [line for line in text.splitlines() if line.startswith("swrhook_open_syncs{")]
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


def _wrong_states(
    pushed: Sequence[Repository], syncs: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield the tags whose syncs are lost or in a wrong state; the newest sync of a tag counts."""
    ended: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for sync in syncs:  # newest first
        ended[sync["repository"], sync["tag"], sync["target_region"]].append(sync["state"])
    for repository in pushed:
        for tag in repository.tags:
            for region in repository.targets:
                states = ended.pop((repository.name, tag, region), [])
                if not _is_right(repository, states):
                    yield f"{repository.namespace}/{repository.name}:{tag} to {region}: {states}"
    yield from (f"never pushed: {key}" for key in ended)


def _is_right(repository: Repository, states: Sequence[str]) -> bool:
    last, *earlier = states or [""]
    return (
        len(states) == 1 + repository.moves
        and last == ENDS[repository.namespace]
        and {"verified", "superseded"} >= set(earlier)
    )


def _wrong_tags(swr: RunningSimulator, pushed: Sequence[Repository]) -> Iterator[str]:
    """Yield the tags whose digest at a target is not the one pushed last."""
    for repository in pushed:
        if repository.namespace != "team":
            continue
        for tag in repository.tags:
            expected = repository.digest(tag, 1 + repository.moves)
            for region in repository.targets:
                actual = swr.state.digest(region, "team", repository.name, tag)
                if actual != expected:
                    yield f"team/{repository.name}:{tag} in {region} is {actual}, not {expected}"


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
