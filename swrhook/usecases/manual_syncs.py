"""Plan syncs without a delivery: those requested by hand, retries, backfills and reconciles."""

from collections.abc import Iterable, Mapping, Sequence

from swrhook.config.model import Config
from swrhook.errors import NothingUsable
from swrhook.model import PlannedSync, Push, Sync, Target
from swrhook.rules.match import RuleTarget
from swrhook.rules.plan import plan
from swrhook.swr_names import is_namespace
from swrhook.syncs.reconciliation import RepositoryRef
from swrhook.wording.message import say

# The sender and rule of a sync whose targets a person named. No configured name has parentheses.
MANUAL = "(manual)"
_NO_SENDER = say("region: no sender is configured")
_NO_SENDER_THERE = say("region: no sender is configured for %(region)s")


def plan_manual_syncs(
    image: tuple[str, str, str],
    source_region: str,
    targets: Sequence[RuleTarget] | None,
    config: Config,
) -> list[PlannedSync]:
    """Return the syncs of an image (namespace, repository, tag) to the targets.

    Without targets, the rules decide as for a push by each sender of the region. Raises
    NothingUsable with every reason.
    """
    if source_region not in config.swr.regions:
        raise NothingUsable(
            say(
                "source_region: %(source_region)s is not a region under swr.regions",
                source_region=source_region,
            )
        )
    if targets is not None:
        return _plan_targets(targets, Push(MANUAL, source_region, *image), config)
    senders = [sender for sender in config.senders.values() if sender.region == source_region]
    if not senders:
        raise NothingUsable(
            say(
                "source_region: no sender is configured for %(region)s: specify targets",
                region=source_region,
            )
        )
    namespace, *_ = image
    senders = [sender for sender in senders if sender.may_push_to(namespace)]
    if not senders:
        raise NothingUsable(
            say(
                "image: no sender may push to %(namespace)s: specify targets",
                namespace=namespace,
            )
        )
    pushes = [Push(sender.name, source_region, *image) for sender in senders]
    planned = plan(pushes, config.rules)
    if not planned.syncs:
        raise NothingUsable(*dict.fromkeys(planned.reasons))
    return _deduplicate(planned.syncs)


def repositories_in_scope(
    repositories: Sequence[tuple[str, str]],
    sender: str | None,
    region: str | None,
    config: Config,
    *,
    everywhere: bool = False,
) -> list[RepositoryRef]:
    """Return the repositories (namespace, repository), each with its source region.

    The region is the sender's or `region`; without either, it is the only one that any sender has.
    With `everywhere`, the result has every region of a sender. Raises NothingUsable.
    """
    if sender is not None and sender not in config.senders:
        raise NothingUsable(say("sender: %(sender)s is not a configured sender", sender=sender))
    senders = config.senders.values() if sender is None else [config.senders[sender]]
    sender_regions = {configured.region for configured in senders}
    regions = sorted(sender_regions & {region} if region is not None else sender_regions)
    if not regions and sender is not None:
        raise NothingUsable(
            say(
                "region: the sender %(sender)s is not in %(region)s",
                sender=sender,
                region=region,
            )
        )
    if not regions:
        sentence = _NO_SENDER if region is None else _NO_SENDER_THERE
        raise NothingUsable(sentence.using(region=region))
    if len(regions) > 1 and not everywhere:
        raise NothingUsable(
            say(
                "specify a sender, or one of the regions %(regions)s",
                regions=", ".join(regions),
            )
        )
    return [RepositoryRef(name, *repository) for name in regions for repository in repositories]


def check_rule(name: str | None, config: Config) -> None:
    """Raise NothingUsable if no rule has this name."""
    if name is not None and name not in {rule.name for rule in config.rules}:
        raise NothingUsable(say("rule: there is no rule %(name)s", name=name))


def plan_repository(
    repository: RepositoryRef,
    digests: Mapping[str, str | None],
    sender: str | None,
    rule: str | None,
    config: Config,
) -> list[PlannedSync]:
    """Return the syncs that the rules require for the tags of a repository.

    `digests` are the source's digests by tag. The rules decide as for pushes by `sender` or,
    without one, by each sender of the region. With `rule`, only the syncs of this rule count.
    """
    names = [
        configured.name
        for configured in config.senders.values()
        if configured.region == repository.region
        and sender in (None, configured.name)
        and configured.may_push_to(repository.namespace)
    ]
    pushes = [
        Push(name, repository.region, repository.namespace, repository.repository, tag, digest)
        for tag, digest in sorted(digests.items())
        for name in names
    ]
    planned = plan(pushes, config.rules).syncs
    return _deduplicate([sync for sync in planned if rule in (None, sync.rule)])


def replan(sync: Sync, config: Config) -> PlannedSync:
    """Return a sync as the present rules require it; unchanged if no rule requires it."""
    lane = sync.lane
    push = Push(sync.sender, lane.source_region, lane.namespace, lane.repository, sync.tag)
    unchanged = PlannedSync(push, lane.target, lane.override, sync.rule)
    if sync.sender == MANUAL:
        return unchanged
    planned = plan([push], config.rules).syncs
    return next((other for other in planned if other.target == lane.target), unchanged)


def _deduplicate(planned: Iterable[PlannedSync]) -> list[PlannedSync]:
    """Return the first sync for each tag and target: several senders may lead to the same."""
    first: dict[tuple[str, Target], PlannedSync] = {}
    for sync in planned:
        first.setdefault((sync.push.image, sync.target), sync)
    return list(first.values())


def _plan_targets(targets: Sequence[RuleTarget], push: Push, config: Config) -> list[PlannedSync]:
    errors = [
        say("targets.%(index)s: %(reason)s", index=index, reason=reason)
        for index, target in enumerate(targets)
        for reason in _target_errors(target, push, config)
    ]
    if errors:
        raise NothingUsable(*errors)
    return _deduplicate(
        PlannedSync(push, Target(target.region, target.namespace), target.override, MANUAL)
        for target in targets
    )


def _target_errors(target: RuleTarget, push: Push, config: Config) -> list[str]:
    errors: list[str] = []
    if target.region not in config.swr.regions:
        errors.append(say("%(region)s is not a region under swr.regions", region=target.region))
    if target.region == push.region:
        errors.append(say("the image is already in %(region)s", region=push.region))
    if not is_namespace(target.namespace):
        errors.append(
            say('SWR allows no organization named "%(namespace)s"', namespace=target.namespace)
        )
    return errors
