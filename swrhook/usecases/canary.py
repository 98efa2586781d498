"""Syncs one tag that an operator names, and measures what SWR does with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from swrhook.clock import Clock
from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Target
from swrhook.senders.payload import Json, digest, text
from swrhook.swr.body_shape import body_shape
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Journal, Request
from swrhook.swr.protocol import PAGE_SIZE
from swrhook.swr.response import SwrResponse, read_error
from swrhook.swr.tags import tag_path, tags_path
from swrhook.usecases.online_check import CheckResult, Level
from swrhook.usecases.open_facts import FactAnswer, OpenFact, rate_headers

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 10.0
_MOST_PAGES = 20
_FAILED = frozenset({"failed", "timeout", "cancel"})
_ENDED = _FAILED | {"success", "existed"}
_INDEX = 1  # tag_type of a multi-arch image
_KEPT = "stays there: remove it in SWR's console, or use --clean next time"


@dataclass(slots=True)
class LastAnswer:
    """A Journal that keeps the last response, and passes all of them on."""

    journal: Journal | None = None
    response: SwrResponse | None = None

    def forget(self) -> None:
        """Forget the last response: the next request may get none."""
        self.response = None

    def record(self, endpoint: str, request: Request, response: SwrResponse) -> None:
        """Keep a response."""
        self.response = response
        if self.journal is not None:
            self.journal.record(endpoint, request, response)


@dataclass(frozen=True, slots=True)
class Probe:
    """The tag to sync: its lane, and whether to remove it from the target afterwards."""

    lane: Lane
    tag: str
    clean: bool

    @property
    def source(self) -> Target:
        """Return where the tag is copied from."""
        return Target(self.lane.source_region, self.lane.namespace)

    @property
    def image(self) -> str:
        """Return `namespace/repository:tag` of the target."""
        return f"{self.lane.target}/{self.lane.repository}:{self.tag}"


@dataclass(slots=True)
class Canary:
    """One probe of SWR. `sleep` waits for a number of seconds; `deadline` ends the wait."""

    swr: SwrClient
    answers: LastAnswer
    probe: Probe
    deadline: timedelta
    clock: Clock
    sleep: Callable[[float], None]
    results: list[CheckResult] = field(default_factory=list)
    facts: list[FactAnswer] = field(default_factory=list)

    def run(self) -> None:
        """Sync the tag, measure, and clean up; everything found is in `results` and `facts`."""
        try:
            self._run()
        except SwrError as error:
            self._result(Level.PROBLEM, str(error), error.remedy)

    def _run(self) -> None:
        lane = self.probe.lane
        source = self._look(self.probe.source)
        if source is None:
            place = f"{self.probe.source}/{lane.repository}:{self.probe.tag}"
            self._result(Level.PROBLEM, f"{place} does not exist", "name a tag that exists")
            return
        has_repository = self._has_repository()
        before = self._look(lane.target)
        if before is not None and digest(before, "digest") != digest(source, "digest"):
            message = "the target has another image under this tag, which is not replaced"
            self._result(Level.PROBLEM, message, "name a tag that the target does not have")
            return
        began = self.clock.now()
        self._call()
        arrived = self._wait(before, began)
        if arrived is None:
            return
        self._compare(source, arrived)
        if before is None and not has_repository:
            self._fact(OpenFact.TARGET_REPOSITORY, "yes", lane.target.region)
        self._clean_up(before, arrived)

    def _call(self) -> None:
        began = self.clock.now()
        self.answers.forget()
        try:
            self.swr.sync_images(self.probe.lane, [self.probe.tag])
        finally:
            response = self.answers.response
            if response is not None:
                took = _seconds(self.clock.now() - began)
                answer = f"{response.status} after {took}, body {body_shape(response)}"
                self._fact(OpenFact.CALL_BODY, answer)
                self._fact(OpenFact.RATE_HEADERS, rate_headers(response))
        self._result(Level.OK, "sync_images was accepted")

    def _wait(self, before: Json, began: datetime) -> Json:
        """Return the tag at the target once it is there; None if it does not come."""
        states: dict[str, str] = {}
        arrived, wait = None, _FIRST_WAIT
        while True:
            is_over = self.clock.now() - began >= self.deadline
            self._read_job(began, states)
            if arrived is None:
                arrived = self._look(self.probe.lane.target)
                if arrived is not None and before is None:
                    took = f"at most {_seconds(self.clock.now() - began)}"
                    self._fact(OpenFact.ARRIVAL, took, self.probe.lane.target.region)
            # Its job may end, or be listed, a little later than the tag is there.
            is_settled = bool(_ENDED & states.keys()) or wait >= _LONGEST_WAIT
            if is_over or (is_settled if arrived is not None else bool(_FAILED & states.keys())):
                break
            self.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        self._report_jobs(states)
        if arrived is None:
            message = f"{self.probe.image} is not there after {_seconds(self.clock.now() - began)}"
            self._result(Level.PROBLEM, message, "look at the repository's jobs in SWR's console")
        return arrived

    def _report_jobs(self, states: Mapping[str, str]) -> None:
        self._fact(OpenFact.MANUAL_JOBS, "yes" if states else "none was listed")
        if states:
            order = ", ".join(f"{state} ({after})" for state, after in states.items())
            self._fact(OpenFact.JOB_STATES, order)

    def _read_job(self, began: datetime, states: dict[str, str]) -> None:
        lane = self.probe.lane
        try:
            jobs = self.swr.sync_jobs(lane.source_region, lane.namespace, lane.repository)
        except SwrError:
            return  # not permitted, or not now: the target decides
        earliest = began - timedelta(seconds=5)  # SWR's times are whole seconds, of its clock
        for job in jobs:
            is_ours = (job.tag, job.target) == (self.probe.tag, lane.target)
            if is_ours and (job.created_at is None or job.created_at >= earliest):
                states.setdefault(job.status, _seconds(self.clock.now() - began))
                return

    def _compare(self, source: Json, arrived: Json) -> None:
        region = self.probe.lane.target.region
        expected, actual = digest(source, "digest"), digest(arrived, "digest")
        if expected is None or actual is None:
            self._result(Level.WARNING, "a digest is missing in SWR's answer: not compared")
            return
        is_same = expected == actual
        answer = "yes" if is_same else f"no: {expected} became {actual}"
        self._fact(OpenFact.DIGEST, answer, region)
        if source.get("tag_type") == _INDEX:
            kind = "as an index" if arrived.get("tag_type") == _INDEX else "as a single image"
            self._fact(OpenFact.INDEX, f"{kind}, digest kept: {answer}", region)
        level = Level.OK if is_same else Level.WARNING
        kinds = f"tag_type {source.get('tag_type')} and {arrived.get('tag_type')}"
        message = (
            f"{self.probe.image} arrived with {'its' if is_same else 'another'} digest, {kinds}"
        )
        self._result(level, message)

    def _clean_up(self, before: Json, arrived: Json) -> None:
        if before is not None:
            self._result(Level.OK, f"{self.probe.image} was there before: it is left as it is")
        elif not self.probe.clean:
            self._result(Level.OK, f"{self.probe.image} {_KEPT}")
        else:
            self._remove(arrived)

    def _remove(self, arrived: Json) -> None:
        target, lane = self.probe.lane.target, self.probe.lane
        now = self._look(target)
        if now is None or digest(now, "digest") != digest(arrived, "digest"):
            message = f"{self.probe.image} has changed meanwhile: it is not removed"
            self._result(Level.WARNING, message)
            return
        self.swr.delete_tag(target.region, target.namespace, lane.repository, self.probe.tag)
        self._result(Level.OK, f"{self.probe.image} is removed; its repository stays")

    def _has_repository(self) -> bool:
        target = self.probe.lane.target
        path = tags_path(target.namespace, self.probe.lane.repository, 0)
        response = self.swr.ask(target.region, path)
        return response.ok or read_error(response).kind is not Kind.NOT_YET

    def _look(self, place: Target) -> Json:
        """Return the tag as SWR describes it, or None. Raises SwrError if it cannot be read."""
        lane, tag = self.probe.lane, self.probe.tag
        shown = self.swr.ask(place.region, tag_path(place.namespace, lane.repository, tag))
        if shown.ok and digest(shown.json_or_none(), "digest"):
            return shown.json_or_none()
        # Not every region can show one tag.
        for page in range(_MOST_PAGES):
            path = tags_path(place.namespace, lane.repository, page * PAGE_SIZE)
            listed = self.swr.ask(place.region, path)
            items = listed.json_or_none() if listed.ok else None
            if not isinstance(items, list) or not items:
                break
            for item in items:
                if text(item, "Tag") == tag:
                    return item
        # Tells an absent tag from one that cannot be read.
        self.swr.list_tags(place.region, place.namespace, lane.repository, [tag])
        return None

    def _fact(self, fact: OpenFact, answer: str, region: str = "") -> None:
        self.facts.append(FactAnswer(fact, region or self.probe.lane.source_region, answer))

    def _result(self, level: Level, message: str, remedy: str = "") -> None:
        about = f"canary {self.probe.lane.namespace}/{self.probe.lane.repository}:{self.probe.tag}"
        self.results.append(CheckResult(level, about, message, remedy))


def _seconds(time: timedelta) -> str:
    return f"{time.total_seconds():.1f} s"
