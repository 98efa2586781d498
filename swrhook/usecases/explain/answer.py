"""Explain a tag: evaluate the present rules, read the ledger, and combine both."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from swrhook.config.model import Config
from swrhook.errors import UnknownImage, UnknownSender
from swrhook.ledger.database import Database
from swrhook.ledger.queries.tag_history import TagHistoryDelivery, TagHistorySync, read_tag_history
from swrhook.ledger.queries.views import ImageFilter
from swrhook.model import Push
from swrhook.rules.match import Rule
from swrhook.rules.namespaces import Namespaces
from swrhook.rules.plan import reason_about
from swrhook.usecases.explain.images import to_push, to_sender_pushes
from swrhook.usecases.explain.model import (
    ExplainedDelivery,
    ExplainedSender,
    ExplainedSync,
    Explanation,
)
from swrhook.usecases.explain.rules import explain_sender
from swrhook.usecases.explain.scope import narrow, rules_about
from swrhook.usecases.explain.summary import summarize
from swrhook.usecases.explain.wait_reason import wait_reason
from swrhook.wording.message import join_parts, say, split_parts

MAX_SENDERS = 10


def explain(
    image: str,
    sender: str | None,
    config: Config,
    database: Database,
    now: datetime,
    scope: Namespaces | None = None,
) -> Explanation:
    """Return why an image tag is, or is not, at its targets.

    `image` is `namespace/repository:tag` as in SWR or, with a sender, as that sender names it. With
    a scope, the explanation shows nothing of other organizations; of an image of these, nothing at
    all. Raises NothingUsable if SWR cannot hold such a tag, UnknownSender and UnknownImage.
    """
    push, pushes = _resolve_pushes(image, sender, config)
    if scope is not None and push.namespace not in scope:
        raise UnknownImage(f"no image {push.image} is known")
    rules = config.rules if scope is None else rules_about(push, list(config.rules))
    image_filter = ImageFilter(push.namespace, push.repository, push.tag)
    with database.read() as connection:
        history = read_tag_history(connection, image_filter, sender, push.region or None)
    explanation = Explanation(
        image=push.image,
        summary="",
        rules_version=config.version,
        oldest_record_at=history.oldest_at,
        senders=[_explain_sender(sender_push, config, rules) for sender_push in pushes],
        deliveries=[
            _explain_delivery(delivery, push.image, config) for delivery in history.deliveries
        ],
        syncs=[_explain_sync(sync, config, now) for sync in history.syncs],
        expanding=history.expanding,
    )
    if scope is not None:
        explanation = narrow(explanation)
    return replace(explanation, summary=summarize(explanation, now))


def _resolve_pushes(image: str, sender: str | None, config: Config) -> tuple[Push, Sequence[Push]]:
    """Return the push under SWR's names, and one push for each sender to explain."""
    if sender is None:
        push, pushes = to_sender_pushes(image, config.senders.values())
        return push, pushes[:MAX_SENDERS]
    if sender not in config.senders:
        raise UnknownSender(
            say("no sender is named %(sender)s: GET /api/v1/senders lists them", sender=sender)
        )
    push = to_push(image, config.senders[sender])
    return push, [push]


def _explain_sender(push: Push, config: Config, rules: Sequence[Rule]) -> ExplainedSender:
    if config.senders[push.sender].may_push_to(push.namespace):
        return explain_sender(push, rules)
    summary = say(
        "the sender may not push to %(namespace)s (allow.namespaces)", namespace=push.namespace
    )
    return ExplainedSender(
        push.sender,
        push.region,
        matched=False,
        summary=summary,
        rules=(),
        rules_left_out=len(rules),
    )


def _explain_delivery(
    delivery: TagHistoryDelivery, image: str, config: Config
) -> ExplainedDelivery:
    parts = split_parts(delivery.reason or "")
    reasons = [reason for part in parts if (reason := reason_about(image, part)) is not None]
    rules_changed = delivery.rules_version != config.version
    return ExplainedDelivery(delivery, join_parts(reasons) or None, rules_changed)


def _explain_sync(sync: TagHistorySync, config: Config, now: datetime) -> ExplainedSync:
    return ExplainedSync(
        sync=sync.listed,
        waiting=wait_reason(sync, config.options.limits, now),
        rules_changed=sync.listed.rules_version != config.version,
        calls=sync.calls,
    )
