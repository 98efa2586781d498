"""Syncs, errors and a decider without chance, for the tests of decisions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, State, Sync, Target
from swrhook.syncs.backoff import Limits
from swrhook.syncs.decisions import Decider

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIMITS = Limits()
A = "sha256:" + "aa" * 32
B = "sha256:" + "bb" * 32
C = "sha256:" + "cc" * 32

NEVER_KINDS = (Kind.TRANSIENT, Kind.THROTTLED, Kind.AUTHENTICATION)


class Longest(Random):
    """A random generator that always returns the longest wait."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


def error(kind: Kind = Kind.TRANSIENT, **more: Any) -> SwrError:
    return SwrError(kind, "SVC.1", "what SWR said", remedy="what to do", **more)


def decider(now: datetime = NOW) -> Decider:
    return Decider(LIMITS, now, Longest())


def sync(state: State = State.PENDING, *, override: bool = False, **changes: Any) -> Sync:
    lane = Lane("cn-north-4", "team", "web/shop", Target("cn-east-3", "team"), override)
    base = Sync(
        id="0" * 26,
        delivery=None,
        sender="harbor",
        lane=lane,
        tag="v1",
        digest=A,
        rule="all",
        state=state,
        attempts=0,
        created_at=NOW,
        updated_at=NOW,
        due_at=NOW,
    )
    return replace(base, **changes)


def calling(**changes: Any) -> Sync:
    return replace(sync(State.CALLING, attempts=1, called_digest=A), **changes)


def triggered(*, override: bool = False, **changes: Any) -> Sync:
    called = sync(State.TRIGGERED, override=override, attempts=1, called_digest=A)
    return replace(called, **({"verifying_since": NOW} | changes))
