"""Which regions, organizations and routes the rules of a configuration use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from swrhook.config.model import Config
from swrhook.model import Push, Target
from swrhook.rules import VARIABLES, Glob, Rule, RuleTarget
from swrhook.senders.sender import Sender

_Value = TypeVar("_Value")
# In a push of which only the organization is of interest.
_ANY = "any"
_WILD = frozenset("*?")


@dataclass(frozen=True, slots=True)
class RuleScope:
    """The regions, the organizations to read in and to write to, and the ways between regions.

    `untold` are targets whose organization depends on the image that is pushed.
    """

    regions: Sequence[str]
    sources: Sequence[Target]
    targets: Sequence[Target]
    routes: Sequence[tuple[str, str]]
    unresolved_targets: Sequence[Target]


def rule_scope(config: Config) -> RuleScope:
    """Return where the rules read and write."""
    senders: list[Target] = []
    targets: list[Target] = []
    routes: list[tuple[str, str]] = []
    untold: list[Target] = []
    for rule in config.rules:
        for sender in _senders(rule, config.senders.values()):
            namespaces, are_all = _namespaces(rule, sender)
            senders += [Target(sender.region, namespace) for namespace in namespaces]
            routes += [(sender.region, target.region) for target in rule.sync]
            for target in rule.sync:
                known = _known(target, sender, namespaces)
                targets += known
                if not known or (_varies(target) and not are_all):
                    untold.append(Target(target.region, target.namespace))
    once = (_once(senders), _once(targets), _once(routes), _once(untold))
    return RuleScope(list(config.swr.regions), *once)


def _once(values: Iterable[_Value]) -> list[_Value]:
    return list(dict.fromkeys(values))


def _varies(target: RuleTarget) -> bool:
    return any(f"{{{name}}}" in target.namespace for name in VARIABLES)


def _known(target: RuleTarget, sender: Sender, namespaces: Iterable[str]) -> list[Target]:
    """Return the targets that are known without a push."""
    if not _varies(target):
        return [Target(target.region, target.namespace)]
    if "{repository}" in target.namespace:
        return []
    pushes = [Push(sender.name, sender.region, each, _ANY, _ANY) for each in namespaces]
    return [Target(target.region, target.namespace_for(push)) for push in pushes]


def _senders(rule: Rule, senders: Iterable[Sender]) -> list[Sender]:
    """Return the senders that a rule can match."""
    wanted, unwanted = rule.when.get("sender"), rule.unless.get("sender", ())
    return [
        sender
        for sender in senders
        if (wanted is None or any(pattern.matches(sender.name) for pattern in wanted))
        and not any(pattern.matches(sender.name) for pattern in unwanted)
    ]


def _namespaces(rule: Rule, sender: Sender) -> tuple[list[str], bool]:
    """Return the organizations that images can come from, and whether there are no others."""
    patterns = rule.when.get("namespace")
    image = sender.image
    own = [name for name in (image.namespace or image.default_namespace,) if name]
    if patterns is None:
        return own, bool(image.namespace)
    fitting = [name for name in own if any(pattern.matches(name) for pattern in patterns)]
    if image.namespace:
        return fitting, True
    plain = [each.text for each in patterns if isinstance(each, Glob) and not _WILD & {*each.text}]
    return _once([*plain, *fitting]), len(plain) == len(patterns)
