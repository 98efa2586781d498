"""Retention: rules that delete tags behind the back of whoever pushed or copied them.

Source: SWR user guide, "Adding an Image Retention Policy": by number of tags, or by days.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from swrhook.clock import Clock
from swrhook.simulator.mirror import MirroredTags
from swrhook.simulator.model import Tag
from swrhook.simulator.retention_rule import RetentionRule
from swrhook.simulator.tagstore import Page, StoredTags

_ALL = Page(limit=1_000_000)  # the most recently updated first
# Rules apply at most once in this time, so that reading a list costs no pass over all tags.
_INTERVAL = timedelta(seconds=1)


class Retention:
    """The rules, and when they were last applied. Mirrored regions are left alone."""

    def __init__(self, clock: Clock, rules: Sequence[RetentionRule] = ()) -> None:
        self._clock = clock
        self._rules = tuple(rules)
        self._applied_at: datetime | None = None

    @property
    def rules(self) -> Sequence[RetentionRule]:
        """Return the rules, in the order in which they apply."""
        return self._rules

    @rules.setter
    def rules(self, rules: Sequence[RetentionRule]) -> None:
        self._rules = tuple(rules)
        self._applied_at = None

    def apply(self, stores: Mapping[str, StoredTags | MirroredTags]) -> None:
        """Delete the tags that the rules do not keep, if they did not apply just now."""
        now = self._clock.now()
        is_early = self._applied_at is not None and now - self._applied_at < _INTERVAL
        if not self._rules or is_early:
            return
        self._applied_at = now
        for rule in self._rules:
            store = stores[rule.region]
            if isinstance(store, StoredTags):
                for tag in _outdated(store, rule, now):
                    store.remove(tag)


def _outdated(store: StoredTags, rule: RetentionRule, now: datetime) -> list[Tag]:
    repositories = [
        repository
        for namespace, repository in store.repositories()
        if namespace == rule.namespace and rule.repository in (None, repository)
    ]
    outdated: list[Tag] = []
    for repository in repositories:
        tags = store.page(rule.namespace, repository, _ALL).items
        outdated += [
            tag
            for position, tag in enumerate(tags)
            if (rule.keep is not None and position >= rule.keep)
            or (rule.max_age is not None and (now - tag.updated).total_seconds() > rule.max_age)
        ]
    return outdated
