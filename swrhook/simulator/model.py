"""Frozen values of the simulator: users, tokens, tags, sync jobs, calls, faults and settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from swrhook.simulator.retention_rule import RetentionRule
from swrhook.swr.auth.signing import AccessKey
from swrhook.swr.recordings import Exchange

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
Status: TypeAlias = Literal[
    "waiting", "running", "success", "failed", "timeout", "cancel", "existed"
]
Outcome: TypeAlias = Literal["failed", "timeout", "cancel", "existed", "never"]
"""How a fault ends a job, with nothing copied; `never` leaves it running forever."""
Shown: TypeAlias = Status | Literal["hidden"]
"""The state that sync_job reports, whatever the real one is; `hidden` omits the job."""
Aim: TypeAlias = Literal["call", "failed_tags", "job"]
Connection: TypeAlias = Literal["hang", "reset", "reset_midway", "cut_short", "drip"]
UnknownOrganization: TypeAlias = Literal["accept", "refuse"]
AcceptedBody: TypeAlias = Literal["empty_list", "tags", "nothing"]
ErrorShape: TypeAlias = Literal["array", "errors", "object"]
LoginMethod: TypeAlias = Literal["password", "hw_ak_sk", "assume_role"]

IAM = "iam"
"""Means the IAM server where a region's name is expected."""
EVERYWHERE = "*"
"""Means every SWR region, or every operation."""


@lru_cache(maxsize=4096)
def identifier(*parts: str) -> str:
    """Return 32 hexadecimal digits, the same in every run for the same parts."""
    return uuid5(NAMESPACE_URL, "/".join(parts)).hex


def numeric_id(*parts: str) -> int:
    """Return a number, the same in every run for the same parts."""
    return int(identifier(*parts)[:7], 16)


@dataclass(frozen=True, slots=True)
class User:
    """An IAM user of an account, which IAM calls a domain."""

    name: str
    password: str = field(repr=False)
    domain: str

    @property
    def id(self) -> str:
        """Return the user's id, the same in every run."""
        return identifier("user", self.domain, self.name)

    @property
    def domain_id(self) -> str:
        """Return the account's id, the same in every run."""
        return identifier("domain", self.domain)

    @property
    def key(self) -> AccessKey:
        """Return the user's own access key, the same in every run."""
        access = identifier("access", self.domain, self.name)[:20].upper()
        return AccessKey(access, identifier("secret", self.domain, self.name) + access[:8].lower())


DEMO = User(name="demo", password="demo", domain="demo")  # noqa: S106 - nothing to protect
AGENCY = "demo-agency"
"""The agency that every account has; its users may act for it."""
RESERVED_ORGANIZATIONS = frozenset({"library"})
POD_TOKEN = "demo-pod"  # noqa: S105 - the same
"""The authorization token that a pod must send to obtain keys."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token issued by IAM; SWR accepts it only in the region of its project, if it has one.

    `method` is how its owner logged in; `agency` is whom it acts for.
    """

    value: str = field(repr=False)
    user: User
    issued_at: datetime
    expires_at: datetime
    region: str | None
    method: LoginMethod = "password"
    agency: str | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a repository in one region; `index` marks a multi-arch image.

    `content` is the digest that the image was pushed with: a copy of an index may get another one.
    """

    id: int
    namespace: str
    repository: str
    name: str
    digest: str
    created: datetime
    updated: datetime
    index: bool = False
    content: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a synchronization; `override` permits replacing an existing tag."""

    region: str
    namespace: str
    override: bool


