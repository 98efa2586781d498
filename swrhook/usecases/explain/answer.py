"""Questions to answers: rules and ledger are asked, and put together."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from swrhook.config.model import Config
from swrhook.errors import UnknownSender
from swrhook.ledger.database import Database
from swrhook.ledger.queries.tag_history import KnownDelivery, KnownSync, history
from swrhook.ledger.queries.views import ImageFilter
from swrhook.model import Push
from swrhook.usecases.explain.images import push_of, pushes_of
from swrhook.usecases.explain.model import ExplainedDelivery, ExplainedSync, Explanation
from swrhook.usecases.explain.rules import explain_sender
from swrhook.usecases.explain.summary import summary
from swrhook.usecases.explain.wait_reason import waiting

MOST_SOURCES = 10


def explain(
    image: str, sender: str | None, config: Config, database: Database, now: datetime
) -> Explanation:
    """Return why an image tag is where it is, or is not.

    `image` is `namespace/repository:tag` in SWR's names; with a sender also as that one names it.
    Raises NothingUsable when it names no tag that SWR can hold, UnknownSender.
    """
    push, announced = _announced(image, sender, config)
    wanted = ImageFilter(push.namespace, push.repository, push.tag)
    with database.read() as connection:
        known = history(connection, wanted, sender, push.region or None)
    explanation = Explanation(
        image=push.image,
        summary="",
        rules_version=config.version,
        oldest_record_at=known.oldest_at,
        senders=[explain_sender(each, config.rules) for each in announced],
        deliveries=[_delivery(each, push.image, config) for each in known.deliveries],
        syncs=[_sync(each, config, now) for each in known.syncs],
    )
    return replace(explanation, summary=summary(explanation))


def _announced(image: str, sender: str | None, config: Config) -> tuple[Push, Sequence[Push]]:
    """Return the push under SWR's name, and one for each sender that is asked about."""
    if sender is None:
        push, announced = pushes_of(image, config.senders.values())
        return push, announced[:MOST_SOURCES]
    if sender not in config.senders:
        raise UnknownSender(f"no sender is named {sender}: GET /api/v1/senders lists them")
    push = push_of(image, config.senders[sender])
    return push, [push]


def _delivery(known: KnownDelivery, image: str, config: Config) -> ExplainedDelivery:
    parts = (known.reason or "").split("; ")
    about = [part.removeprefix(f"{image}: ") for part in parts if part.startswith(f"{image}: ")]
    return ExplainedDelivery(known, "; ".join(about) or None, known.rules_version != config.version)


def _sync(known: KnownSync, config: Config, now: datetime) -> ExplainedSync:
    return ExplainedSync(
        known.listed,
        waiting(known, config.options.limits, now),
        known.listed.rules_version != config.version,
        known.calls,
    )
