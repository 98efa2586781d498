"""How a request's body would be read: what `check --body` shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from swrhook.config.model import Config
from swrhook.errors import Refused, TooLarge
from swrhook.model import Entry
from swrhook.senders.delivery import Delivery
from swrhook.senders.sender import Sender
from swrhook.usecases.receive import read

REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ShownPush:
    """One image tag."""

    image: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class ShownSync:
    """One sync that would be made, and the rule that wants it."""

    image: str
    target: str
    override: bool
    rule: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a delivery would become; `code` names the refusal if it would be one."""

    sender: str
    dialect: str
    outcome: str
    code: str | None
    reason: str | None
    pushes: Sequence[ShownPush] = ()
    syncs: Sequence[ShownSync] = ()

    def text(self) -> str:
        """Return lines for a person, without what could steer a terminal."""
        lines = [f"{self.sender} ({self.dialect}): {self.outcome}"]
        lines += [f"reason: {self.reason}"] if self.reason else []
        lines += [f"push: {p.image}" + (f"@{p.digest}" if p.digest else "") for p in self.pushes]
        for sync in self.syncs:
            override = ", override" if sync.override else ""
            lines.append(f"sync: {sync.image} to {sync.target} (rule {sync.rule}{override})")
        return "\n".join(
            "".join(character if character.isprintable() else "?" for character in line)
            for line in lines
        )


def look(delivery: Delivery, sender: Sender, config: Config) -> Shown:
    """Read a delivery as if it had come; only a duplicate cannot be told without the ledger."""
    try:
        if len(delivery.body) > config.options.body_limit:
            raise TooLarge(
                f"the body is over settings.body_limit ({config.options.body_limit} bytes)"
            )
        entry = read(delivery, sender, config, now=datetime.now(UTC))
    except Refused as exc:
        return Shown(sender.name, sender.dialect, REFUSED, exc.code, str(exc))
    return _shown(entry)


def _shown(entry: Entry) -> Shown:
    return Shown(
        entry.sender,
        entry.dialect,
        entry.outcome.value,
        None,
        entry.reason,
        [ShownPush(push.image, push.digest) for push in entry.pushes],
        [
            ShownSync(sync.push.image, str(sync.target), sync.override, sync.rule)
            for sync in entry.planned
        ],
    )
