"""Build frozen values from checked data, which has no mistakes any more.

The identity of a pod is checked here too: it is in the environment, not in the file.
"""

import functools
from collections.abc import Callable, Mapping
from datetime import UTC

from swrhook.auth import SCHEMES, KeyProvider, Secret
from swrhook.auth.standard_webhooks import signing_key
from swrhook.config import model
from swrhook.config.cloud_checks import iam_of
from swrhook.config.diagnostics import Diagnostics
from swrhook.config.nodes import Data, value_at
from swrhook.config.regions import default_endpoint, registry_of
from swrhook.config.reload_guard import ReloadGuard
from swrhook.config.rule_schema import glob
from swrhook.config.sso import Sso, SsoGroup
from swrhook.config.validators import is_local, split_url, token_digest
from swrhook.dialects import mapping
from swrhook.notifications.model import Topic
from swrhook.notifications.rules import NotifyRule, QuietHours, told_states, topics_of
from swrhook.rules.match import FIELDS, Pattern, Rule, RuleTarget
from swrhook.rules.namespaces import Namespaces
from swrhook.rules.rulebook import Rulebook
from swrhook.senders.sender import ImageSettings, Sender, default_max_images
from swrhook.syncs.backoff import Backoff, Retry, Verify
from swrhook.wording.catalogues import Language

POD_URL_VARIABLE = "HC_CONTAINER_CREDENTIALS_FULL_URI"
POD_TOKEN_FILE_VARIABLE = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"  # noqa: S105  # the variable's name

_PATH = ("swr", "credentials", "kind")
_NO_IDENTITY = "associate the pod's service account with an agency, or choose another kind"


def check_pod_identity(data: Data, diagnostics: Diagnostics, environ: Mapping[str, str]) -> None:
    """Report a pod identity that the environment lacks."""
    if value_at(data, *_PATH) != "pod_identity":
        return
    for name in (POD_URL_VARIABLE, POD_TOKEN_FILE_VARIABLE):
        if not environ.get(name):
            diagnostics.add_mistake(
                _PATH, f"the environment variable {name} is not set: {_NO_IDENTITY}"
            )
    if environ.get(POD_URL_VARIABLE) and not _is_safe(environ[POD_URL_VARIABLE]):
        diagnostics.add_mistake(
            _PATH,
            f"the environment variable {POD_URL_VARIABLE} must be an address like https://host/path;"
            " plain http, which sends the pod's token unencrypted, is only for private networks",
        )


def _is_safe(url: str) -> bool:
    """Return whether the pod's token may be sent to this URL."""
    parts = split_url(url)
    if parts is None or not parts.hostname or parts.fragment:
        return False
    is_private = is_local(parts.hostname, may_be_private=True)
    return parts.scheme == "https" or (parts.scheme == "http" and is_private)


Checked = Mapping[str, Data]

_CREDENTIALS: Mapping[str, Callable[..., model.Credentials]] = {
    "password": model.PasswordCredentials,
    "token": model.TokenCredentials,
    "aksk": model.KeyCredentials,
    "ecs_agency": model.AgencyCredentials,
}


def build_swr(swr: Checked, environ: Mapping[str, str]) -> model.Swr:
    """Return the section `swr`. A pod's identity comes from the environment."""
    return model.Swr(
        iam_endpoint=iam_of(swr),
        credentials=_credentials(dict(swr["credentials"]), environ),
        regions={
            name: _region(name, region, swr.get("cloud")) for name, region in swr["regions"].items()
        },
    )


def build_access(access: Checked) -> model.Access:
    """Return the section `access`."""
    return model.Access(
        tokens=tuple(
            model.AccessToken(
                token["name"],
                token["role"],
                token_digest(token["token"]),
                token.get("not_after"),
                build_namespaces(token),
            )
            for token in access.get("tokens", ())
        ),
        metrics_public=access.get("metrics") == "public",
    )


def build_sso(sso: Checked | None) -> Sso | None:
    """Return the section `sso`."""
    if sso is None:
        return None
    groups = tuple(
        SsoGroup(
            group["name"], group["role"], build_namespaces(group), group.get("namespaces_claim")
        )
        for group in sso["groups"]
    )
    return Sso(**{**sso, "groups": groups, "url": sso["url"].rstrip("/")})


def build_gate(gate: Checked, regions: Mapping[str, model.Region]) -> model.Gate:
    """Return the section `gate`; SWR's own hosts of the regions are known."""
    values = {name: gate[name] for name in ("mode", "fail", "max_age") if name in gate}
    own = {registry_of(region.endpoint): name for name, region in regions.items()}
    registries = {**own, **gate.get("registries", {})}
    return model.Gate(namespaces=build_namespaces(gate), registries=registries, **values)


def build_namespaces(checked: Checked) -> Namespaces | None:
    """Return the key `namespaces`; None if there is none."""
    patterns = checked.get("namespaces")
    return None if patterns is None else Namespaces(tuple(glob(text) for text in patterns))


def build_senders(senders: Checked, key_provider: KeyProvider) -> Mapping[str, Sender]:
    """Return the section `senders`. No key is fetched from the provider yet."""
    return {name: _sender(name, sender, key_provider) for name, sender in senders.items()}


def build_rules(rules: list[Checked], defaults: Checked) -> Rulebook:
    """Return the sections `rules` and `defaults`."""
    return Rulebook([_rule(rule, defaults) for rule in rules])


