"""What a backfill of whole organizations is about, as an operator names it."""

from collections.abc import Sequence

from swrhook.config.model import Config
from swrhook.errors import NothingUsable
from swrhook.syncs.scope import Scope
from swrhook.usecases.manual_syncs import check_rule
from swrhook.usecases.rule_scope import source_regions
from swrhook.wording.message import say


def backfill_scope(
    namespaces: Sequence[str] | None,
    region: str | None,
    new_region: str | None,
    rule: str | None,
    config: Config,
) -> Scope:
    """Return the scope of a backfill; None means all organizations, source or target regions.

    Raises NothingUsable for a region or a rule that the configuration does not have.
    """
    check_rule(rule, config)
    if region is not None and region not in source_regions(config):
        raise NothingUsable(say("region: no sender is configured for %(region)s", region=region))
    targets = {target.region for other in config.rules for target in other.sync}
    if new_region is not None and new_region not in targets:
        raise NothingUsable(
            say("new_region: no rule copies to %(new_region)s", new_region=new_region)
        )
    return Scope(namespaces, region, new_region, None if rule is None else [rule])
