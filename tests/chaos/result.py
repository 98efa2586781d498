"""The result of a chaos run: what was acknowledged, compared with what arrived."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.load import MASS_TAG, Load, LonePush
from tests.chaos.stage import JOBS, MIRROR, NAMESPACE, TARGET, Stage
from tests.programs import Served, notifications

_OPEN = ("pending", "calling", "triggered")
# Longer than the longest pause of a circuit breaker, and than the takeover of a lost worker.
_PATIENCE = 180.0
_MOST_CALLS_PER_PUSH = 3.0
# Lanes that were called for already when a lone push came.
_ALREADY_CALLING = 32


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one scenario.

    `acknowledged`: deliveries, repeated ones included; of the registry only the pushes of tags.
    `failed`: tries of CI jobs without a 2xx. `lost`: acknowledged, and neither verified nor
    superseded by a verified sync. `stuck`: syncs without an end state. `wrong`: tags whose digest
    at the target is not the source's. `accepted_twice`: events that were accepted more than once.
    `given_up`: events that were never acknowledged. `retried`: syncs whose worker was killed in
    five calls in a row, which ends them; they were retried afterwards, as an operator would.
    `behind`: lone pushes that were called for after more than a tenth of the waiting mass.
    """

    acknowledged: int
    failed: int
    pushes: int
    tags: int
    lost: Sequence[str]
    stuck: Sequence[str]
    wrong: Sequence[str]
    accepted_twice: Sequence[str]
    given_up: int
    retried: int
    calls_per_push: float
    behind: Sequence[str] = ()

    def broken_promises(self, *, may_fail: bool) -> Sequence[str]:
        """List the promises that were broken; one is that no try fails, unless it may."""
        violations = {
            "lost": self.lost,
            "stuck": self.stuck,
            "wrong digest": self.wrong,
            "accepted twice": self.accepted_twice,
            "behind the mass": self.behind,
        }
        broken = [f"{name}: {', '.join(items[:5])}" for name, items in violations.items() if items]
        if self.given_up:
            broken.append(f"never acknowledged: {self.given_up} events")
        if self.failed and not may_fail:
            broken.append(f"not acknowledged at the first try: {self.failed}")
        if self.calls_per_push > _MOST_CALLS_PER_PUSH:
            broken.append(f"{self.calls_per_push:.1f} calls for each push")
        return broken


def count_result(stage: Stage, load: Load) -> Result:
    """Wait until all syncs have ended, and count."""
    _wait_for_none(lambda: notifications(stage.folder)["Pending"])
    # Rarely: counting takes long, and the service is to work meanwhile.
    _wait_for_none(lambda: _count_missing(stage, load), pause=5.0)
    service = next(iter(stage.processes.values()))
    _wait_for_none(lambda: _count_open(service))
    retried = _retry_abandoned(service)
    _wait_for_none(lambda: _count_open(service))
    syncs = {sync["id"]: sync for sync in service.syncs()}
    events = [entry.event for entry in load.acknowledged]
    tags = {(JOBS, event.repository, event.tag) for event in events}
    tags |= {(MIRROR, *tag) for tag in load.pushed}
    tags |= {(JOBS, repository, MASS_TAG) for repository in load.mass}
    pushes = len({event.id for event in events}) + len(load.pushed) + len(load.mass)
    return Result(
        acknowledged=len(load.acknowledged) + len(load.pushed) + len(load.mass),
        failed=len(load.failed),
        pushes=pushes,
        tags=len(tags),
        lost=_lost(load, syncs),
        stuck=[f"{s['id']} {s['state']}" for s in syncs.values() if s["state"] in _OPEN],
        wrong=[":".join(tag) for tag in sorted(tags) if not _arrived(stage, *tag)],
        accepted_twice=_accepted_twice(load),
        given_up=len(load.given_up),
        retried=retried,
        calls_per_push=_tags_called(stage) / max(pushes, 1),
        behind=behind_mass(_called(stage), load.mass, load.alone),
    )


