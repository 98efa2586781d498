"""A configuration as frozen values. The names are those of swrhook.yaml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol

from swrhook.config.diff import Fingerprints
from swrhook.config.reload_guard import ReloadGuard
from swrhook.config.sso import Sso
from swrhook.model import State
from swrhook.notifications.model import Topic
from swrhook.notifications.rules import NotifyRule, QuietHours
from swrhook.rules.namespaces import Namespaces
from swrhook.rules.rulebook import Rulebook
from swrhook.senders.sender import Sender
from swrhook.syncs.backoff import Limits, Retry, Verify
from swrhook.wording.catalogues import Language

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
# The roles of tokens and users; each allows everything that those before it allow.
ROLES = ("ask", "read", "operate", "admin")


@dataclass(frozen=True, slots=True)
class PasswordCredentials:
    """An IAM user; a token is fetched for each region's project."""

    user: str
    domain: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenCredentials:
    """A token made elsewhere, valid for every region called."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyCredentials:
    """An access key that signs every request; a temporary one has a security token too."""

    access_key: str
    secret_key: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AgencyCredentials:
    """The agency of the ECS server that swrhook runs on, which has temporary access keys.

    The server's metadata service issues the keys.
    """


@dataclass(frozen=True, slots=True)
class PodCredentials:
    """The identity of the pod that swrhook runs in, which has temporary access keys.

    They are fetched from `url` with the token in `token_file`. The file is read for each fetch,
    because the platform replaces its content.
    """

    url: str
    token_file: str


@dataclass(frozen=True, slots=True)
class NoCredentials:
    """What a process has that only records deliveries: it never asks SWR, and knows no secret."""


Credentials = (
    PasswordCredentials
    | TokenCredentials
    | KeyCredentials
    | AgencyCredentials
    | PodCredentials
    | NoCredentials
)


@dataclass(frozen=True, slots=True)
class Region:
    """A region's SWR: its endpoint without a trailing slash, and its IAM project.

    `project` is the project's name; `project_id` is set if the configuration names its id.
    """

    name: str
    endpoint: str
    project: str
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Swr:
    """The section `swr`: the endpoints of IAM and the regions, and the credentials for them."""

    iam_endpoint: str
    credentials: Credentials
    regions: Mapping[str, Region]

    @property
    def project_ids(self) -> Mapping[str, str]:
        """Return the ids of the projects that are configured by their id, by `Region.project`."""
        return {
            region.project: region.project_id
            for region in self.regions.values()
            if region.project_id
        }


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token for the API; roles ask < read < operate < admin.

    `digest` is its SHA-256, `not_after` the time from which it is invalid. `namespaces` limits it
    to organizations of the source; None: no limit.
    """

    name: str
    role: str
    digest: bytes = field(repr=False)
    not_after: datetime | None = None
    namespaces: Namespaces | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """The section `access`: who may read and write through the API and /metrics."""

    tokens: Sequence[AccessToken] = ()
    metrics_public: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """The section `gate`: which pods may start in Kubernetes. `mode`: off, warn or deny.

    `fail` says what becomes of a pod about whose images nothing is known: open or closed.
    `namespaces` are the watched organizations of the target, None for all. `registries` are the
    regions by the hosts of their registries.
    """

    mode: str = "off"
    fail: str = "open"
    namespaces: Namespaces | None = None
    max_age: timedelta = timedelta(seconds=30)
    registries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits for the requests of all processes to one endpoint.

    `per_second` None: swrhook finds the rate by itself.
    """

    per_second: int | None = None
    in_flight: int = 8
    in_flight_per_target: int = 4


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection and for each answer of SWR and IAM."""

    connect: float = 5.0
    read: float = 60.0


@dataclass(frozen=True, slots=True)
class Reconcile:
    """How often source and targets are compared (None: never), and the most calls of one pass."""

    every: timedelta | None = None
    max_calls: int = 1000


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the ledger keeps deliveries, bodies that started nothing, and finished syncs."""

    deliveries: timedelta = 30 * DAY
    other_bodies: timedelta = 3 * DAY
    syncs: timedelta = 180 * DAY


@dataclass(frozen=True, slots=True)
class Options:
    """The section `settings`; these are its defaults."""

    body_limit: int = 1024 * 1024
    dedup_window: timedelta = 10 * MINUTE
    source_deadline: timedelta = 30 * MINUTE
    retry: Retry = field(default_factory=Retry)
    verify: Verify = field(default_factory=Verify)
    batch: int = 100
    pace: Pace = Pace()
    timeouts: Timeouts = Timeouts()
    retention: Retention = Retention()
    waits: int = 8
    late: timedelta = 10 * MINUTE
    documentation: str | None = None
    reconcile: Reconcile = Reconcile()
    reload_guard: ReloadGuard | None = field(default_factory=ReloadGuard)
    trusted_proxies: Sequence[IPv4Network | IPv6Network] = ()

    @property
    def limits(self) -> Limits:
        """Return the settings that delay or end a sync by time."""
        return Limits(self.retry, self.verify, self.source_deadline)

    @property
    def keep_deliveries(self) -> timedelta:
        """Return how long deliveries are kept: at least while a duplicate can be recognized."""
        return max(self.retention.deliveries, self.dedup_window)

    @property
    def keep_syncs(self) -> timedelta:
        """Return how long ended syncs are kept: at least while their calls may take effect."""
        return max(self.retention.syncs, self.keep_deliveries, self.verify.longest)


@dataclass(frozen=True, slots=True)
class AppriseChannel:
    """A channel that Apprise serves; its URL says how, and holds secrets."""

    name: str
    url: str = field(repr=False)
    quiet: QuietHours | None = None
    language: Language = Language.ENGLISH


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """A machine's webhook; the key signs what it is sent."""

    name: str
    url: str = field(repr=False)
    key: bytes = field(repr=False)
    quiet: QuietHours | None = None


Channel = AppriseChannel | WebhookChannel


@dataclass(frozen=True, slots=True)
class Notify:
    """The section `notify`: who is told what. `url` is the dashboard's address, for links.

    `topics` are those that any rule tells, `told_states` the end states of syncs among them.
    """

    url: str | None = None
    channels: Mapping[str, Channel] = field(default_factory=dict)
    rules: Sequence[NotifyRule] = ()
    topics: frozenset[Topic] = frozenset()
    told_states: frozenset[State] = frozenset()


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration.

    - `version` identifies its content: the first 12 hex digits of the file's SHA-256.
    - `literal_secrets` are the paths of secrets in the file itself. Such a file is never stored.
    - `text` is the content of the file as JSON, without its comments, and with its references not
      replaced. It can be stored and parsed again.
    - `secret_files` are the files that it refers to.
    - `fingerprints` are for comparing it with another configuration.
    """

    version: str
    swr: Swr
    access: Access
    senders: Mapping[str, Sender]
    rules: Rulebook
    options: Options = Options()
    notify: Notify = Notify()
    gate: Gate = field(default_factory=Gate)
    sso: Sso | None = None
    literal_secrets: Sequence[str] = ()
    warnings: Sequence[str] = ()
    text: bytes = field(default=b"", repr=False)
    secret_files: Sequence[str] = ()
    fingerprints: Fingerprints = field(default_factory=dict, repr=False)


class ConfigSource(Protocol):
    """Gives the configuration in use, which a reload may replace at any time."""

    def current(self) -> Config:
        """Return the configuration as it is now; keep it for one piece of work."""
        ...
