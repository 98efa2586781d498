"""Check values against each other: names that must exist, names that must be unique.

These checks work on the unchecked document, so that one run reports all mistakes. A value of the
wrong type counts as absent here; check_structure reports it.
"""

from collections.abc import Callable, Hashable

from swrhook.auth import SCHEMES
from swrhook.config.cloud_checks import check_clouds, check_synchronization
from swrhook.config.diagnostics import Diagnostics, did_you_mean, quote
from swrhook.config.nodes import Data, NodePath, list_at, mapping_at, texts_in, value_at
from swrhook.config.rule_schema import glob, regex
from swrhook.config.validators import token_digest
from swrhook.rules.match import Pattern

# Shorter secrets can be guessed. A prefix that every secret of a kind has does not count.
MIN_SECRET_LENGTH = 16
SIGNING_PREFIX = "whsec_"
# A list and not a set: a wrong file may have an unhashable value in the place of a scheme.
_OPEN_SCHEMES = [name for name, scheme in SCHEMES.items() if not scheme.is_proof]


def check_references(data: Data, diagnostics: Diagnostics) -> None:
    """Check regions, senders, rules and the names that must be unique."""
    check_clouds(data, diagnostics)
    _check_senders(data, diagnostics)
    _check_unique(data, ("access", "tokens"), "name", diagnostics)
    _check_unique(data, ("access", "tokens"), "token", diagnostics, token_digest)
    _check_unique(data, ("sso", "groups"), "name", diagnostics)
    _check_strength(data, diagnostics)
    _check_unique(data, ("rules",), "name", diagnostics)
    if mapping_at(data, "senders") == {}:
        diagnostics.add_warning(("senders",), "no sender is configured: nothing can be received")
    if value_at(data, "rules") == []:
        diagnostics.add_warning(("rules",), "no rule is configured: nothing will be replicated")
    _check_rules(data, diagnostics)
    _check_channels(data, diagnostics)
    for host, region in (mapping_at(data, "gate", "registries") or {}).items():
        _check_region(data, ("gate", "registries", host), region, diagnostics)


def _check_channels(data: Data, diagnostics: Diagnostics) -> None:
    """Check that the channels of notify's rules exist, and warn of those that no rule names."""
    channels = mapping_at(data, "notify", "channels") or {}
    named = set()
    for index, rule in enumerate(list_at(data, "notify", "rules")):
        for number, channel in enumerate(list_at(rule, "to")):
            named.add(channel if isinstance(channel, str) else "")
            if isinstance(channel, str) and channel and channel not in channels:
                hint = did_you_mean(channel, channels) if channels else "no channel is configured"
                path: NodePath = ("notify", "rules", index, "to", number)
                diagnostics.add_mistake(path, f"{quote(channel)} is not in notify.channels: {hint}")
    for name in channels.keys() - named:
        message = "no rule of notify tells this channel anything"
        diagnostics.add_warning(("notify", "channels", name), message)


def _check_region(data: Data, path: NodePath, region: Data, diagnostics: Diagnostics) -> None:
    """Report a region that is used but not configured."""
    regions = mapping_at(data, "swr", "regions")
    if isinstance(region, str) and region and regions and region not in regions:
        hint = did_you_mean(region, regions)
        diagnostics.add_mistake(path, f"{quote(region)} is not in swr.regions: {hint}")


def _check_senders(data: Data, diagnostics: Diagnostics) -> None:
    for name, sender in (mapping_at(data, "senders") or {}).items():
        _check_region(data, ("senders", name, "region"), value_at(sender, "region"), diagnostics)
        is_open = value_at(sender, "auth", "scheme") in _OPEN_SCHEMES
        if is_open and value_at(sender, "allow_unauthenticated") is not True:
            diagnostics.add_mistake(
                ("senders", name, "auth", "scheme"),
                '"none" accepts deliveries from everybody: choose another scheme, or write '
                '"allow_unauthenticated: true" beside "auth"',
            )
        _check_mapping(("senders", name, "mapping"), sender, diagnostics)


def _check_mapping(path: NodePath, sender: Data, diagnostics: Diagnostics) -> None:
    """Report a mapping that is missing, or that the dialect does not read."""
    has_mapping, dialect = value_at(sender, "mapping") is not None, value_at(sender, "dialect")
    if dialect == "mapping" and not has_mapping:
        diagnostics.add_mistake(path, "is missing: this dialect cannot find an image without it")
    if dialect != "mapping" and has_mapping:
        diagnostics.add_mistake(path, 'is only for the dialect "mapping": no other reads it')


def _check_strength(data: Data, diagnostics: Diagnostics) -> None:
    """Report secrets of senders and tokens of the API that are short enough to be guessed."""
    for name, sender in (mapping_at(data, "senders") or {}).items():
        auth = value_at(sender, "auth")
        where: NodePath = ("senders", name, "auth", "secrets")
        _check_lengths(where, auth, value_at(auth, "secrets"), diagnostics)
    for index, token in enumerate(list_at(data, "access", "tokens")):
        where = ("access", "tokens", index, "token")
        _check_lengths(where, token, value_at(token, "token"), diagnostics)


