"""The table of active faults: decides which of them hit a call, or a tag of a call.

`times` and `nth` count calls in order of arrival. `share` does not depend on that order: whether a
fault hits is a hash of the seed, the fault's name, the content of the call, and the number of
identical calls before. So the same calls are hit by the same faults in every run, in whatever order
threads send them.
"""

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from threading import Lock

from swrhook.simulator.lockout import SettingsHolder
from swrhook.simulator.model import EVERYWHERE, IAM, Aim, Fault


def draw(seed: int, *parts: str | int) -> float:
    """Return a number from 0 up to 1 that depends on the seed and the parts alone."""
    content = json.dumps([seed, *parts]).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=6).digest()) / 2**48


@dataclass(frozen=True, slots=True)
class Subject:
    """A call, or one tag of it, that faults are matched with; None is what the call leaves out.

    Subjects with the same `identity` differ only in their order.
    """

    region: str
    operation: str
    namespace: str | None
    repository: str | None
    tags: Sequence[str]
    target_region: str | None
    target_organization: str | None
    project: str | None
    identity: tuple[str, ...]

    def for_tag(self, tag: str) -> "Subject":
        """Return one tag of the call; its identity does not depend on the other tags."""
        target = (self.target_region, self.target_organization)
        names = map(str, (self.namespace, self.repository, tag, *target))
        return replace(self, tags=[tag], identity=(self.region, "a tag", *names))


def subject_of(
    region: str, operation: str, names: Mapping[str, str], body: object, content: Sequence[str]
) -> Subject:
    """Return the subject of a call: `names` are from its path and query, tags from its body."""
    fields = body if isinstance(body, Mapping) else {}
    repository, tag = names.get("repository"), names.get("name") or names.get("tag")
    tags = fields.get("imageTag")
    return Subject(
        region=region,
        operation=operation,
        namespace=names.get("namespace"),
        repository=repository and repository.replace("$", "/"),
        tags=tags if isinstance(tags, list) else [tag] if tag else [],
        target_region=fields.get("remoteRegionId"),
        target_organization=fields.get("remoteNamespace"),
        project=names.get("project"),
        identity=(region, operation, *content),
    )


# The names that a fault may leave out, to select all.
_names = attrgetter("namespace", "repository", "target_region", "target_organization", "project")


def matches(fault: Fault, subject: Subject) -> bool:
    """Tell whether the fault selects this call or tag."""
    everywhere = fault.region == EVERYWHERE and subject.region != IAM
    optional = zip(_names(fault), _names(subject), strict=True)
    return (
        (everywhere or fault.region == subject.region)
        and fault.operation in (EVERYWHERE, subject.operation)
        and all(expected in (None, actual) for expected, actual in optional)
        and (fault.tag is None or fault.tag in subject.tags)
    )


@dataclass(slots=True, eq=False)
class _ActiveFault:
    """A fault with counts of the subjects that it has matched."""

    fault: Fault
    matched: int = 0
    identical: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def hits(self, subject: Subject, seed: int) -> bool:
        """Count a matching subject, and tell whether the fault hits it."""
        self.matched += 1
        if self.fault.nth not in (None, self.matched):
            return False
        if self.fault.share is None:
            return True
        before = self.identical[subject.identity]
        self.identical[subject.identity] += 1
        return draw(seed, self.fault.name, *subject.identity, before) < self.fault.share


class FaultTable:
    """The active faults in the order they were added; one that is used up is removed."""

    def __init__(self, holder: SettingsHolder) -> None:
        self._holder = holder
        self._lock = Lock()
        self._ids = itertools.count(1)
        self._faults: list[_ActiveFault] = []

    def add(self, faults: Sequence[Fault]) -> None:
        """Append faults; a fault without a name is named by its number."""
        with self._lock:
            for fault in faults:
                number = next(self._ids)
                named = replace(fault, name=fault.name or f"fault-{number}")
                self._faults.append(_ActiveFault(named))

    def all(self) -> Sequence[Fault]:
        """List the active faults."""
        with self._lock:
            return [active.fault for active in self._faults]

    def clear(self) -> None:
        """Remove all faults, and number new ones from 1 again."""
        with self._lock:
            self._ids = itertools.count(1)
            self._faults.clear()

    def take(self, subject: Subject) -> Sequence[Fault]:
        """Use the faults that hit a call, up to and with the first that answers it.

        So two answers with `times: 1` are given to two calls, one after the other.
        """
        used: list[Fault] = []
        with self._lock:
            for active in self._with_aim("call"):
                if self._hits(active, subject):
                    used.append(self._use(active))
                    if used[-1].answers:
                        break
        return used

    def take_failed_tags(self, tags: Sequence[Subject]) -> tuple[Fault | None, Sequence[str]]:
        """Use the first fault that makes some of these tags fail; return it and those tags."""
        with self._lock:
            for active in self._with_aim("failed_tags"):
                names = active.fault.failed_tags
                listed = [tag for tag in tags if EVERYWHERE in names or tag.tags[0] in names]
                failed = [tag.tags[0] for tag in listed if self._hits(active, tag)]
                if failed:
                    return self._use(active), failed
        return None, ()

    def take_for_job(self, tag: Subject) -> Fault | None:
        """Use the first fault that hits the job of a tag."""
        with self._lock:
            for active in self._with_aim("job"):
                if self._hits(active, tag):
                    return self._use(active)
        return None

    def _with_aim(self, aim: Aim) -> Sequence[_ActiveFault]:
        return [active for active in self._faults if active.fault.aim == aim]

    def _hits(self, active: _ActiveFault, subject: Subject) -> bool:
        return matches(active.fault, subject) and active.hits(subject, self._holder.settings.seed)

    def _use(self, active: _ActiveFault) -> Fault:
        fault = active.fault
        if fault.times == 1 or fault.nth is not None:
            self._faults.remove(active)
        elif fault.times is not None:
            active.fault = replace(fault, times=fault.times - 1)
        return fault
