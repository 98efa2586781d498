"""The use case of a replay: what is kept of a delivery is read and planned again."""

from dataclasses import replace
from datetime import datetime

from swrhook.config.model import Config
from swrhook.errors import NothingToReplay, Refused
from swrhook.intake import plan_again, read
from swrhook.model import Entry, Kept, Outcome
from swrhook.senders.delivery import Delivery


def replay(kept: Kept, config: Config, *, now: datetime) -> Entry:
    """Return what would be recorded of a kept delivery, as the configuration is now.

    Its sender was authenticated when it came. Raises NothingToReplay.
    """
    source = config.sources.get(kept.source)
    if source is None:
        raise NothingToReplay(f"its source, {kept.source}, is no longer configured")
    if kept.outcome is Outcome.DUPLICATE:
        raise NothingToReplay(f"it is a duplicate: replay the delivery {kept.original}")
    if kept.body is not None:
        delivery = Delivery(headers=kept.headers, body=kept.body)
        try:
            entry = read(delivery, source, config, now=now)
        except Refused as exc:
            raise NothingToReplay(f"read again, it is refused: {exc}") from exc
    elif kept.pushes:
        entry = plan_again(kept, source, config, now=now)
    else:
        raise NothingToReplay(f"it was {kept.outcome}, and nothing that it announced is kept")
    return replace(entry, replayed_from=kept.id)
