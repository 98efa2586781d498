"""A sender: a configured sender, and how the names it uses become names in SWR."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol

from swrhook.model import Announcement, Push, Reading
from swrhook.senders.delivery import Delivery
from swrhook.swr_names import is_namespace, is_repository, is_tag
from swrhook.units import Rate


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """How a sender's repository names become SWR's: `image` in swrhook.yaml."""

    strip_prefix: str = ""
    namespace: str = ""
    default_namespace: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """A configured sender: its dialect, its way to authenticate, its region.

    `authenticate` takes a delivery and the time, and raises Unauthenticated or KeysUnavailable.
    `confirm` confirms the subscription that an authentic delivery offers, or raises Unconfirmed;
    None where that is left to people. `parse` reads deliveries by the sender's own expressions, in
    place of what the table of dialects has. `expect_every` is how often it delivers at least.
    `allow_from` is empty where any address may deliver.
    """

    name: str
    dialect: str
    region: str
    authenticate: Callable[[Delivery, datetime], None] = field(repr=False)
    image: ImageSettings = ImageSettings()
    takes_path_secret: bool = False
    confirm: Callable[[Delivery], None] | None = field(default=None, repr=False)
    parse: Callable[[Delivery], Reading] | None = field(default=None, repr=False)
    expect_every: timedelta | None = None
    allow_from: Sequence[IPv4Network | IPv6Network] = ()
    rate_limit: Rate | None = None


class Naming(Protocol):
    """What of a sender decides under which names its pushes are known."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def region(self) -> str:
        """The region that its images live in."""

    @property
    def image(self) -> ImageSettings:
        """How its names become SWR's."""


@dataclass(frozen=True, slots=True)
class Origin:
    """As much of a sender as decides about names."""

    name: str
    region: str
    image: ImageSettings = ImageSettings()


def to_pushes(
    sender: Naming, announcements: Sequence[Announcement]
) -> tuple[list[Push], list[str]]:
    """Return the pushes under SWR's names, and a reason for each announcement left out."""
    pushes: dict[Push, None] = {}  # in order, each once
    skipped: list[str] = []
    for announcement in announcements:
        found = _to_push(sender, announcement)
        if isinstance(found, str):
            skipped.append(found)
        else:
            pushes[found] = None
    return list(pushes), skipped


def _to_push(sender: Naming, announced: Announcement) -> Push | str:
    """Return the push, or the reason why SWR can hold no such image."""
    split = _split(sender.image, announced.name)
    if isinstance(split, str):
        return split
    namespace, repository = split
    image = f"{namespace}/{repository}:{announced.tag}"
    if not is_namespace(namespace):
        return f"{image}: SWR allows no organization named «{namespace}»"
    if not is_repository(repository):
        return f"{image}: SWR allows no repository named «{repository}»"
    if not is_tag(announced.tag):
        return f"{image}: «{announced.tag}» is not a tag"
    return Push(
        sender=sender.name,
        region=sender.region,
        namespace=namespace,
        repository=repository,
        tag=announced.tag,
        digest=announced.digest,
        event_id=announced.event_id,
        pushed_at=announced.pushed_at,
    )


def _split(image: ImageSettings, name: str) -> tuple[str, str] | str:
    """Return (namespace, repository) of a sender's name, or why there is none."""
    if not name.startswith(image.strip_prefix):
        return f"{name}: does not start with strip_prefix «{image.strip_prefix}»"
    rest = name[len(image.strip_prefix) :]
    if image.namespace:
        return image.namespace, rest
    first, slash, repository = rest.partition("/")
    if slash:
        return first, repository
    if image.default_namespace:
        return image.default_namespace, rest
    return f"{name}: has no organization in it, and the sender no default_namespace"
