"""Where an image should be: the targets of its syncs, and those that the rules give it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from swrhook.config.model import Config
from swrhook.ledger.database import Snapshot
from swrhook.ledger.observations import find_observations, find_tags
from swrhook.ledger.queries.latest_syncs import LatestSync, latest_syncs
from swrhook.model import Push, Target
from swrhook.rules.plan import plan
from swrhook.rules.rulebook import Rulebook
from swrhook.syncs.observations import Place

# Other tags of the same digest would not make it more likely that it is there.
_MOST_TAGS = 3
_MOST_CACHED = 10_000


@dataclass(frozen=True, slots=True)
class AskedImage:
    """An image as it is asked for: a tag, a digest, or both."""

    namespace: str
    repository: str
    tag: str | None
    digest: str | None = None

    def __str__(self) -> str:
        """Return `namespace/repository`, with the tag and the digest that it has."""
        tag = "" if self.tag is None else f":{self.tag}"
        digest = "" if self.digest is None else f"@{self.digest}"
        return f"{self.namespace}/{self.repository}{tag}{digest}"


@dataclass(frozen=True, slots=True)
class Copy:
    """An image at one target; `source` is where it is copied from, None if from nowhere.

    `target` is None if the image is asked for by a digest that no known tag has.
    """

    asked: AskedImage
    at: Target
    target: Place | None
    source: Place | None = None
    sync: LatestSync | None = None


class CopyFinder:
    """Finds the copies of images; remembers what the rules in use say about an image."""

    def __init__(self) -> None:
        self._rules = Rulebook()
        self._planned: dict[tuple[str, str, str], Mapping[Target, str]] = {}

    def find(
        self,
        snapshot: Snapshot,
        asked: AskedImage,
        config: Config,
        region: str | None = None,
        namespace: str | None = None,
    ) -> list[Copy]:
        """Return the copies of an image, by its names at the source, at the targets that match.

        With a region, there is always one: if neither a sync nor a rule leads there, it is the
        image of the same name, or in this namespace, which is copied from nowhere.
        """
        copies = [
            copy
            for tag in _tags(snapshot, asked)
            for copy in self._find(snapshot, asked, tag, config)
            if region in (None, copy.at.region) and namespace in (None, copy.at.namespace)
        ]
        if copies or region is None:
            return copies
        at = Target(region, namespace or asked.namespace)
        tags = _tags(snapshot, asked)
        places = [Place(region, at.namespace, asked.repository, tag) for tag in tags]
        return [Copy(asked, at, place) for place in places] or [Copy(asked, at, None)]

    def find_at(self, snapshot: Snapshot, asked: AskedImage, at: Target) -> list[Copy]:
        """Return the copies of an image at one target, by its names there."""
        tags = _tags(snapshot, asked)
        copies = [
            _with_source(snapshot, asked, Place(at.region, at.namespace, asked.repository, tag))
            for tag in tags
        ]
        return copies or [Copy(asked, at, None)]

    def _find(
        self, snapshot: Snapshot, asked: AskedImage, tag: str, config: Config
    ) -> Iterator[Copy]:
        names = (asked.namespace, asked.repository, tag)
        syncs = latest_syncs(snapshot, *names)
        sources = {at: sync.source_region for at, sync in syncs.items()}
        for at, source_region in {**self._targets(names, config), **sources}.items():
            target = Place(at.region, at.namespace, asked.repository, tag)
            yield Copy(asked, at, target, Place(source_region, *names), syncs.get(at))

    def _targets(self, names: tuple[str, str, str], config: Config) -> Mapping[Target, str]:
        """Return the source regions of an image by target, as the rules say."""
        if config.rules is not self._rules or len(self._planned) > _MOST_CACHED:
            self._rules, self._planned = config.rules, {}
        targets = self._planned.get(names)
        if targets is None:
            senders = config.senders.values()
            pushes = [Push(sender.name, sender.region, *names) for sender in senders]
            planned = plan(pushes, config.rules).syncs
            targets = {sync.target: sync.push.region for sync in reversed(planned)}
            self._planned[names] = targets
        return targets


def _with_source(snapshot: Snapshot, asked: AskedImage, target: Place) -> Copy:
    """Return the copy at a target, with what it is copied from as far as that was ever seen."""
    at = Target(target.region, target.namespace)
    kept = find_observations(snapshot, [target]).get(target)
    origin = kept.source if kept is not None else None
    namespace = target.namespace if origin is None else origin.namespace
    sync = latest_syncs(snapshot, namespace, target.repository, target.tag).get(at)
    if sync is not None and origin is None:
        origin = Target(sync.source_region, namespace)
    if origin is None:
        return Copy(asked, at, target)
    source = replace(target, region=origin.region, namespace=origin.namespace)
    return Copy(asked, at, target, source, sync)


def _tags(snapshot: Snapshot, asked: AskedImage) -> Sequence[str]:
    """Return the tag of an image or, without one, those that are known to have its digest."""
    if asked.tag is not None or asked.digest is None:
        return [asked.tag or ""]
    tags = find_tags(snapshot, asked.digest, asked.namespace, asked.repository)
    return tags[:_MOST_TAGS]
