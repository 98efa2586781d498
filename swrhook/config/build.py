"""Build frozen values from checked data, which has no mistakes any more.

The identity of a pod is checked here too: it is in the environment, not in the file.
"""

import functools
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from swrhook.auth import SCHEMES, KeyProvider, Secret
from swrhook.config.diagnostics import Diagnostics
from swrhook.config.model import (
    Access,
    AccessToken,
    AgencyCredentials,
    Credentials,
    KeyCredentials,
    Options,
    Pace,
    PasswordCredentials,
    PodCredentials,
    Reconcile,
    Region,
    Retention,
    Swr,
    Timeouts,
    TokenCredentials,
)
from swrhook.config.nodes import Data, value_at
from swrhook.config.regions import default_endpoint
from swrhook.dialects import mapping
from swrhook.rules import FIELDS, Pattern, Rule, Rulebook, RuleTarget
from swrhook.senders.sender import ImageSettings, Sender
from swrhook.syncs.backoff import Backoff, Retry, Verify

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


def pod_credentials(environ: Mapping[str, str]) -> PodCredentials:
    """Return the pod's identity from an environment that check_pod_identity has checked."""
    return PodCredentials(environ[POD_URL_VARIABLE], environ[POD_TOKEN_FILE_VARIABLE])


def _is_safe(url: str) -> bool:
    """Return whether the pod's token may be sent to this URL."""
    try:
        parts = urlsplit(url)
        is_valid = (
            url.isprintable() and " " not in url and parts.port != 0 and "@" not in parts.netloc
        )
    except ValueError:
        return False
    if not is_valid or not parts.hostname or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_private(parts.hostname))


def _is_private(host: str) -> bool:
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost"


Checked = Mapping[str, Data]

_CREDENTIALS: Mapping[str, Callable[..., Credentials]] = {
    "password": PasswordCredentials,
    "token": TokenCredentials,
    "aksk": KeyCredentials,
    "ecs_agency": AgencyCredentials,
}


def build_swr(swr: Checked, environ: Mapping[str, str]) -> Swr:
    """Return the section `swr`. A pod's identity comes from the environment."""
    return Swr(
        iam_endpoint=swr["iam_endpoint"].rstrip("/"),
        credentials=_credentials(dict(swr["credentials"]), environ),
        regions={name: _region(name, region) for name, region in swr["regions"].items()},
    )


def build_access(access: Checked) -> Access:
    """Return the section `access`."""
    return Access(
        tokens=tuple(
            AccessToken(token["name"], token["role"], token["token"].encode())
            for token in access.get("tokens", ())
        ),
        metrics_public=access.get("metrics") == "public",
    )


def build_senders(senders: Checked, key_provider: KeyProvider) -> Mapping[str, Sender]:
    """Return the section `senders`. No key is fetched from the provider yet."""
    return {name: _sender(name, sender, key_provider) for name, sender in senders.items()}


def build_rules(rules: list[Checked], defaults: Checked) -> Rulebook:
    """Return the sections `rules` and `defaults`."""
    return Rulebook([_rule(rule, defaults) for rule in rules])


def build_options(options: Checked) -> Options:
    """Return the section `settings`, with defaults for the missing values."""
    values = dict(options)
    return Options(
        retry=_retry(values.pop("retry", {})),
        verify=_verify(values.pop("verify", {})),
        pace=Pace(**values.pop("pace", {})),
        timeouts=_timeouts(values.pop("timeouts", {})),
        retention=Retention(**values.pop("retention", {})),
        reconcile=Reconcile(**values.pop("reconcile", {})),
        trusted_proxies=tuple(values.pop("trusted_proxies", ())),
        **values,
    )


def _credentials(values: dict[str, Data], environ: Mapping[str, str]) -> Credentials:
    kind = values.pop("kind")
    if kind == "pod_identity":
        return pod_credentials(environ)
    return _CREDENTIALS[kind](**values)


def _region(name: str, region: Checked) -> Region:
    endpoint = region.get("endpoint", default_endpoint(name)).rstrip("/")
    return Region(name, endpoint, region.get("project", name))


def _sender(name: str, sender: Checked, key_provider: KeyProvider) -> Sender:
    arguments = dict(sender["auth"])
    scheme = SCHEMES[arguments.pop("scheme")]
    confirm = scheme.confirm if arguments.pop("confirm", False) else None
    if scheme.needs_keys:
        arguments["keys"] = key_provider
    if "secrets" in arguments:
        arguments["secrets"] = [_secret(secret) for secret in arguments["secrets"]]
    return Sender(
        name=name,
        dialect=sender["dialect"],
        region=sender["region"],
        authenticate=scheme.build(**arguments),
        image=ImageSettings(**sender.get("image", {})),
        takes_path_secret=scheme.takes_path_secret,
        confirm=None if confirm is None else functools.partial(confirm, key_provider),
        parse=mapping.build(sender["mapping"]) if "mapping" in sender else None,
        expect_every=sender.get("expect_every"),
        allow_from=tuple(sender.get("allow_from", ())),
        rate_limit=sender.get("rate_limit"),
    )


def _secret(secret: Checked) -> Secret:
    return Secret(secret["value"].encode(), secret.get("not_after"))


def _rule(rule: Checked, defaults: Checked) -> Rule:
    override = defaults.get("override", False)
    skip_attachments = defaults.get("skip_attachments", True)
    return Rule(
        name=str(rule["name"]),
        when=_patterns(rule["when"]),
        unless=_patterns(rule["when"].get("not", {})),
        sync=tuple(
            RuleTarget(
                str(target["region"]), str(target["namespace"]), target.get("override", override)
            )
            for target in rule["sync"]
        ),
        enabled=rule.get("enabled", True),
        shadow=rule.get("shadow", False),
        skip_attachments=rule.get("skip_attachments", skip_attachments),
    )


def _patterns(clause: Checked) -> Mapping[str, tuple[Pattern, ...]]:
    return {field: tuple(clause[field]) for field in FIELDS if field in clause}


def _retry(values: Checked) -> Retry:
    default = Retry()
    backoff = Backoff(
        values.get("base", default.backoff.base), values.get("cap", default.backoff.cap)
    )
    return Retry(backoff, values.get("deadline", default.deadline))


def _verify(values: Checked) -> Verify:
    default = Verify()
    backoff = Backoff(
        values.get("first", default.backoff.base), values.get("cap", default.backoff.cap)
    )
    return Verify(
        backoff,
        values.get("deadline", default.deadline),
        values.get("retriggers", default.retriggers),
    )


def _timeouts(values: Checked) -> Timeouts:
    return Timeouts(**{name: timeout.total_seconds() for name, timeout in values.items()})