@dataclass(frozen=True, slots=True)
class SyncJob:
    """The copy of one tag to one target; it runs at `due`."""

    id: int
    region: str
    namespace: str
    repository: str
    tag: str
    target: Target
    status: Status
    created: datetime
    updated: datetime
    due: datetime
    outcome: Outcome | None = None
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class SyncRule:
    """A rule of automatic synchronization; it is stored and listed, but copies nothing."""

    id: int
    target: Target
    auto: bool
    created: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """One request to IAM or to a region, with the names of the faults that hit it.

    `status` is None until the answer is sent, and stays None if no answer was sent.
    """

    serial: int
    time: datetime
    region: str
    operation: str
    method: str
    path: str
    query: str
    body: Json
    token_region: str | None
    faults: tuple[str, ...] = ()
    status: int | None = None
    took_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault injected into some calls; docs/simulator.md describes every field.

    It applies to a whole call, to the list of tags that sync_images reports as failed, or to the
    jobs of tags. None in a field that selects calls means all of them.
    """

    # which calls it hits
    region: str = EVERYWHERE
    operation: str = EVERYWHERE
    namespace: str | None = None
    repository: str | None = None
    tag: str | None = None
    target_region: str | None = None
    target_organization: str | None = None
    project: str | None = None
    # how often
    name: str = ""
    times: int | None = None
    nth: int | None = None
    share: float | None = None
    # what happens to the call
    token_kill: bool = False
    account_lock: bool = False
    delay: float = 0.0
    effect: Literal["none", "accepted"] = "none"
    accepted_body: AcceptedBody | None = None
    unknown_organization: UnknownOrganization | None = None
    # the answer
    status: int | None = None
    error: str | None = None
    error_shape: ErrorShape | None = None
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    without_headers: tuple[str, ...] = ()
    without_members: tuple[str, ...] = ()
    # how the answer is sent
    connection: Connection | None = None
    pause: float = 0.05
    limit: float = 300.0
    # what happens to the tags of the call
    failed_tags: tuple[str, ...] = ()
    job: Outcome | None = None
    job_shown: Shown | None = None
    job_delay: float = 0.0

    @property
    def aim(self) -> Aim:
        """Return what the fault hits: a call, its list of failed tags, or the jobs of its tags."""
        if self.failed_tags:
            return "failed_tags"
        return "job" if self.job or self.job_shown or self.job_delay else "call"

    @property
    def answers(self) -> bool:
        """Tell whether the fault replaces the call's own answer, be it by none at all."""
        silent = self.connection in ("hang", "reset")
        return silent or self.status is not None or self.error is not None


@dataclass(frozen=True, slots=True)
class Settings:
    """How the simulated services behave, with a choice where their documentation is unclear.

    `unknown_organization` decides whether sync_images accepts a target organization that does not
    exist (then the job fails) or refuses it. `accepted_body` is the body of a 200 of sync_images,
    `error_shape` the shape of SWR's own errors. With `rewrite_indexes`, a copied multi-arch image
    gets another digest, while its images keep theirs. `organization_quota` is the number of
    organizations up to which a client can create more. `seed` decides which calls are hit by a
    fault that has a `share`. Times are in seconds, `token_size` is in characters.
    """

    delay: float = 0.5
    unknown_organization: UnknownOrganization = "accept"
    accepted_body: AcceptedBody = "empty_list"
    error_shape: ErrorShape = "array"
    rewrite_indexes: bool = False
    token_ttl: float = 86_400.0
    token_size: int = 2_048
    lock_after: int = 5
    lock_time: float = 900.0
    organization_quota: int = 5
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SeedTag:
    """A tag to push to a region; a new digest is generated if it is empty."""

    region: str
    namespace: str
    repository: str
    tag: str
    digest: str = ""
    index: bool = False


@dataclass(frozen=True, slots=True)
class SeedOrganization:
    """An organization to create in a region, or in all of them."""

    region: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """The initial state: organizations, tags, retention, faults, and the settings that differ."""

    organizations: Sequence[SeedOrganization] = ()
    tags: Sequence[SeedTag] = ()
    retention: Sequence[RetentionRule] = ()
    faults: Sequence[Fault] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that a simulator is started with, and reset to."""

    regions: Sequence[str]
    mirror: Mapping[str, str] = field(default_factory=dict)
    users: Sequence[User] = (DEMO,)
    settings: Settings = Settings()
    scenario: Scenario = Scenario()
    recorded: Sequence[Exchange] = ()
