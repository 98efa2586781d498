"""Preview of a request's body, for `check --body`."""

from collections.abc import Iterator
from typing import Any

from swrhook.clock import SystemClock
from swrhook.config.model import Config
from swrhook.errors import Refused, TooLarge
from swrhook.senders.delivery import Delivery
from swrhook.senders.sender import Sender
from swrhook.usecases.receive import read

# The outcome of a body that the service would answer with an error.
REFUSED = "refused"


def preview_body(delivery: Delivery, sender: Sender, config: Config) -> dict[str, Any]:
    """Process a delivery without recording it; return what `--json` prints.

    `code` is the error code of a body that would be refused. Duplicates are not detected: that
    needs the ledger.
    """
    preview = {"sender": sender.name, "dialect": sender.dialect}
    try:
        if len(delivery.body) > config.options.body_limit:
            raise TooLarge(config.options.body_limit)
        entry = read(delivery, sender, config, now=SystemClock().now())
    except Refused as exc:
        refusal = {"outcome": REFUSED, "code": exc.code, "reason": str(exc)}
        return {**preview, **refusal, "pushes": [], "syncs": []}
    return {
        **preview,
        "dialect": entry.dialect,
        "outcome": entry.outcome.value,
        "code": None,
        "reason": entry.reason,
        "pushes": [{"image": push.image, "digest": push.digest} for push in entry.pushes],
        "syncs": [
            {
                "image": sync.push.image,
                "target": str(sync.target),
                "override": sync.override,
                "rule": sync.rule,
            }
            for sync in entry.planned
        ],
    }


def preview_lines(preview: dict[str, Any]) -> Iterator[str]:
    """Yield a preview as text, which may hold anything that the body holds."""
    yield f"{preview['sender']} ({preview['dialect']}): {preview['outcome']}"
    if preview["reason"]:
        yield f"reason: {preview['reason']}"
    for push in preview["pushes"]:
        yield f"push: {push['image']}" + (f"@{push['digest']}" if push["digest"] else "")
    for sync in preview["syncs"]:
        override = ", override" if sync["override"] else ""
        yield f"sync: {sync['image']} to {sync['target']} (rule {sync['rule']}{override})"
