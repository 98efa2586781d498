"""A real ledger with the web layer on top, and short ways to record entries."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from time import monotonic
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, delete, select
from werkzeug.local import LocalProxy
from werkzeug.test import TestResponse

from swrhook.clock import SystemClock
from swrhook.config import Config, parse
from swrhook.config.model import Access
from swrhook.errors import SwrError
from swrhook.ledger.certificates import KeptCertificates
from swrhook.ledger.database import Database, after_commit
from swrhook.ledger.deliveries import record
from swrhook.ledger.observations import keep_observations
from swrhook.ledger.operator import Operator
from swrhook.ledger.rows import SYNC_COLUMNS, to_sync
from swrhook.ledger.syncs import apply_decision
from swrhook.ledger.tables import questions, syncs
from swrhook.ledger.types import new_id
from swrhook.metrics import Metrics
from swrhook.model import DeliveryEntry, Outcome, PlannedSync, Push, Receipt, State, Target
from swrhook.sender_keys import HttpsKeyProvider, HttpsSettings
from swrhook.service.coverage_collector import coverage_collector
from swrhook.service.gunicorn_workers import LEAVING
from swrhook.service.health import Health
from swrhook.service.metrics_collectors import endpoint_collector, register_ledger
from swrhook.service.outcome_log import OutcomeLog
from swrhook.service.sender_monitor import SenderActivity
from swrhook.service.snapshot import Pace
from swrhook.service.statistics import RepairCounts, Statistics
from swrhook.sso import IdentityProvider
from swrhook.syncs.decisions import Decision
from swrhook.syncs.observations import Place, TagObservation
from swrhook.syncs.states import TRANSITIONS, Event
from swrhook.usecases.availability.check import AvailabilityChecker
from swrhook.web import create_web
from swrhook.web.context import WebContext
from swrhook.worker.gateway import Endpoint
from tests.factories import FakeClock

NOW = datetime.now(UTC)
DIGEST = "sha256:" + "a" * 64
ASK, READ, OPERATE, ADMIN = (
    f"{role}-token-of-24-letters" for role in ("ask", "read", "operate", "admin")
)
SECRET = "the-secret-of-ci-that-is-long"
CONFIG = f"""\
swr:
  iam_endpoint: https://iam.example.com
  credentials: {{kind: token, token: "sesame-sesame-sesame"}}
  regions: {{cn-north-4: {{}}, cn-east-3: {{}}, ap-southeast-1: {{}}}}
access:
  tokens:
    - {{name: dashboard, role: read, token: {READ}}}
    - {{name: ops, role: operate, token: {OPERATE}}}
    - {{name: root, role: admin, token: {ADMIN}}}
    - {{name: gate, role: ask, token: {ASK}}}
senders:
  ci: {{dialect: generic, region: cn-north-4, auth: {{scheme: bearer, secrets: [{SECRET}]}}}}
rules:
  - name: all
    when: {{namespace: team}}
    sync: [{{region: cn-east-3, namespace: team}}]
