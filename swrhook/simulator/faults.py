"""The table of faults: which of them strike a call, or a tag of it.

`times` and `nth` go by the order in which calls arrive. `share` does not: whether a fault strikes
is drawn from the seed, the fault's name, what the call asks, and how many calls asked the same
before. So the same calls meet the same faults in every run, in whatever order threads send them.
"""

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from swrhook.simulator.model import EVERYWHERE, IAM, Aim, Fault


def is_drawn(seed: int, *what: str | int) -> float:
    """Give the number from 0 up to 1 that belongs to a seed and to what is decided."""
    content = json.dumps([seed, *what]).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=6).digest()) / 2**48


@dataclass(frozen=True, slots=True)
class Subject:
    """A call or a tag of it; those with the same `identity` are told apart by their order alone.

    What the call does not say is None.
    """

    region: str
    operation: str
    namespace: str | None
    repository: str | None
    tags: Sequence[str]
    target_region: str | None
    target_organization: str | None
    identity: tuple[str, ...]


def of_call(
    region: str,
    operation: str,
    names: Mapping[str, str],
    body: object,
    identity: tuple[str, ...],
) -> Subject:
    """Read a call: the names in its path (and query), the tags and the target in its body."""
    fields = body if isinstance(body, Mapping) else {}
    repository, tag = names.get("repository"), names.get("name") or names.get("tag")
    listed = fields.get("imageTag")
    return Subject(
        region=region,
        operation=operation,
        namespace=names.get("namespace"),
        repository=repository and repository.replace("$", "/"),
        tags=listed if isinstance(listed, list) else [tag] if tag else [],
        target_region=fields.get("remoteRegionId"),
        target_organization=fields.get("remoteNamespace"),
        identity=(region, operation, *identity),
    )


def of_tag(call: Subject, tag: str) -> Subject:
    """Take one tag out of a call; it is the same tag whichever other tags come with it."""
    where = (call.namespace, call.repository, tag, call.target_region, call.target_organization)
    return Subject(
        region=call.region,
        operation=call.operation,
        namespace=call.namespace,
        repository=call.repository,
        tags=[tag],
        target_region=call.target_region,
        target_organization=call.target_organization,
        identity=(call.region, "a tag", *map(str, where)),
    )


def matches(fault: Fault, subject: Subject) -> bool:
    """Tell whether a fault is meant for this call or tag."""
    everywhere = fault.region == EVERYWHERE and subject.region != IAM
    wanted = (
        (fault.namespace, subject.namespace),
        (fault.repository, subject.repository),
        (fault.target_region, subject.target_region),
        (fault.target_organization, subject.target_organization),
    )
    return (
        (everywhere or fault.region == subject.region)
        and fault.operation in (EVERYWHERE, subject.operation)
        and all(want in (None, has) for want, has in wanted)
        and (fault.tag is None or fault.tag in subject.tags)
    )


@dataclass(frozen=True, slots=True)
class FailedTags:
    """The tags of a call that a fault makes fail."""

    fault: Fault
    tags: Sequence[str]


@dataclass(slots=True)
class _ActiveFault:
    """A fault with what it has met so far."""

    fault: Fault
    met: int = 0
    alike: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def strikes(self, subject: Subject, seed: int) -> bool:
        """Tell whether the fault strikes what it has now met."""
        self.met += 1
        if self.fault.nth not in (None, self.met):
            return False
        if self.fault.share is None:
            return True
        before = self.alike[subject.identity]
        self.alike[subject.identity] += 1
        return is_drawn(seed, self.fault.name, *subject.identity, before) < self.fault.share


class FaultTable:
    """The faults in the order they were added; each counts down until it is used up."""

    def __init__(self, seed: Callable[[], int]) -> None:
        self._seed = seed
        self._lock = Lock()
        self._ids = itertools.count(1)
        self._faults: dict[int, _ActiveFault] = {}

    def add(self, faults: Sequence[Fault]) -> None:
        """Add faults behind those that are there; one without a name is called by its number."""
        with self._lock:
            for fault in faults:
                number = next(self._ids)
                named = replace(fault, name=fault.name or f"fault-{number}")
                self._faults[number] = _ActiveFault(named)

    def all(self) -> Sequence[Fault]:
        """List the faults that are not used up."""
        with self._lock:
            return [standing.fault for standing in self._faults.values()]

    def clear(self) -> None:
        """Let nothing go wrong any more, and number faults from 1 again."""
        with self._lock:
            self._ids = itertools.count(1)
            self._faults.clear()

    def take(self, subject: Subject) -> Sequence[Fault]:
        """Take the faults that strike a call: those up to the first that answers it.

        So two answers with `times: 1` are given one after the other, to two calls.
        """
        taken: list[Fault] = []
        with self._lock:
            for number, standing in self._aimed("call"):
                if self._strikes(standing, subject):
                    taken.append(self._use(number))
                    if taken[-1].answers:
                        break
        return taken

    def take_failed_tags(self, tags: Sequence[Subject]) -> FailedTags | None:
        """Take the first fault that makes some of these tags fail."""
        with self._lock:
            for number, standing in self._aimed("failed_tags"):
                named = standing.fault.failed_tags
                listed = [tag for tag in tags if EVERYWHERE in named or tag.tags[0] in named]
                failed = [tag.tags[0] for tag in listed if self._strikes(standing, tag)]
                if failed:
                    return FailedTags(self._use(number), failed)
        return None

    def take_for_job(self, tag: Subject) -> Fault | None:
        """Take the first fault that strikes the job of a tag."""
        with self._lock:
            for number, standing in self._aimed("job"):
                if self._strikes(standing, tag):
                    return self._use(number)
        return None

    def _aimed(self, aim: Aim) -> Iterator[tuple[int, _ActiveFault]]:
        return (
            (n, standing) for n, standing in list(self._faults.items()) if standing.fault.aim == aim
        )

    def _strikes(self, standing: _ActiveFault, subject: Subject) -> bool:
        return matches(standing.fault, subject) and standing.strikes(subject, self._seed())

    def _use(self, number: int) -> Fault:
        standing = self._faults[number]
        fault = standing.fault
        if fault.times == 1 or fault.nth is not None:
            del self._faults[number]
        elif fault.times is not None:
            standing.fault = replace(fault, times=fault.times - 1)
        return fault
