"""Delivers notifications: gathers what is to be told, and hands due messages to their channels.

One process gathers for all. Every process delivers: a message is claimed in the ledger for each
attempt, so it arrives at least once whatever is killed, and usually once. A channel has one
delivery at a time, and delays no other.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from swrhook import logs
from swrhook.channels import NotDelivered, Post, make_post
from swrhook.clock import Clock
from swrhook.config.model import Channel, ConfigSource, Notify
from swrhook.ledger import notifications
from swrhook.ledger.database import Database
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.notices import has_notices, take_notices
from swrhook.ledger.notifications import Claim
from swrhook.ledger.problems import remember_syncs
from swrhook.metrics import Metrics
from swrhook.notifications.model import Draft, Notice, Topic
from swrhook.notifications.parts import to_part
from swrhook.notifications.rules import Group, select_channels
from swrhook.periodic import PeriodicThread, always
from swrhook.syncs.backoff import Backoff

POLL_INTERVAL = 1.0  # seconds
# Notices that one transaction gathers.
PORTION = 500
RETRIES = Backoff(timedelta(seconds=5), timedelta(minutes=10))
# A message that was not delivered for so long has failed; an operator can send it again.
DEADLINE = timedelta(hours=24)
# Started as they are needed. A channel that does not answer holds one of them.
_THREADS = 64
# Seconds that a stop waits for the deliveries in progress: longer than one may take.
_STOP_TIMEOUT = 25.0
_LEASED_FOR = timedelta(seconds=0.9)


@dataclass(eq=False)
class Notifier(PeriodicThread):
    """The thread that gathers, and starts deliveries. `certificates` are for webhooks."""

    database: Database
    config: ConfigSource
    clock: Clock
    metrics: Metrics
    certificates: str | None = None
    interval: float = POLL_INTERVAL
    is_due: Callable[[], bool] = always

    def __post_init__(self) -> None:
        super().__init__("notifier", self.poll, self.interval, is_due=self.is_due)
        self._lease = PeriodicLease(self.database, "notifier", self.clock)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="notifier")
        self._changed = threading.Condition()  # guards the attributes below
        self._busy: set[str] = set()
        self._posts: dict[str, tuple[Channel, Post]] = {}

    def stop(self, timeout: float | None = None) -> None:
        """Stop. A delivery in progress is repeated by the next process if it is not finished."""
        super().stop(timeout)
        self._pool.shutdown(wait=False)
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, _STOP_TIMEOUT)

    def poll(self) -> None:
        """Gather what is to be told, and start the deliveries that are due."""
        notify = self.config.current().notify
        with self.database.read() as connection:
            is_told = has_notices(connection)
            due = notifications.due_channels(connection, self.clock.now())
        if is_told and self._lease.begin(_LEASED_FOR):
            while self.gather(notify) == PORTION and not self.stopping.is_set():
                pass
        if set(due) - notify.channels.keys():
            with self.database.write() as connection:
                notifications.fail_unknown(connection, notify.channels, self.clock.now())
        for name in due:
            if name in notify.channels:
                self._begin(notify.channels[name])

    def gather(self, notify: Notify) -> int:
        """Gather a portion of the notices in messages; return how many it was."""
        now = self.clock.now()
        with self.database.write() as connection:
            portion = take_notices(connection, PORTION)
            if Topic.RECOVERED in notify.topics:
                remember_syncs(connection, portion.failed, now)
            for draft, group in _drafts(notify, portion.notices):
                last_at = notifications.last_due_at(connection, draft.channel, draft.key)
                due_at = group.due_at(now, last_at)
                quiet = notify.channels[draft.channel].quiet
                due_at = due_at if quiet is None else quiet.postpone(due_at)
                add = notifications.begin if group.is_single else notifications.gather
                add(connection, draft, now, due_at)
        return portion.count

    def _begin(self, channel: Channel) -> None:
        """Deliver a channel's due messages in a thread, unless one is at it already."""
        with self._changed:
            if channel.name in self._busy:
                return
            self._busy.add(channel.name)
        self._pool.submit(self._deliver_all, channel)

    def _deliver_all(self, channel: Channel) -> None:
        try:
            while not self.stopping.is_set() and self.deliver_next(channel):
                pass
        except Exception as exc:  # noqa: BLE001  # of the ledger, or a defect: tried again
            logs.failure("notifier.failed", exc, channel=channel.name)
        finally:
            with self._changed:
                self._busy.discard(channel.name)
                self._changed.notify_all()

    def deliver_next(self, channel: Channel) -> bool:
        """Try to deliver the channel's next due message; return whether it was delivered."""
        with self.database.write() as connection:
            claim = notifications.claim_due(connection, channel.name, self.clock.now())
        if claim is None:
            return False
        url = self.config.current().notify.url
        try:
            self._post(channel).deliver(claim.message, url, self.clock.now())
        except NotDelivered as exc:
            self._fail(claim, exc)
            return False
        with self.database.write() as connection:
            notifications.end(connection, claim, self.clock.now(), None)
        self._report(claim, "sent", None)
        return True

    def _fail(self, claim: Claim, exc: NotDelivered) -> None:
        now, error = self.clock.now(), str(exc)
        is_over = now - claim.message.created_at > DEADLINE
        wait = RETRIES.ceiling(claim.attempts + 1)
        if exc.retry_after is not None:
            wait = max(wait, timedelta(seconds=exc.retry_after))
        with self.database.write() as connection:
            if is_over:
                notifications.end(connection, claim, now, error)
            else:
                notifications.postpone(connection, claim, now + wait, error)
        self._report(claim, "failed" if is_over else "retried", error)

    def _post(self, channel: Channel) -> Post:
        with self._changed:
            before, post = self._posts.get(channel.name, (None, None))
            if post is None or before != channel:
                post = make_post(channel, self.certificates)
                self._posts[channel.name] = channel, post
            return post

    def _report(self, claim: Claim, outcome: str, error: str | None) -> None:
        channel = claim.message.channel
        self.metrics.notifications.labels(channel, outcome).inc()
        write = logs.event if error is None else logs.warning
        write(
            f"notification.{outcome}",
            notification=claim.message.id,
            channel=channel,
            topics=sorted({part.topic.value for part in claim.message.parts}),
            attempts=claim.attempts + 1,
            error=error,
        )


def _drafts(notify: Notify, notices: Sequence[Notice]) -> list[tuple[Draft, Group]]:
    """Return what each channel is told, notices of one group together."""
    parts: dict[tuple[str, str, int], tuple[list[Notice], Group]] = {}
    for number, notice in enumerate(notices):
        for channel, group in select_channels(notify.rules, notice).items():
            key = (channel, group.key, number if group.is_single else -1)
            parts.setdefault(key, ([], group))[0].append(notice)
    return [
        (Draft(channel, key, [to_part(notice) for notice in together]), group)
        for (channel, key, _), (together, group) in parts.items()
    ]
