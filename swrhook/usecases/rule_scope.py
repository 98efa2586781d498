"""The regions, organizations and routes that the rules of a configuration use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from swrhook.config.model import Config
from swrhook.model import Push, Target
from swrhook.rules.glob import Glob
from swrhook.rules.match import VARIABLES, Pattern, Rule, RuleTarget
from swrhook.senders.sender import Sender
from swrhook.syncs.coverage import CoverageKey

# Fills the parts of a push other than its organization.
_PLACEHOLDER = "any"
_WILDCARDS = frozenset("*?")


@dataclass(frozen=True, slots=True)
class RuleScope:
    """The regions, the source and target organizations, and the routes between regions.

    `unresolved_targets` are targets whose organization depends on the pushed image.
    """

    regions: Sequence[str]
    sources: Sequence[Target]
    targets: Sequence[Target]
    routes: Sequence[tuple[str, str]]
    unresolved_targets: Sequence[Target]


def rule_scope(config: Config) -> RuleScope:
    """Return what the rules read and write, as far as the configuration alone determines it."""
    sources: list[Target] = []
    targets: list[Target] = []
    routes: list[tuple[str, str]] = []
    unresolved: list[Target] = []
    for rule in config.rules:
        for sender in _matching_senders(rule, config.senders.values()):
            namespaces, is_complete = _source_namespaces(rule, sender)
            allowed = [name for name in namespaces if sender.may_push_to(name)]
            if is_complete and namespaces and not allowed:
                continue  # the sender may push nothing that the rule matches
            namespaces = allowed
            sources += [Target(sender.region, namespace) for namespace in namespaces]
            routes += [(sender.region, target.region) for target in rule.sync]
            for target in rule.sync:
                resolved = _resolve(target, sender, namespaces)
                targets += resolved
                if not resolved or (_is_template(target) and not is_complete):
                    unresolved.append(Target(target.region, target.namespace))
    return RuleScope(
        list(config.swr.regions),
        list(dict.fromkeys(sources)),
        list(dict.fromkeys(targets)),
        list(dict.fromkeys(routes)),
        list(dict.fromkeys(unresolved)),
    )


@dataclass(frozen=True, slots=True)
class Reach:
    """The organizations of a source region whose images the rules can select.

    `namespaces` are those that the configuration names. Unless `is_complete`, there may be others,
    which `select` finds among those of the region.
    """

    namespaces: Sequence[str]
    is_complete: bool
    conditions: Sequence[tuple[Rule, Sender]]

    def select(self, namespaces: Iterable[str]) -> list[str]:
        """Return those of the organizations that the rules reach."""
        return [name for name in namespaces if self._has(name)]

    def _has(self, namespace: str) -> bool:
        return any(
            sender.may_push_to(namespace)
            and sender.image.namespace in ("", namespace)
            and ((included := rule.when.get("namespace")) is None or _fits(included, namespace))
            and not _fits(rule.unless.get("namespace", ()), namespace)
            for rule, sender in self.conditions
        )


def coverage_keys(config: Config) -> list[CoverageKey]:
    """Return every rule that syncs, with each region that it copies to, in the file's order."""
    return list(
        dict.fromkeys(
            CoverageKey(rule.name, target.region)
            for rule in config.rules
            if rule.enabled and not rule.shadow
            for target in rule.sync
        )
    )


def source_regions(config: Config) -> list[str]:
    """Return the regions of the senders, as far as they are configured, sorted."""
    return sorted({sender.region for sender in config.senders.values()} & config.swr.regions.keys())


def reach(config: Config, region: str) -> Reach:
    """Return which organizations of a source region the rules reach."""
    conditions: dict[tuple[str, str], tuple[Rule, Sender]] = {}
    namespaces: list[str] = []
    is_complete = True
    senders = [sender for sender in config.senders.values() if sender.region == region]
    for rule in config.rules:
        if not rule.enabled or rule.shadow:
            continue
        for sender in _matching_senders(rule, senders):
            # Thousands of rules share few patterns for organizations.
            patterns = (rule.when.get("namespace"), rule.unless.get("namespace"))
            key = (sender.name, repr(patterns))
            if key in conditions:
                continue
            conditions[key] = (rule, sender)
            names, has_all = _source_namespaces(rule, sender)
            namespaces += names
            is_complete = is_complete and has_all
    reached = Reach((), is_complete, [*conditions.values()])
    return replace(reached, namespaces=reached.select(dict.fromkeys(namespaces)))


def _is_template(target: RuleTarget) -> bool:
    return any(f"{{{name}}}" in target.namespace for name in VARIABLES)


def _resolve(target: RuleTarget, sender: Sender, namespaces: Iterable[str]) -> list[Target]:
    """Return the targets that follow from the source organizations, without a push."""
    if not _is_template(target):
        return [Target(target.region, target.namespace)]
    if "{repository}" in target.namespace:
        return []
    pushes = [
        Push(sender.name, sender.region, namespace, _PLACEHOLDER, _PLACEHOLDER)
        for namespace in namespaces
    ]
    return [Target(target.region, target.namespace_for(push)) for push in pushes]


def _matching_senders(rule: Rule, senders: Iterable[Sender]) -> list[Sender]:
    """Return the senders whose pushes the rule can match."""
    included, excluded = rule.when.get("sender"), rule.unless.get("sender", ())
    return [
        sender
        for sender in senders
        if (included is None or _fits(included, sender.name)) and not _fits(excluded, sender.name)
    ]


def _fits(patterns: Iterable[Pattern], value: str) -> bool:
    return any(pattern.matches(value) for pattern in patterns)


def _source_namespaces(rule: Rule, sender: Sender) -> tuple[list[str], bool]:
    """Return the known source organizations, and whether there can be no others."""
    patterns = rule.when.get("namespace")
    image = sender.image
    own = [name for name in (image.namespace or image.default_namespace,) if name]
    if patterns is None:
        return own, bool(image.namespace)
    matching = [name for name in own if _fits(patterns, name)]
    # `namespace` of a sender applies to all its images, `default_namespace` only to some.
    if image.namespace:
        return matching, True
    literals = [
        pattern.text
        for pattern in patterns
        if isinstance(pattern, Glob) and not _WILDCARDS & {*pattern.text}
    ]
    return list(dict.fromkeys([*literals, *matching])), len(literals) == len(patterns)
