"""Keeps what SWR answered to the first calls of sync_images, so that `explain` can show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from swrhook import logs
from swrhook.clock import Clock
from swrhook.errors import LedgerUnusable
from swrhook.ledger.database import Database
from swrhook.ledger.failures import unusable_on_error
from swrhook.ledger.first_answers import FirstAnswer, keep_answer
from swrhook.model import Lane
from swrhook.swr.body_shape import body_shape
from swrhook.swr.called_lane import called_lane
from swrhook.swr.http import Request
from swrhook.swr.pseudonyms import shown_headers
from swrhook.swr.response import SwrResponse

_NOT_KEPT = "what SWR answered cannot be kept"


@dataclass(frozen=True, slots=True)
class FirstAnswers:
    """A Journal of the first calls of each region; `regions` are by endpoint.

    `clock` is the ledger's. `complete` are the regions that have enough.
    """

    database: Database
    clock: Clock
    regions: Mapping[str, str]
    complete: set[str] = field(default_factory=set)

    def record(self, endpoint: str, request: Request, response: SwrResponse) -> None:
        """Keep the answer if it is one of the first to sync_images."""
        region = self.regions.get(endpoint)
        if region is None or region in self.complete:
            return
        lane = called_lane(region, request.method, request.path, request.body or b"")
        if lane is not None:
            self._keep(lane, response)

    def _keep(self, lane: Lane, response: SwrResponse) -> None:
        headers, shape = shown_headers(response), body_shape(response)
        answer = FirstAnswer(self.clock.now(), response.status, headers, shape)
        try:
            with unusable_on_error(_NOT_KEPT), self.database.write() as connection:
                if not keep_answer(connection, lane, answer):
                    self.complete.add(lane.source_region)
        except LedgerUnusable as exc:
            # The call goes on: it is its result that matters.
            logs.warning("answer.not_kept", region=lane.source_region, reason=str(exc))
