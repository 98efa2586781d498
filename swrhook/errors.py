"""Every error raised on purpose, by what the catcher does next.

SwrhookError
├── Refused                  the request is answered with an error, nothing is kept
│   ├── UnknownSender            no such sender
│   ├── AddressNotAllowed        not from where the sender delivers
│   ├── Unauthenticated          not proven
│   ├── KeysUnavailable          proven or not, who knows: again, later
│   ├── Unconfirmed              the subscription is not confirmed yet: again, later
│   ├── RateLimited              proven, and too much of it: again, later
│   ├── Undecodable              not what its encoding says (not JSON, not UTF-8)
│   ├── TooLarge                 over a cap
│   ├── NothingUsable            a caller that waits for the answer is told why
│   ├── NothingToReplay          what is kept of a delivery gives nothing to do again
│   ├── StateForbids             a sync is not in a state for what is wanted of it
│   └── CannotRecord             not on disk: again, later
├── Ignored                  authentic and understood, not for us
├── UnknownShape             JSON of a shape that the dialect does not know: quarantined
├── BadConfiguration         the file or the environment is wrong: every mistake at once
├── NotFetched               an address outside gave no answer that can be used
├── LedgerUnusable           the database cannot be opened, or belongs to another version or process
├── TakenOver                this worker was away for too long: its transaction is undone
└── SwrError                 what SWR or IAM answered, with its kind
    └── NotAsked                 the endpoint has not answered for a while, and was left alone
"""

from dataclasses import dataclass
from enum import StrEnum


class SwrhookError(Exception):
    """The root of the tree: everything below is raised on purpose."""


class Refused(SwrhookError):
    """The request is answered with an error and nothing is kept; `code` names why in one word."""

    code = "refused"


class UnknownSender(Refused):
    """No sender of this name is configured."""

    code = "unknown_sender"


class AddressNotAllowed(Refused):
    """The sender takes nothing from the sender's address."""

    code = "address_not_allowed"


class Unauthenticated(Refused):
    """The request does not prove where it comes from; the message names no secret."""

    code = "unauthenticated"


class KeysUnavailable(Refused):
    """The keys that would prove the request cannot be fetched; the sender shall try again."""

    code = "keys_unavailable"


class Unconfirmed(Refused):
    """A subscription to a topic cannot be confirmed now; the sender shall try again."""

    code = "unconfirmed"


class RateLimited(Refused):
    """The sender delivers more than its sender allows; it shall try again."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after: int) -> None:
        """Take the seconds after which the next delivery can be taken."""
        super().__init__(message)
        self.retry_after = retry_after


class Undecodable(Refused):
    """The body is not what it should be on the wire."""

    code = "undecodable"


class TooLarge(Refused):
    """The body is over a cap."""

    code = "too_large"


class NothingUsable(Refused):
    """No image tag can be read, and the caller waits for the answer."""

    code = "nothing_usable"

    def __init__(self, reasons: tuple[str, ...]) -> None:
        """Take one reason for each part that cannot be used."""
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class NothingToReplay(Refused):
    """A delivery cannot be replayed; the message says why, and what can be."""

    code = "nothing_to_replay"


class StateForbids(Refused):
    """The state of a sync forbids what is wanted of it; the message names the state."""

    code = "state_forbids"


class CannotRecord(Refused):
    """The ledger cannot take the delivery now; the sender shall try again."""

    code = "cannot_record"


class Ignored(SwrhookError):
    """Authentic and understood, but not for us; the message is the recorded reason."""


class UnknownShape(SwrhookError):
    """JSON of a shape that the dialect does not know; the message says where."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in the configuration: where it stands and what to do about it.

    `line` and `column` count from 1; 0 where a mistake has no place in a file.
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        """Write it as compilers do, so that editors can jump to it."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class BadConfiguration(SwrhookError):
    """The configuration cannot be used; holds every mistake found."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        """Sort the mistakes by their place."""
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class FetchFailed(SwrhookError):
    """An address outside gave no usable answer; the message names its host alone."""


class LedgerUnusable(SwrhookError):
    """The database cannot be used as it is; the message says what to do."""


class ClaimLost(SwrhookError):
    """This worker was away for too long: another one does its work, and it must change nothing."""


class Kind(StrEnum):
    """What to do about an error of SWR or IAM."""

    PERMANENT = "permanent"  # the same request will fail for ever
    NOT_YET = "not_yet"  # the repository or tag is not there (yet)
    TRANSIENT = "transient"  # again, later
    THROTTLED = "throttled"  # again, later and slower
    AUTHENTICATION = "authentication"  # the credential is not accepted
    CONFIGURATION = "configuration"  # only a change of rights or configuration can cure it

    @property
    def is_retryable(self) -> bool:
        """Tell whether a later try may succeed though nobody changes anything."""
        return self not in (Kind.PERMANENT, Kind.CONFIGURATION)


# How a remedy begins where swrhook itself does what is to be done: it tries again.
NOTHING_TO_DO = "nothing to do"


class SwrError(SwrhookError):
    """What SWR or IAM answered, read.

    `code` is the service's own code, or `HTTP.<status>`, or a word for what happened on the way
    (`connect`, `timeout`). `retry_after` is in seconds.
    """

    def __init__(  # one argument for each thing that an operator is shown
        self,
        kind: Kind,
        code: str,
        message: str,
        *,
        remedy: str = "",
        retry_after: float | None = None,
        failed_tags: frozenset[str] = frozenset(),
    ) -> None:
        """Keep what the worker decides by and what the operator reads."""
        super().__init__(f"{code}: {message}")
        self.kind = kind
        self.code = code
        self.message = message
        self.remedy = remedy
        self.retry_after = retry_after
        self.failed_tags = failed_tags


class CircuitOpen(SwrError):
    """What stands for an answer while an endpoint is left alone, because it gave none for a while.

    `retry_after` says when it may be asked again.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        """Keep why, and for how long."""
        super().__init__(
            Kind.TRANSIENT,
            "not_asked",
            message,
            remedy="nothing to do if it passes: the endpoint is tried again, after growing pauses;"
            " else check the network between here and it",
            retry_after=retry_after,
        )