"""
EAST = Target("cn-east-3", "team")
HONG_KONG = Target("ap-southeast-1", "team-hk")
# Each request waits for numbers of its own.
AT_ONCE = Pace(interval=0, share=1, grace=30, patience=30)
ORDER = {"image": "team/web:v1", "source_region": "cn-north-4"}


def configuration() -> Config:
    return parse(CONFIG.encode(), file="f", environ={}, read_file=lambda _path: "")


@dataclass
class WebHarness:
    """The web layer, its ledger, and the parts that tests replace."""

    database: Database
    config: Config = field(default_factory=configuration)
    metrics: Metrics = field(default_factory=Metrics)
    endpoints: Sequence[Endpoint] = ()
    has_workers: bool = True
    held: dict[Place, str | None] = field(default_factory=dict)  # DIGEST is everywhere else
    looks: list[Place] = field(default_factory=list)
    https: HttpsSettings = field(default_factory=HttpsSettings)
    _web: Flask | None = None

    @cached_property
    def context(self) -> WebContext:
        clock = SystemClock()
        senders = SenderActivity(self.database, self, clock)
        self.metrics.register(endpoint_collector(lambda: self.endpoints))
        register_ledger(self.metrics, self.database, senders, clock, AT_ONCE)
        self.metrics.register(coverage_collector(self.database, self, clock))
        keys = HttpsKeyProvider(self.https, monotonic, KeptCertificates(self.database, clock))
        return WebContext(
            config=self,
            clock=clock,
            database=self.database,
            recorder=self,
            operator=self.operator,
            metrics=self.metrics,
            health=Health(),
            senders=senders,
            statistics=Statistics(self.database, clock, AT_ONCE),
            repair_counts=RepairCounts(self.database, AT_ONCE),
            availability=AvailabilityChecker(self.database, self, clock),
            identity_provider=IdentityProvider(self.https, keys, monotonic),
        )

    @property
    def web(self) -> Flask:
        """The application, which serves this harness from now on."""
        _SERVED[:] = [self]
        if self._web is None:
            self._web = _application()
        self._web.extensions[LEAVING] = self.context.draining.begun
        return self._web

    def own_web(self, context: WebContext | None = None) -> Flask:
        """Make an application of this harness alone: for routes of the test's own, or no caches."""
        self._web = create_web(context or self.context)
        return self._web

    @cached_property
    def operator(self) -> Operator:
        return Operator(self.database, self, OutcomeLog(self.metrics), FakeClock(NOW))

    def current(self) -> Config:
        return self.config

    def wake(self, connection: Connection) -> None:
        """Answer the questions, as workers would; no lane runs."""
        if self.has_workers:
            after_commit(connection, self._answer)

    def _answer(self) -> None:
        with self.database.write() as connection:
            for row in connection.execute(select(questions)).mappings().all():
                place = Place(*(row[name] for name in ("region", "namespace", "repository", "tag")))
                self.looks.append(place)
                seen = TagObservation(place, self.held.get(place, DIGEST), SystemClock().now())
                keep_observations(connection, [seen])
            connection.execute(delete(questions))

    def client(self, token: str | None = READ) -> FlaskClient:
        client = self.web.test_client()
        if token is not None:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    def let_access_be(self, access: Access) -> None:
        self.config = replace(self.config, access=access)

    def record(self, entry: DeliveryEntry) -> Receipt:
        with self.database.write() as connection:
            return record(connection, [entry]).receipts[0]

    def happen(self, sync_id: str, event: Event, error: SwrError | None = None) -> None:
        """Apply an event to a sync, as the worker does."""
        with self.database.write() as connection:
            row = connection.execute(select(*SYNC_COLUMNS).where(syncs.c.id == sync_id)).mappings()
            sync = to_sync(row.one())
            reason = None if error is None else error.message
            values = {"claim": new_id()} if event is Event.CLAIM else {}
            verdict = Decision(event, reason=reason, error=error, values=values)
            apply_decision(connection, sync, verdict, NOW)
            if TRANSITIONS[event].to is State.VERIFIED:
                target = sync.lane.target
                place = Place(target.region, target.namespace, sync.lane.repository, sync.tag)
                keep_observations(connection, [TagObservation(place, sync.digest, NOW)])

    def push(
        self, image: str, *targets: Target, ago: timedelta = timedelta(), **more: Any
    ) -> Receipt:
        """Record a delivery of one image to these targets."""
        return self.record(image_entry(image, *(targets or (EAST,)), ago=ago, **more))


# The harness that the application serves.
_SERVED: list[WebHarness] = []


@cache
def _application() -> Flask:
    """Return the application, made once: that takes longer than most tests."""

    def part(name: str) -> Any:
        return LocalProxy(lambda: getattr(_SERVED[0].context, name))

    health = Health()
    parts = {one.name: part(one.name) for one in fields(WebContext)}
    return create_web(WebContext(**parts | {"health": health}))


def form_key(page: TestResponse) -> str:
    """Return the key that stands in a page's forms."""
    [key, *_] = re.findall(r'name="form_key" value="([^"]+)"', page.text)
    return str(key)


def signed_in(harness: WebHarness, token: str) -> FlaskClient:
    """Return a browser that is signed in."""
    client = harness.web.test_client()
    form = {"token": token, "form_key": form_key(client.get("/sign-in"))}
    assert client.post("/sign-in", data=form).status_code == 303
    return client


def writes(harness: WebHarness, query: str = "") -> list[tuple[Any, ...]]:
    """Return the audit log as (token, role, action, object, status), newest first."""
    answer = harness.client(ADMIN).get(f"/api/v1/audit?{query}")
    assert answer.status_code == 200, answer.text
    return [
        tuple(item[name] for name in ("token", "role", "action", "object", "status"))
        for item in answer.get_json()["items"]
    ]


def order(
    harness: WebHarness, key: str | None = None, token: str = OPERATE, **body: Any
) -> TestResponse:
    """Request a sync of ORDER, changed by `body`."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return harness.client(token).post("/api/v1/syncs", json=ORDER | body, headers=headers)


def listed_syncs(harness: WebHarness) -> list[Any]:
    items: list[Any] = harness.client().get("/api/v1/syncs").get_json()["items"]
    return items


def image_entry(
    image: str,
    *targets: Target,
    ago: timedelta = timedelta(),
    sender: str = "ci",
    digest: str | None = DIGEST,
    outcome: Outcome = Outcome.ACCEPTED,
    reason: str | None = None,
) -> DeliveryEntry:
    name, _, tag = image.partition(":")
    namespace, _, repository = name.partition("/")
    push = Push(sender, "cn-north-4", namespace, repository, tag, digest)
    planned = [PlannedSync(push, target, override=False, rule="all") for target in targets]
    return DeliveryEntry(
        sender=sender,
        dialect="generic",
        outcome=outcome,
        reason=reason,
        received_at=NOW - ago,
        rules_version="0123456789ab",
        dedup_window=timedelta(minutes=10),
        external_id="42",
        pushes=[push],
        planned=planned if outcome is Outcome.ACCEPTED else [],
    )
