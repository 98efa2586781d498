"""A configured sender, and how the image names that it uses become names in SWR."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network

from swrhook.model import Announcement, Push, Reading, image_name
from swrhook.senders.delivery import Delivery
from swrhook.swr_names import is_namespace, is_repository, is_tag
from swrhook.units import Rate
from swrhook.wording.message import say

# The callers of these dialects wait for the response, so that it tells them what is wrong.
WAITING_DIALECTS = frozenset({"generic", "mapping"})
# The most image tags of a delivery, unless the sender's max_images says otherwise.
MAX_IMAGES = 10_000
MAX_IMAGES_WHILE_WAITING = 1_000


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """How a sender's repository names become SWR's: `image` in swrhook.yaml."""

    strip_prefix: str = ""
    namespace: str = ""
    default_namespace: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """The part of a sender that determines its pushes: how they are named, and which count.

    Without `allow_namespaces`, it may push to any organization of the source.
    """

    name: str
    region: str
    image: ImageSettings = ImageSettings()
    allow_namespaces: Container[str] | None = None

    def may_push_to(self, namespace: str) -> bool:
        """Tell whether the sender may announce images of an organization."""
        return self.allow_namespaces is None or namespace in self.allow_namespaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender(Origin):
    """A configured sender: its dialect, its authentication and the region of its images.

    `authenticate` takes a delivery and the time, and raises Unauthenticated or KeysUnavailable.
    `confirm` confirms the topic subscription that an authentic delivery offers, if it offers one,
    and returns whether it does, or raises Unconfirmed; it is None if an operator has to confirm.
    `parse` reads deliveries with the sender's own expressions instead of the dialect's function.
    `expect_every` is the longest expected time between deliveries. An empty `allow_from` allows any
    address. `max_images` limits the image tags of one delivery; `max_open` (None: no limit) the
    syncs open at a time, before more of a large delivery are recorded.
    """

    dialect: str
    authenticate: Callable[[Delivery, datetime], None] = field(repr=False)
    takes_path_secret: bool = False
    confirm: Callable[[Delivery], bool] | None = field(default=None, repr=False)
    parse: Callable[[Delivery], Reading] | None = field(default=None, repr=False)
    expect_every: timedelta | None = None
    allow_from: Sequence[IPv4Network | IPv6Network] = ()
    rate_limit: Rate | None = None
    max_images: int = MAX_IMAGES
    max_open: int | None = None


def default_max_images(dialect: str) -> int:
    """Return the most image tags that a delivery in a dialect may have by default."""
    return MAX_IMAGES_WHILE_WAITING if dialect in WAITING_DIALECTS else MAX_IMAGES


def to_pushes(
    sender: Origin, announcements: Sequence[Announcement]
) -> tuple[list[Push], list[str]]:
    """Return the pushes under SWR's names, and a reason for each announcement left out."""
    results = [_to_push(sender, announcement) for announcement in announcements]
    pushes = dict.fromkeys(result for result in results if isinstance(result, Push))
    return list(pushes), [result for result in results if isinstance(result, str)]


def _to_push(sender: Origin, announcement: Announcement) -> Push | str:
    """Return the push, or the reason why SWR cannot hold this image."""
    names = _split_name(sender.image, announcement.name)
    if isinstance(names, str):
        return names
    namespace, repository = names
    image = image_name(namespace, repository, announcement.tag)
    if not is_namespace(namespace):
        return say(
            '%(image)s: SWR allows no organization named "%(namespace)s"',
            image=image,
            namespace=namespace,
        )
    if not is_repository(repository):
        return say(
            '%(image)s: SWR allows no repository named "%(repository)s"',
            image=image,
            repository=repository,
        )
    if not is_tag(announcement.tag):
        return say('%(image)s: "%(tag)s" is not a valid tag', image=image, tag=announcement.tag)
    return Push(
        sender=sender.name,
        region=sender.region,
        namespace=namespace,
        repository=repository,
        tag=announcement.tag,
        digest=announcement.digest,
        event_id=announcement.event_id,
        pushed_at=announcement.pushed_at,
    )


def _split_name(image: ImageSettings, name: str) -> tuple[str, str] | str:
    """Return the namespace and repository for a sender's name, or the reason why there are none."""
    if not name.startswith(image.strip_prefix):
        return say(
            '%(name)s: does not start with strip_prefix "%(strip_prefix)s"',
            name=name,
            strip_prefix=image.strip_prefix,
        )
    rest = name[len(image.strip_prefix) :]
    if image.namespace:
        return image.namespace, rest
    first, slash, repository = rest.partition("/")
    if slash:
        return first, repository
    if image.default_namespace:
        return image.default_namespace, rest
    return say("%(name)s: has no organization, and the sender has no default_namespace", name=name)
