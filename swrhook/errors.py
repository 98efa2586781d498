"""Every error that swrhook raises on purpose, by what its catcher does next.

SwrhookError
├── Refused                  the request is answered with an error, and nothing is recorded
│   ├── UnknownSender            no sender has this name
│   ├── UnknownImage             the client may not know of the image, or nothing is known of it
│   ├── AddressNotAllowed        the sender does not deliver from this address
│   ├── Unauthenticated          the request is not authentic
│   ├── KeysUnavailable          the request cannot be verified now: retry later
│   ├── Unconfirmed              the subscription cannot be confirmed now: retry later
│   ├── RateLimited              the sender delivers too often: retry later
│   ├── Undecodable              the body is not valid in its encoding (JSON, UTF-8)
│   │   └── TooComplex               the JSON has too many levels or values to be parsed
│   ├── TooLarge                 the body exceeds a limit
│   ├── TooManyImages            a delivery exceeds the sender's max_images, and the caller waits
│   ├── NothingUsable            no image tag is readable, and the caller waits for the answer
│   ├── NothingToReplay          the stored delivery cannot be replayed
│   ├── StateForbids             the state of a sync does not allow the operation
│   └── CannotRecord             the ledger cannot store the delivery now: retry later
├── Ignored                  the delivery is valid, but needs no sync
├── UnknownShape             the dialect does not know the JSON's structure: quarantined
├── BadConfiguration         the file or the environment has mistakes; holds all of them
├── BadRecording             a file is not a recording of SWR's answers
├── FetchFailed              an HTTPS server of a sender gave no usable response
├── LedgerUnusable           the database cannot be opened, or belongs to another version or process
├── ClaimLost                another worker has taken over: this transaction is rolled back
└── SwrError                 SWR or IAM failed; its kind says what to do
    ├── TagNotShown              the answer says nothing about a tag: ask the list of tags
    └── CircuitOpen              not sent, since the endpoint has not answered lately
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum

from swrhook.wording.message import join_parts, say


class SwrhookError(Exception):
    """The base class of all errors that swrhook raises on purpose; its arguments are texts."""

    def __str__(self) -> str:
        """Return the texts."""
        return "; ".join(map(str, self.args))

    @property
    def reasons(self) -> Sequence[str]:
        """The texts, which a page can put into its language."""
        return self.args

    @property
    def text(self) -> str:
        """All in one, which a page can put into its language."""
        return join_parts(self.reasons)


class Refused(SwrhookError):
    """The request is answered with an error and nothing is recorded; `code` is the problem code."""

    code = "refused"


class UnknownSender(Refused):
    """No sender with this name is configured."""

    code = "unknown_sender"


class UnknownImage(Refused):
    """Nothing is known of the image, or its token may not know it."""

    code = "unknown_image"


class AddressNotAllowed(Refused):
    """The sender does not accept deliveries from this client address."""

    code = "address_not_allowed"


class Unauthenticated(Refused):
    """The request is not authentic; the message contains no secret."""

    code = "unauthenticated"


class KeysUnavailable(Refused):
    """The keys that verify the request cannot be fetched now; the sender should retry."""

    code = "keys_unavailable"


class Unconfirmed(Refused):
    """A subscription to a topic cannot be confirmed now; the sender should retry."""

    code = "unconfirmed"


class RateLimited(Refused):
    """The sender exceeds its rate limit; it should retry."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after: int) -> None:
        """`retry_after` is the number of seconds until the next delivery is accepted."""
        super().__init__(message)
        self.retry_after = retry_after


class Undecodable(Refused):
    """The body is not valid JSON, UTF-8 or compression, as its headers promise."""

    code = "undecodable"


class TooComplex(Undecodable):
    """The JSON has too many levels or values to be parsed."""

    code = "too_complex"


class TooLarge(Refused):
    """The body exceeds a limit."""

    code = "too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(
            say("the body is over settings.body_limit (%(limit)s bytes)", limit=str(limit))
        )


class TooManyImages(Refused):
    """A delivery has more image tags than its sender may send at once, and the caller waits."""

    code = "too_many_images"


