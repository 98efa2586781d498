"""What IAM and SWR know about, as frozen values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from swrhook.swr.auth.signing import AccessKey

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
Status: TypeAlias = Literal[
    "waiting", "running", "success", "failed", "timeout", "cancel", "existed"
]
Outcome: TypeAlias = Literal["failed", "timeout", "cancel", "existed", "never"]
"""How a fault ends a job, with nothing copied; `never` leaves it running for ever."""
Shown: TypeAlias = Status | Literal["hidden"]
"""What sync_job says of a job whatever became of it; `hidden` leaves it out."""
Aim: TypeAlias = Literal["call", "failed_tags", "job"]
Connection: TypeAlias = Literal["hang", "reset", "reset_midway", "cut_short", "drip"]
UnknownOrganization: TypeAlias = Literal["accept", "refuse"]
AcceptedBody: TypeAlias = Literal["empty_list", "tags", "nothing"]
ErrorShape: TypeAlias = Literal["array", "errors", "object"]

IAM = "iam"
"""Stands for the IAM server where the name of a region is expected."""
EVERYWHERE = "*"
"""Stands for every SWR region, or for every operation."""

OPERATIONS = (
    "sync_images",
    "tags",
    "tag",
    "repo",
    "repos",
    "namespaces",
    "regions",
    "sync_job",
    "sync_repo",
    "feature_gates",
    "quotas",
)
IAM_OPERATIONS = (
    "tokens",
    "projects",
    "securitytokens",
    "metadata_token",
    "securitykey",
    "pod_identity",
)


@lru_cache(maxsize=4096)
def identifier(*parts: str) -> str:
    """Make the 32 hexadecimal digits that always name the same thing."""
    return uuid5(NAMESPACE_URL, "/".join(parts)).hex


@dataclass(frozen=True, slots=True)
class User:
    """An IAM user of an account (which IAM calls a domain)."""

    name: str
    password: str = field(repr=False)
    domain: str

    @property
    def id(self) -> str:
        """The user's id, the same in every run."""
        return identifier("user", self.domain, self.name)

    @property
    def domain_id(self) -> str:
        """The account's id, the same in every run."""
        return identifier("domain", self.domain)

    @property
    def key(self) -> AccessKey:
        """The user's own access key, the same in every run."""
        access = identifier("access", self.domain, self.name)[:20].upper()
        return AccessKey(access, identifier("secret", self.domain, self.name) + access[:8].lower())


DEMO = User(name="demo", password="demo", domain="demo")  # noqa: S106 - nothing to protect
POD_TOKEN = "demo-pod"  # noqa: S105 - the same
"""What a pod has to present for its keys, in the file that its environment names."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that IAM issued; only one with a project opens SWR, and only in its region."""

    value: str = field(repr=False)
    user: User
    issued_at: datetime
    expires_at: datetime
    region: str | None


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a repository, as it stands in one region; an index lists several manifests."""

    id: int
    namespace: str
    repository: str
    name: str
    digest: str
    created: datetime
    updated: datetime
    index: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What is pushed: without a digest it gets a new one."""

    digest: str | None = None
    index: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Where a synchronization goes to, and whether it may replace what is there."""

    region: str
    namespace: str
    override: bool


@dataclass(frozen=True, slots=True)
class SyncJob:
    """One tag on its way to one target; it runs as soon as `due` is reached."""

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
    """A rule of automatic synchronization; it is kept and listed, but acts on nothing."""

    id: int
    target: Target
    auto: bool
    created: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """One request to IAM or to a region, with the names of the faults that struck it.

    `status` is None while it is being answered, and for good if nothing was.
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
    """How some calls are to go wrong; docs/simulator.md says what each field does.

    Its aim is a call as a whole, the list of tags that it answers as failed, or the jobs of its
    tags. A field that narrows is None where all are meant.
    """

    # which calls
    region: str = EVERYWHERE
    operation: str = EVERYWHERE
    namespace: str | None = None
    repository: str | None = None
    tag: str | None = None
    target_region: str | None = None
    target_organization: str | None = None
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
    # what is answered
    status: int | None = None
    error: str | None = None
    error_shape: ErrorShape | None = None
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    without_headers: tuple[str, ...] = ()
    # how the answer is sent
    connection: Connection | None = None
    pause: float = 0.05
    limit: float = 300.0
    # what happens to its tags
    failed_tags: tuple[str, ...] = ()
    job: Outcome | None = None
    job_shown: Shown | None = None
    job_delay: float = 0.0

    @property
    def aim(self) -> Aim:
        """Tell what is struck: a call, the answer about its tags, or the jobs of its tags."""
        if self.failed_tags:
            return "failed_tags"
        return "job" if self.job or self.job_shown or self.job_delay else "call"

    @property
    def answers(self) -> bool:
        """Tell whether a call gets this fault's answer, or none, in place of its own."""
        silent = self.connection in ("hang", "reset")
        return silent or self.status is not None or self.error is not None


@dataclass(frozen=True, slots=True)
class Settings:
    """How the simulated services behave; where the documentation is silent, a choice of both.

    `unknown_organization` is what sync_images does with a target organization that does not
    exist: accept, and let the job fail, or refuse. `accepted_body` is what a 200 of
    sync_images carries, `error_shape` which of the observed shapes SWR's own errors take.
    `seed` decides which calls a fault strikes that has a share of them.
    """

    delay: float = 0.5
    unknown_organization: UnknownOrganization = "accept"
    accepted_body: AcceptedBody = "empty_list"
    error_shape: ErrorShape = "array"
    token_ttl: float = 86_400.0
    token_size: int = 2_048
    lock_after: int = 5
    lock_time: float = 900.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SeedTag:
    """A tag that is to be in a region; without a digest it gets a new one."""

    region: str
    namespace: str
    repository: str
    tag: str
    digest: str | None = None
    index: bool = False


@dataclass(frozen=True, slots=True)
class SeedOrganization:
    """An organization that is to be in a region, or in all of them."""

    region: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is there at the start: organizations, tags, faults, changed settings."""

    organizations: Sequence[SeedOrganization] = ()
    tags: Sequence[SeedTag] = ()
    faults: Sequence[Fault] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the simulator is at its start, and again after a reset."""

    regions: Sequence[str]
    mirror: Mapping[str, str] = field(default_factory=dict)
    users: Sequence[User] = (DEMO,)
    settings: Settings = Settings()
    scenario: Scenario = Scenario()
