"""GET /api/v1/wait: a long poll, which waits until an image is verified at its targets.

Each wait polls the ledger, because the sync may end in another process.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from http import HTTPStatus
from math import inf
from time import monotonic
from typing import Any

from flask import Response

from swrhook.ledger.queries.syncs import WaitFilter, find_waited_syncs, is_expanding
from swrhook.ledger.queries.views import ListedSync
from swrhook.model import OPEN_STATES, State
from swrhook.syncs.observations import Place
from swrhook.usecases.availability.check import BETWEEN_ASKS, LONGEST_WAIT
from swrhook.web.access import is_visible
from swrhook.web.api.queries import WaitQuery, to_filter
from swrhook.web.api.routing import Routes
from swrhook.web.api.schemas import SyncSchema, SyncsSchema, WaitProblemSchema
from swrhook.web.context import WebContext
from swrhook.web.problems import RETRY_AFTER, problem

# Seconds.
POLL_INTERVAL = 0.25


class End(Enum):
    """How a wait ends: the status of its answer, and the detail."""

    VERIFIED = (HTTPStatus.OK, "every sync is verified")
    UNKNOWN = (HTTPStatus.NOT_FOUND, "no sync of the image matches")
    FAILED = (HTTPStatus.CONFLICT, "a sync has ended without being verified")
    DRIFTED = (
        HTTPStatus.CONFLICT,
        "a sync is verified, but its target does not hold the image any more (see `drift`)",
    )
    TIMEOUT = (
        HTTPStatus.REQUEST_TIMEOUT,
        "not every sync is verified yet, and observed since the call began: try again",
    )
    TOO_MANY = (
        HTTPStatus.TOO_MANY_REQUESTS,
        "too many waits in this process (settings.waits): try again",
    )


@dataclass(frozen=True, slots=True)
class WaitResult:
    """How a wait has ended, and the syncs at that time."""

    end: End
    syncs: Sequence[ListedSync]


def add_wait_routes(routes: Routes, web: WebContext) -> None:
    """Add the route."""
    schema = SyncSchema(many=True)
    polls = _LongPolls(web)
    errors = list(dict.fromkeys(end.value[0] for end in End if end is not End.VERIFIED))

    @routes.get("/wait", SyncsSchema, WaitQuery, errors, WaitProblemSchema)
    def wait(query: dict[str, Any]) -> WaitResult | Response:
        """Wait until the latest sync of an image to each target is verified.

        200: all are, and their targets were observed since the call began, or `max_age` before.
        404: no sync matches. 408: not within `timeout`. 409: one has ended in another state, or its
        image is gone from the target (`drift`). 429: too many waits in this process. Every answer
        has the member `syncs`.
        """
        timeout, max_age = query.pop("timeout"), query.pop("max_age", timedelta())
        if is_visible(query["image"].namespace):
            condition = to_filter(WaitFilter, query, web.clock.now())
            result = polls.wait(condition, timeout, web.availability.now() - max_age)
        else:
            result = WaitResult(End.UNKNOWN, ())
        if result.end is End.VERIFIED:
            return result
        status, detail = result.end.value
        headers = {"Retry-After": str(RETRY_AFTER)} if result.end is End.TOO_MANY else {}
        return problem(status, detail, more={"syncs": schema.dump(result.syncs)}, headers=headers)


class _LongPolls:
    """Serves the waits of this process, at most `settings.waits`; draining ends them all."""

    def __init__(self, web: WebContext) -> None:
        self._web = web
        self._count = 0
        self._lock = threading.Lock()

    def wait(self, condition: WaitFilter, timeout: float, oldest: datetime) -> WaitResult:
        """Return once the matching syncs have ended, at the latest after `timeout` seconds.

        A verified one has ended when its target was observed after `oldest`.
        """
        with self._slot() as has_slot:
            if not has_slot:
                return WaitResult(End.TOO_MANY, self._web.read(find_waited_syncs, condition))
            return self._wait(condition, monotonic() + timeout, oldest)

    def _wait(self, condition: WaitFilter, deadline: float, oldest: datetime) -> WaitResult:
        previous: Sequence[ListedSync] = ()
        asked_at = -inf
        while True:
            delivery = condition.delivery  # read before its syncs: the last ones may come between
            expands = delivery is not None and self._web.read(is_expanding, delivery)
            syncs = self._web.read(find_waited_syncs, condition)
            if not (syncs or expands):
                # If there were some, their digest is known now, and not the one in the condition.
                return WaitResult(End.FAILED if previous else End.UNKNOWN, previous)
            end = _end(syncs, oldest) if syncs else None
            if end is not None and not (expands and end is End.VERIFIED):
                return WaitResult(end, syncs)
            remaining = deadline - monotonic()
            unseen = _unseen(syncs, oldest)
            if unseen and remaining > 0 and monotonic() - asked_at >= BETWEEN_ASKS:
                asked_at = monotonic()
                self._web.availability.ask(unseen, oldest, min(remaining, LONGEST_WAIT))
            if remaining <= 0 or self._web.draining.begun.wait(min(remaining, POLL_INTERVAL)):
                return WaitResult(End.TIMEOUT, syncs)
            previous = syncs

    @contextmanager
    def _slot(self) -> Iterator[bool]:
        with self._lock:
            has_slot = self._count < self._web.config.current().options.waits
            self._count += has_slot
        try:
            yield has_slot
        finally:
            with self._lock:
                self._count -= has_slot


def _end(syncs: Sequence[ListedSync], oldest: datetime) -> End | None:
    """Return how a wait for these syncs ends, or None while it continues."""
    states = {sync.state for sync in syncs}
    if states - OPEN_STATES - {State.VERIFIED}:
        return End.FAILED
    if any(sync.drift is not None and _is_seen(sync, oldest) for sync in syncs):
        return End.DRIFTED
    is_proven = states == {State.VERIFIED} and not _unseen(syncs, oldest)
    return End.VERIFIED if is_proven else None


def _unseen(syncs: Sequence[ListedSync], oldest: datetime) -> list[Place]:
    """Return the targets of verified syncs that were not observed after `oldest`."""
    return [
        Place(sync.target_region, sync.target_namespace, sync.repository, sync.tag)
        for sync in syncs
        if sync.state == State.VERIFIED and not _is_seen(sync, oldest)
    ]


def _is_seen(sync: ListedSync, oldest: datetime) -> bool:
    return sync.observed_at is not None and sync.observed_at >= oldest