class NothingUsable(Refused):
    """No image tag can be read, and the caller waits for the answer, so it is not quarantined.

    It has a reason for each part that cannot be used.
    """

    code = "nothing_usable"


class NothingToReplay(Refused):
    """A delivery cannot be replayed; the message says why, and what can be replayed instead."""

    code = "nothing_to_replay"


class StateForbids(Refused):
    """The state of a sync does not allow the operation; the message names the state."""

    code = "state_forbids"


class CannotRecord(Refused):
    """The ledger cannot store the delivery now; the sender should retry."""

    code = "cannot_record"


class Ignored(SwrhookError):
    """The delivery is authentic and readable, but needs no sync; the reasons are recorded."""


class IgnoredSecret(Ignored):
    """The same, and the body holds a secret: it is not kept."""


class UnknownShape(SwrhookError):
    """The dialect does not know the structure of the JSON; the message says where."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in the configuration: its position and what to do about it.

    `line` and `column` count from 1; they are 0 for a mistake without a position in a file.
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        """Return it in the format of compilers, so that editors can jump to it."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class BadConfiguration(SwrhookError):
    """The configuration cannot be used; `mistakes` holds all its mistakes."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        """Sort the mistakes by their position."""
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))

    def __reduce__(self) -> tuple[type["BadConfiguration"], tuple[list[Mistake]]]:
        """Return what makes a copy in another process."""
        return BadConfiguration, (self.mistakes,)


class BadRecording(SwrhookError):
    """A file is not a recording of SWR's answers; the message says why."""


class FetchFailed(SwrhookError):
    """A server of a sender gave no usable response; the message contains its host, not the URL."""


class LedgerUnusable(SwrhookError):
    """The database cannot be used as it is; the message says what to do."""


class ClaimLost(SwrhookError):
    """Another worker has taken over this one's work: this transaction must not be committed."""


class Kind(StrEnum):
    """The classes of SWR and IAM errors, by what to do next."""

    PERMANENT = "permanent"  # the same request fails every time
    NOT_YET = "not_yet"  # the repository or tag does not exist (yet)
    TRANSIENT = "transient"  # retry later
    THROTTLED = "throttled"  # retry later, at a lower rate
    AUTHENTICATION = "authentication"  # the credential is refused
    CONFIGURATION = "configuration"  # needs a change of permissions or configuration

    @property
    def is_retryable(self) -> bool:
        """Tell whether a retry may succeed without a change by an operator."""
        return self not in (Kind.PERMANENT, Kind.CONFIGURATION)


# The beginning of a remedy when the operator has nothing to do, because swrhook retries.
NOTHING_TO_DO = "nothing to do"


@dataclass(eq=False)  # an exception is hashed and compared by identity
class SwrError(SwrhookError):
    """An error of SWR or IAM, or on the way to them.

    `code` is the service's own code, or `HTTP.<status>`, or a word for a failure of the network
    (`connect`, `timeout`, `protocol`) or the configuration. `retry_after` is in seconds.
    `failed_tags` are those that SWR lists as failed; empty if it lists none.
    """

    kind: Kind
    code: str
    message: str
    _: KW_ONLY
    remedy: str = ""
    retry_after: float | None = None
    failed_tags: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """Return code and message."""
        return f"{self.code}: {self.message}"


@dataclass(eq=False)
class TagNotShown(SwrError):
    """The answer to ShowRepoTag does not tell whether the tag exists: the list of tags does.

    `lacks_operation`: the answer says that the endpoint has no such operation.
    """

    _: KW_ONLY
    lacks_operation: bool = False


class CircuitOpen(SwrError):
    """The request was not sent, because the latest requests to the endpoint got no answer.

    `retry_after` says when a request is tried again.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        """`message` says why the circuit breaker is open; `retry_after` is in seconds."""
        remedy = say(
            "nothing to do if it passes: swrhook tries the endpoint again, after growing pauses;"
            " otherwise check the network on the way to it"
        )
        super().__init__(
            Kind.TRANSIENT, "not_asked", message, remedy=remedy, retry_after=retry_after
        )
