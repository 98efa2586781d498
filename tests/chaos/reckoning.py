"""What is left after a storm, compared with what was promised during it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.load import Load
from tests.chaos.stage import JOBS, MIRROR, NAMESPACE, TARGET, Stage
from tests.programs import Served, notifications

_OPEN = ("pending", "calling", "triggered")
# Longer than the longest pause of a breaker, and than the takeover of a worker that is gone.
_PATIENCE = 180.0
_MOST_CALLS_PER_PUSH = 3.0


@dataclass(frozen=True, slots=True)
class Reckoning:
    """The figures of one scenario.

    `acknowledged`: deliveries, with what was sent again; of the registry only the pushes of tags.
    `failed`: tries of CI jobs without a 2xx. `lost`: acknowledged, and neither verified nor
    superseded by what was. `stuck`: syncs without an end. `wrong`: tags whose digest at the target
    is not the sender's. `twice`: events that were accepted more than once. `given_up`: events that
    were never acknowledged. `retried`: syncs whose worker was killed in five calls in a row, which
    ends them; they were retried afterwards, as a person would.
    """

    acknowledged: int
    failed: int
    pushes: int
    tags: int
    lost: Sequence[str]
    stuck: Sequence[str]
    wrong: Sequence[str]
    twice: Sequence[str]
    given_up: int
    retried: int
    calls_per_push: float

    def broken(self, *, may_fail: bool) -> Sequence[str]:
        """Return the promises that were not kept; one is that no try fails, unless it may."""
        found = {
            "lost": self.lost,
            "stuck": self.stuck,
            "wrong digest": self.wrong,
            "accepted twice": self.twice,
        }
        broken = [f"{what}: {', '.join(items[:5])}" for what, items in found.items() if items]
        if self.given_up:
            broken.append(f"never acknowledged: {self.given_up} events")
        if self.failed and not may_fail:
            broken.append(f"not acknowledged at the first try: {self.failed}")
        if self.calls_per_push > _MOST_CALLS_PER_PUSH:
            broken.append(f"{self.calls_per_push:.1f} calls for each push")
        return broken


def reckon(stage: Stage, load: Load) -> Reckoning:
    """Wait until all has ended, and count."""
    _wait_for_none(lambda: notifications(stage.folder)["Pending"])
    service = next(iter(stage.processes.values()))
    _wait_for_none(lambda: _open(service))
    retried = _retry_what_was_killed(service)
    _wait_for_none(lambda: _open(service))
    syncs = {sync["id"]: sync for sync in service.syncs()}
    events = {(each.event.repository, each.event.tag) for each in load.acknowledged}
    tags = {(JOBS, *tag) for tag in events} | {(MIRROR, *tag) for tag in load.pushed}
    pushes = len({each.event.id for each in load.acknowledged}) + len(load.pushed)
    return Reckoning(
        acknowledged=len(load.acknowledged) + len(load.pushed),
        failed=len(load.failed),
        pushes=pushes,
        tags=len(tags),
        lost=_lost(load, syncs),
        stuck=[f"{s['id']} {s['state']}" for s in syncs.values() if s["state"] in _OPEN],
        wrong=[":".join(tag) for tag in sorted(tags) if not _arrived(stage, *tag)],
        twice=_twice(load),
        given_up=len(load.given_up),
        retried=retried,
        calls_per_push=_tags_called(stage) / max(pushes, 1),
    )


def _retry_what_was_killed(service: Served) -> int:
    """Retry the syncs that ended because their workers did; return how many."""
    ended = [
        sync["id"]
        for sync in service.syncs()
        if sync["state"] == "exhausted" and sync["reason"].startswith("the worker vanished")
    ]
    for sync in ended:
        service.post(f"/api/v1/syncs/{sync}/retry")
    return len(ended)


def _lost(load: Load, syncs: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    promised = {(each.event.id, sync) for each in load.acknowledged for sync in each.syncs}
    lost = [f"{event} {sync}" for event, sync in sorted(promised) if not ended_well(sync, syncs)]
    lost += [each.event.id for each in load.acknowledged if not each.syncs]
    verified = {(s["repository"], s["tag"]) for s in syncs.values() if s["state"] == "verified"}
    return lost + [f"{name}:{tag}" for name, tag in load.pushed if (name, tag) not in verified]


def ended_well(sync: str, syncs: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a sync is verified, or superseded by one that is, however far down the line."""
    while sync in syncs and syncs[sync]["state"] == "superseded":
        sync = syncs[sync]["superseded_by"]
    return sync in syncs and syncs[sync]["state"] == "verified"


def _arrived(stage: Stage, region: str, repository: str, tag: str) -> bool:
    wanted = stage.swr.state.digest(region, NAMESPACE, repository, tag)
    return wanted == stage.swr.state.digest(TARGET, NAMESPACE, repository, tag) is not None


def _twice(load: Load) -> Sequence[str]:
    deliveries: dict[str, set[str]] = {}
    for each in load.acknowledged:
        deliveries.setdefault(each.event.id, set()).add(each.delivery)
    return sorted(event for event, named in deliveries.items() if len(named) > 1)


def _tags_called(stage: Stage) -> int:
    """Count the tags of all calls; one without an answer counts, too."""
    bodies = (call.body for call in stage.swr.state.calls(operation="sync_images"))
    return sum(len(body["imageTag"]) for body in bodies if isinstance(body, dict))


def _open(service: Served) -> int:
    """Count the open syncs, up to a thousand."""
    states = "&".join(f"state={state}" for state in _OPEN)
    return len(service.get(f"/api/v1/syncs?{states}&limit=1000")["items"])


def _wait_for_none(left: Callable[[], int]) -> None:
    """Wait until none are left, or they have not become fewer for longer than anything takes."""
    fewest, since = left(), time.monotonic()
    while fewest and time.monotonic() < since + _PATIENCE:
        time.sleep(0.2)
        if (now := left()) < fewest:
            fewest, since = now, time.monotonic()