def _retry_abandoned(service: Served) -> int:
    """Retry the syncs that ended because their workers were killed; return how many."""
    abandoned = [
        sync["id"]
        for sync in service.syncs()
        if sync["state"] == "exhausted" and sync["reason"].startswith("the worker vanished")
    ]
    for sync in abandoned:
        service.post(f"/api/v1/syncs/{sync}/retry")
    return len(abandoned)


def _lost(load: Load, syncs: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    promised = {(entry.event.id, sync) for entry in load.acknowledged for sync in entry.syncs}
    lost = [f"{event} {sync}" for event, sync in sorted(promised) if not ended_well(sync, syncs)]
    lost += [entry.event.id for entry in load.acknowledged if not entry.syncs]
    verified = {(s["repository"], s["tag"]) for s in syncs.values() if s["state"] == "verified"}
    others = [*load.pushed, *((repository, MASS_TAG) for repository in load.mass)]
    return lost + [f"{name}:{tag}" for name, tag in others if (name, tag) not in verified]


def ended_well(sync: str, syncs: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a sync is verified, or superseded, directly or not, by one that is."""
    while sync in syncs and syncs[sync]["state"] == "superseded":
        sync = syncs[sync]["superseded_by"]
    return sync in syncs and syncs[sync]["state"] == "verified"


def behind_mass(
    called: Sequence[str], mass: Collection[str], alone: Sequence[LonePush]
) -> Sequence[str]:
    """Name the lone pushes that were called for after more than a tenth of the waiting mass.

    `called` are the repositories of all calls, in their order.
    """
    behind = []
    for push in alone:
        waiting = len(set(mass).difference(called[: push.calls_before]))
        own = called.index(push.repository) if push.repository in called else len(called)
        first = len(set(mass).intersection(called[push.calls_before : own]))
        if first > max(waiting / 10, _ALREADY_CALLING):
            behind.append(f"{push.repository}: {first} of {waiting} waiting lanes went first")
    return behind


def _called(stage: Stage) -> Sequence[str]:
    """Return the repository of each call of sync_images."""
    calls = stage.swr.state.calls(operation="sync_images")
    return [call.path.split("/repos/")[1].partition("/")[0] for call in calls]


def _count_missing(stage: Stage, load: Load) -> int:
    return sum(not _arrived(stage, JOBS, repository, MASS_TAG) for repository in load.mass)


def _arrived(stage: Stage, region: str, repository: str, tag: str) -> bool:
    expected = stage.swr.state.digest(region, NAMESPACE, repository, tag)
    return expected == stage.swr.state.digest(TARGET, NAMESPACE, repository, tag) is not None


def _accepted_twice(load: Load) -> Sequence[str]:
    deliveries: dict[str, set[str]] = {}
    for entry in load.acknowledged:
        deliveries.setdefault(entry.event.id, set()).add(entry.delivery)
    return sorted(event for event, ids in deliveries.items() if len(ids) > 1)


def _tags_called(stage: Stage) -> int:
    """Count the tags of all calls, including calls without an answer."""
    bodies = (call.body for call in stage.swr.state.calls(operation="sync_images"))
    return sum(len(body["imageTag"]) for body in bodies if isinstance(body, dict))


def _count_open(service: Served) -> int:
    """Count the open syncs, up to a thousand."""
    states = "&".join(f"state={state}" for state in _OPEN)
    return len(service.get(f"/api/v1/syncs?{states}&limit=1000")["items"])


def _wait_for_none(count: Callable[[], int], pause: float = 0.2) -> None:
    """Wait until the count is 0, or has not decreased for _PATIENCE seconds."""
    least, since = count(), time.monotonic()
    while least and time.monotonic() < since + _PATIENCE:
        time.sleep(pause)
        if (current := count()) < least:
            least, since = current, time.monotonic()
