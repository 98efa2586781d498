"""The use case of an order by hand: which syncs a person wants, and what the rules say now."""

from collections.abc import Iterable, Mapping, Sequence

from swrhook.config.model import Config
from swrhook.errors import NothingUsable
from swrhook.model import PlannedSync, Push, Sync, Target
from swrhook.rules import RuleTarget
from swrhook.rules.plan import plan
from swrhook.swr_names import is_namespace
from swrhook.syncs.reconciliation import Place

# Stands for sender and rule where a person named the targets; no name in a configuration.
BY_HAND = "(manual)"


def order(
    image: tuple[str, str, str],
    source_region: str,
    targets: Sequence[RuleTarget] | None,
    config: Config,
) -> list[PlannedSync]:
    """Return the syncs of an image (namespace, repository, tag) to the targets named.

    Without targets the rules decide, as for a push of any sender that is configured for the
    region. Raises NothingUsable with every reason.
    """
    if source_region not in config.swr.regions:
        raise NothingUsable((f"source_region: {source_region} is not a region under swr.regions",))
    if targets is not None:
        return _to(targets, Push(BY_HAND, source_region, *image), config)
    senders = [sender for sender in config.senders.values() if sender.region == source_region]
    if not senders:
        reason = f"source_region: no sender is configured for {source_region}; name targets"
        raise NothingUsable((reason,))
    pushes = [Push(sender.name, source_region, *image) for sender in senders]
    planned = plan(pushes, config.rules)
    if not planned.syncs:
        raise NothingUsable(tuple(dict.fromkeys(planned.reasons)))
    return _once(planned.syncs)


def places_of(
    repositories: Sequence[tuple[str, str]],
    sender: str | None,
    region: str | None,
    config: Config,
    *,
    everywhere: bool = False,
) -> list[Place]:
    """Return where repositories (namespace, repository) are that senders push to.

    In the sender's region, in the one named or, named neither, in the only one that there is;
    `everywhere` takes all of them. Raises NothingUsable.
    """
    if sender is not None and sender not in config.senders:
        raise NothingUsable((f"sender: {sender} is not a configured sender",))
    known = {each.region for each in config.senders.values() if sender in (None, each.name)}
    regions = sorted(known & {region} if region is not None else known)
    if not regions:
        reason = f"region: no sender is configured for {region or 'any region'}"
        raise NothingUsable((reason,))
    if len(regions) > 1 and not everywhere:
        raise NothingUsable((f"name a sender, or a region: {', '.join(regions)}",))
    return [Place(each, *repository) for each in regions for repository in repositories]


def check_rule(name: str | None, config: Config) -> None:
    """Raise NothingUsable when there is no rule of this name."""
    if name is not None and name not in {rule.name for rule in config.rules}:
        raise NothingUsable((f"rule: there is no rule {name}",))


def wanted_of(
    place: Place, digests: Mapping[str, str], sender: str | None, rule: str | None, config: Config
) -> list[PlannedSync]:
    """Return the syncs that the rules want of a repository's tags, given by their digests.

    As if one sender had pushed them or, without its name, any of the region; with a rule's name
    only those that this rule wants. Whatever belongs to no sender any more wants nothing.
    """
    names = [
        each.name
        for each in config.senders.values()
        if each.region == place.region and sender in (None, each.name)
    ]
    pushes = [
        Push(name, place.region, place.namespace, place.repository, tag, digest)
        for tag, digest in sorted(digests.items())
        for name in names
    ]
    planned = plan(pushes, config.rules).syncs
    return _once([sync for sync in planned if rule in (None, sync.rule)])


def wanted_now(sync: Sync, config: Config) -> PlannedSync:
    """Return a sync as the present rules want it; as it is where none of them wants it."""
    lane = sync.lane
    push = Push(sync.sender, lane.source_region, lane.namespace, lane.repository, sync.tag)
    as_it_is = PlannedSync(push, lane.target, lane.override, sync.rule)
    if sync.sender == BY_HAND:
        return as_it_is
    planned = plan([push], config.rules).syncs
    return next((each for each in planned if each.target == lane.target), as_it_is)


def _once(planned: Iterable[PlannedSync]) -> list[PlannedSync]:
    """Return each tag's sync to each target once, though several senders want it."""
    first: dict[tuple[str, Target], PlannedSync] = {}
    for sync in planned:
        first.setdefault((sync.push.image, sync.target), sync)
    return list(first.values())


def _to(targets: Sequence[RuleTarget], push: Push, config: Config) -> list[PlannedSync]:
    wrong = [
        f"targets.{place}: {reason}"
        for place, target in enumerate(targets)
        for reason in _mistakes(target, push, config)
    ]
    if wrong:
        raise NothingUsable(tuple(wrong))
    planned = {
        (target.region, target.namespace): PlannedSync(
            push, Target(target.region, target.namespace), target.override, BY_HAND
        )
        for target in reversed(targets)  # of two alike, the first one holds
    }
    return list(reversed(planned.values()))


def _mistakes(target: RuleTarget, push: Push, config: Config) -> list[str]:
    found = []
    if target.region not in config.swr.regions:
        found.append(f"{target.region} is not a region under swr.regions")
    if target.region == push.region:
        found.append(f"the image is in {push.region} already")
    if not is_namespace(target.namespace):
        found.append(f"SWR allows no organization named «{target.namespace}»")
    return found
