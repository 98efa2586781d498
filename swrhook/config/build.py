"""Checked data to frozen values. Nothing can be wrong any more."""

import functools
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from swrhook.auth import SCHEMES, KeyProvider, Secret
from swrhook.config.cross_checks import at
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
from swrhook.config.nodes import Data
from swrhook.config.regions import default_endpoint
from swrhook.dialects import mapping
from swrhook.rules import FIELDS, Pattern, Rule, Rulebook, RuleTarget
from swrhook.senders.sender import ImageSettings, Sender
from swrhook.syncs.backoff import Backoff, Retry, Verify

URL = "HC_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN_FILE = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"  # noqa: S105  # the variable's name

_PATH = ("swr", "credentials", "kind")
_NO_IDENTITY = "associate the pod's service account with an agency, or choose another kind"


def check_pod(data: Data, findings: Diagnostics, environ: Mapping[str, str]) -> None:
    """Find a pod identity that this process has not got."""
    if at(data, *_PATH) != "pod_identity":
        return
    for name in (URL, TOKEN_FILE):
        if not environ.get(name):
            findings.mistake(_PATH, f"the environment variable {name} is not set: {_NO_IDENTITY}")
    if environ.get(URL) and not _is_safe(environ[URL]):
        findings.mistake(
            _PATH,
            f"the environment variable {URL} must be an address like https://host/path; plain http"
            " would show the pod's token to all, and is for the addresses of private networks",
        )


def pod_credentials(environ: Mapping[str, str]) -> PodCredentials:
    """Return the pod's identity, which check_pod has found to be there."""
    return PodCredentials(environ[URL], environ[TOKEN_FILE])


def _is_safe(url: str) -> bool:
    """Tell whether the pod's token may be sent there."""
    try:
        parts = urlsplit(url)
        sound = url.isprintable() and " " not in url and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
    if not sound or not parts.hostname or parts.fragment:
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
    """Return the section `swr`; a pod's identity is in the environment."""
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


def build_senders(senders: Checked, outside: KeyProvider) -> Mapping[str, Sender]:
    """Return the section `senders`; nothing is asked of `outside` yet."""
    return {name: _sender(name, sender, outside) for name, sender in senders.items()}


def build_rules(rules: list[Checked], defaults: Checked) -> Rulebook:
    """Return the sections `rules` and `defaults`."""
    return Rulebook([_rule(rule, defaults) for rule in rules])


def build_options(options: Checked) -> Options:
    """Return the section `settings`; what it does not say has its default."""
    given = dict(options)
    return Options(
        retry=_retry(given.pop("retry", {})),
        verify=_verify(given.pop("verify", {})),
        pace=Pace(**given.pop("pace", {})),
        timeouts=_timeouts(given.pop("timeouts", {})),
        retention=Retention(**given.pop("retention", {})),
        reconcile=Reconcile(**given.pop("reconcile", {})),
        trusted_proxies=tuple(given.pop("trusted_proxies", ())),
        **given,
    )


def _credentials(given: dict[str, Data], environ: Mapping[str, str]) -> Credentials:
    kind = given.pop("kind")
    if kind == "pod_identity":
        return pod_credentials(environ)
    return _CREDENTIALS[kind](**given)


def _region(name: str, region: Checked) -> Region:
    endpoint = region.get("endpoint", default_endpoint(name)).rstrip("/")
    return Region(name, endpoint, region.get("project", name))


def _sender(name: str, sender: Checked, outside: KeyProvider) -> Sender:
    arguments = dict(sender["auth"])
    scheme = SCHEMES[arguments.pop("scheme")]
    confirm = scheme.confirm if arguments.pop("confirm", False) else None
    if scheme.needs_keys:
        arguments["keys"] = outside
    if "secrets" in arguments:
        arguments["secrets"] = [_secret(secret) for secret in arguments["secrets"]]
    return Sender(
        name=name,
        dialect=sender["dialect"],
        region=sender["region"],
        authenticate=scheme.build(**arguments),
        image=ImageSettings(**sender.get("image", {})),
        takes_path_secret=scheme.takes_path_secret,
        confirm=None if confirm is None else functools.partial(confirm, outside),
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


def _retry(given: Checked) -> Retry:
    default = Retry()
    backoff = Backoff(
        given.get("base", default.backoff.base), given.get("cap", default.backoff.cap)
    )
    return Retry(backoff, given.get("deadline", default.deadline))


def _verify(given: Checked) -> Verify:
    default = Verify()
    backoff = Backoff(
        given.get("first", default.backoff.base), given.get("cap", default.backoff.cap)
    )
    return Verify(
        backoff,
        given.get("deadline", default.deadline),
        given.get("retriggers", default.retriggers),
    )


def _timeouts(given: Checked) -> Timeouts:
    return Timeouts(**{name: wait.total_seconds() for name, wait in given.items()})
