"""What swrhook.yaml says, checked and frozen. The names are the file's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol

from swrhook.config.diff import Marks
from swrhook.rules import Rulebook
from swrhook.senders.sender import Sender
from swrhook.syncs.backoff import Limits, Retry, Verify

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


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
    """The agency of the server that this runs on: temporary keys from its metadata service."""


@dataclass(frozen=True, slots=True)
class PodCredentials:
    """The identity of the pod that this runs in: where temporary keys are, and what opens them.

    The file is read for each fetch, for the platform replaces its content.
    """

    url: str
    token_file: str


Credentials = (
    PasswordCredentials | TokenCredentials | KeyCredentials | AgencyCredentials | PodCredentials
)


@dataclass(frozen=True, slots=True)
class Region:
    """A region's SWR: its endpoint without a trailing slash, and the IAM project's name."""

    name: str
    endpoint: str
    project: str


@dataclass(frozen=True, slots=True)
class Swr:
    """The section `swr`: where IAM and the regions are, and who we are there."""

    iam_endpoint: str
    credentials: Credentials
    regions: Mapping[str, Region]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token for the API; roles read < operate < admin."""

    name: str
    role: str
    token: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """The section `access`: who may read and write through the API and /metrics."""

    tokens: Sequence[AccessToken] = ()
    metrics_public: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """The most that one process asks of one endpoint."""

    per_second: int = 20
    in_flight: int = 8
    in_flight_per_target: int = 4


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection and for each answer of SWR and IAM."""

    connect: float = 5.0
    read: float = 60.0


@dataclass(frozen=True, slots=True)
class Reconcile:
    """How often source and targets are compared, None for never, and for how many calls a pass."""

    every: timedelta | None = None
    max_calls: int = 1000


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the ledger keeps what came in, and what became of it."""

    deliveries: timedelta = 30 * DAY
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
    reconcile: Reconcile = Reconcile()
    trusted_proxies: Sequence[IPv4Network | IPv6Network] = ()

    @property
    def limits(self) -> Limits:
        """Return what ends or delays a sync by time."""
        return Limits(self.retry, self.verify, self.source_deadline)

    @property
    def keep_deliveries(self) -> timedelta:
        """Return how long deliveries stay: at least as long as one can be repeated."""
        return max(self.retention.deliveries, self.dedup_window)

    @property
    def keep_syncs(self) -> timedelta:
        """Return how long ended syncs stay: at least as long as their calls may have an effect."""
        return max(self.retention.syncs, self.keep_deliveries, self.verify.deadline)


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration. `version` names its content: 12 hex digits of the file's SHA-256.

    `literal_secrets` are the places (dotted paths) of secrets written into the file itself: such
    a file is never stored. `text` is the file's content, as it can be stored and parsed again;
    `secret_files` are the files that it refers to; `marks` tell what differs from another one.
    """

    version: str
    swr: Swr
    access: Access
    senders: Mapping[str, Sender]
    rules: Rulebook
    options: Options = Options()
    literal_secrets: Sequence[str] = ()
    warnings: Sequence[str] = ()
    text: bytes = field(default=b"", repr=False)
    secret_files: Sequence[str] = ()
    marks: Marks = field(default_factory=dict, repr=False)


class ConfigSource(Protocol):
    """Gives the configuration in use, which a reload may replace at any time."""

    def current(self) -> Config:
        """Return the configuration as it is now; keep it for one piece of work."""
        ...