def _check_lengths(path: NodePath, section: Data, secrets: Data, diagnostics: Diagnostics) -> None:
    """Report every short secret, unless the section around it has `allow_weak`."""
    if value_at(section, "allow_weak") is True:
        return
    for where, text in texts_in(secrets, path):
        length = len(text.removeprefix(SIGNING_PREFIX))
        if 0 < length < MIN_SECRET_LENGTH and where[-1] != "not_after":
            diagnostics.add_mistake(
                where,
                f"is shorter than {MIN_SECRET_LENGTH} characters: make one with"
                ' "openssl rand -hex 24", or write "allow_weak: true" beside it',
            )


def _check_unique(
    data: Data,
    path: tuple[str, ...],
    key: str,
    diagnostics: Diagnostics,
    identify: Callable[[str], Hashable] = str,
) -> None:
    """Report list items that share a value of `key`. It is not shown, as it may be a secret."""
    first: dict[Hashable, int] = {}
    for index, item in enumerate(list_at(data, *path)):
        value = value_at(item, key)
        if not isinstance(value, str):
            continue
        identity = identify(value)
        if identity in first:
            other = f"{'.'.join(path)}[{first[identity]}]"
            diagnostics.add_mistake(
                (*path, index, key), f"is the same as {other}'s: it must be unique"
            )
        first.setdefault(identity, index)


def _check_rules(data: Data, diagnostics: Diagnostics) -> None:
    """Check the targets of rules, and warn of those that match no sender, or one too many."""
    unauthenticated = _unauthenticated_senders(data)
    for index, rule in enumerate(list_at(data, "rules")):
        senders = _matched_senders(data, rule)
        _check_openness(index, rule, unauthenticated & {*(senders or ())}, diagnostics)
        if senders == [] and value_at(rule, "when", "sender") is not None:
            path: NodePath = ("rules", index, "when", "sender")
            diagnostics.add_warning(path, "no configured sender matches: this rule never does")
        regions = [value_at(data, "senders", sender, "region") for sender in senders or ()]
        _check_targets(data, index, regions, diagnostics)


def _unauthenticated_senders(data: Data) -> set[str]:
    """Return the senders that anybody can use, unless there are no others."""
    senders = mapping_at(data, "senders") or {}
    names = {
        name
        for name, sender in senders.items()
        if value_at(sender, "auth", "scheme") in _OPEN_SCHEMES
    }
    return names if len(names) < len(senders) else set()


def _check_openness(index: int, rule: Data, senders: set[str], diagnostics: Diagnostics) -> None:
    """Warn of a rule that names no sender, and so also serves unauthenticated ones."""
    if senders and value_at(rule, "when", "sender") is None:
        names = ", ".join(quote(name) for name in sorted(senders))
        diagnostics.add_warning(
            ("rules", index, "when"),
            f"names no sender, so everybody can cause its syncs through {names}, which accepts "
            "unauthenticated deliveries: add sender",
        )


def _check_targets(
    data: Data, rule: int, source_regions: list[Data], diagnostics: Diagnostics
) -> None:
    first: dict[tuple[str, str], int] = {}
    for index, target in enumerate(list_at(list_at(data, "rules")[rule], "sync")):
        region, namespace = value_at(target, "region"), value_at(target, "namespace")
        path: NodePath = ("rules", rule, "sync", index)
        _check_region(data, (*path, "region"), region, diagnostics)
        if not isinstance(region, str):
            continue
        if source_regions and all(region == source_region for source_region in source_regions):
            message = "is the region that the images come from: they are there already"
            diagnostics.add_mistake((*path, "region"), message)
        check_synchronization(data, (*path, "region"), source_regions, region, diagnostics)
        if not isinstance(namespace, str):
            continue
        if (region, namespace) in first:
            message = f"is the same target as sync[{first[region, namespace]}]: keep one"
            diagnostics.add_mistake(path, message)
        first.setdefault((region, namespace), index)


def _matched_senders(data: Data, rule: Data) -> list[str] | None:
    """Return the configured senders that a rule can match; None when none is configured."""
    senders = mapping_at(data, "senders")
    if not senders:
        return None
    when = _patterns(value_at(rule, "when", "sender"))
    unless = _patterns(value_at(rule, "when", "not", "sender")) or []
    return [
        sender
        for sender in senders
        if (when is None or _matches(when, sender)) and not _matches(unless, sender)
    ]


def _patterns(value: Data) -> list[Pattern] | None:
    """Return one pattern or several as a list; None for no pattern, or for an invalid one."""
    if value is None:
        return None
    try:
        return [_pattern(item) for item in (value if isinstance(value, list) else [value])]
    except (TypeError, ValueError):
        return None


def _pattern(value: Data) -> Pattern:
    if isinstance(value, str):
        return glob(str(value))
    expression = value_at(value, "regex")
    if not isinstance(expression, str):
        raise TypeError
    return regex(str(expression))


def _matches(patterns: list[Pattern], sender: str) -> bool:
    return any(pattern.matches(sender) for pattern in patterns)