def build_notify(notify: Checked) -> model.Notify:
    """Return the section `notify`."""
    url = notify.get("url")
    rules = [_notify_rule(rule) for rule in notify.get("rules", ())]
    topics = topics_of(rules)
    return model.Notify(
        url=None if url is None else url.rstrip("/"),
        channels={
            name: _channel(name, channel) for name, channel in notify.get("channels", {}).items()
        },
        rules=rules,
        topics=topics,
        told_states=told_states(topics),
    )


def build_options(options: Checked) -> model.Options:
    """Return the section `settings`, with defaults for the missing values."""
    values = dict(options)
    retry, verify = dict(values.pop("retry", {})), dict(values.pop("verify", {}))
    timeouts = values.pop("timeouts", {})
    return model.Options(
        retry=Retry(_pop_backoff(retry, "base", Retry().backoff), **retry),
        verify=Verify(_pop_backoff(verify, "first", Verify().backoff), **verify),
        pace=model.Pace(**values.pop("pace", {})),
        timeouts=model.Timeouts(**{name: timeouts[name].total_seconds() for name in timeouts}),
        retention=model.Retention(**values.pop("retention", {})),
        reconcile=model.Reconcile(**values.pop("reconcile", {})),
        reload_guard=_reload_guard(values.pop("reload_guard", {})),
        trusted_proxies=tuple(values.pop("trusted_proxies", ())),
        **values,
    )


def _reload_guard(limits: Checked | None) -> ReloadGuard | None:
    return None if limits is None else ReloadGuard(**limits)


def _channel(name: str, channel: Checked) -> model.Channel:
    quiet = channel.get("quiet")
    hours = (
        None if quiet is None else QuietHours(quiet["from"], quiet["to"], quiet.get("zone", UTC))
    )
    if "apprise" in channel:
        language = Language(channel.get("language", Language.ENGLISH))
        return model.AppriseChannel(name, channel["apprise"], hours, language)
    key = signing_key(channel["secret"].encode())
    return model.WebhookChannel(name, channel["webhook"], key, hours)


def _notify_rule(rule: Checked) -> NotifyRule:
    when = rule.get("when", {})
    return NotifyRule(
        on=frozenset(map(Topic, rule["on"])),
        to=tuple(rule["to"]),
        when=_patterns(when),
        unless=_patterns(when.get("not", {})),
        group=rule.get("group"),
        digest=rule.get("digest"),
    )


def _pop_backoff(values: dict[str, Data], base: str, default: Backoff) -> Backoff:
    return Backoff(values.pop(base, default.base), values.pop("cap", default.cap))


def _credentials(values: dict[str, Data], environ: Mapping[str, str]) -> model.Credentials:
    kind = values.pop("kind")
    if kind == "pod_identity":
        return model.PodCredentials(environ[POD_URL_VARIABLE], environ[POD_TOKEN_FILE_VARIABLE])
    return _CREDENTIALS[kind](**values)


def _region(name: str, region: Checked, cloud: str | None) -> model.Region:
    endpoint = region.get("endpoint", default_endpoint(name, cloud)).rstrip("/")
    return model.Region(name, endpoint, region.get("project", name), region.get("project_id"))


def _sender(name: str, sender: Checked, key_provider: KeyProvider) -> Sender:
    arguments = dict(sender["auth"])
    scheme = SCHEMES[arguments.pop("scheme")]
    keys = key_provider.for_sender(name)
    confirm = scheme.confirm if arguments.pop("confirm", False) else None
    arguments.pop("allow_weak", None)  # checked already
    if scheme.needs_keys:
        arguments["keys"] = keys
    if "secrets" in arguments:
        arguments["secrets"] = [_secret(secret) for secret in arguments["secrets"]]
    return Sender(
        name=name,
        dialect=sender["dialect"],
        region=sender["region"],
        authenticate=scheme.build(**arguments),
        image=ImageSettings(**sender.get("image", {})),
        takes_path_secret=scheme.takes_path_secret,
        confirm=None if confirm is None else functools.partial(confirm, keys),
        parse=mapping.build(sender["mapping"]) if "mapping" in sender else None,
        expect_every=sender.get("expect_every"),
        allow_from=tuple(sender.get("allow_from", ())),
        allow_namespaces=build_namespaces(sender.get("allow", {})),
        rate_limit=sender.get("rate_limit"),
        max_images=sender.get("max_images", default_max_images(sender["dialect"])),
        max_open=sender.get("max_open"),
    )


def _secret(secret: Checked) -> Secret:
    return Secret(secret["value"].encode(), secret.get("not_after"))


def _rule(rule: Checked, defaults: Checked) -> Rule:
    for_targets = {"override": defaults.get("override", False)}
    for_rules = {"skip_attachments": defaults.get("skip_attachments", True)}
    values = {
        "when": _patterns(rule["when"]),
        "unless": _patterns(rule["when"].get("not", {})),
        "sync": tuple(RuleTarget(**{**for_targets, **target}) for target in rule["sync"]),
    }
    return Rule(**{**for_rules, **rule, **values})


def _patterns(clause: Checked) -> Mapping[str, tuple[Pattern, ...]]:
    return {field: tuple(clause[field]) for field in FIELDS if field in clause}
