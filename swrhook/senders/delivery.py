"""One received request: the parts that authentication and dialects may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# The headers that the ledger stores for a replay: those that identify an event or that a dialect
# reads. A header that authenticates the sender must never be listed here.
KEPT_HEADERS = frozenset(
    {
        "content-type",
        "content-encoding",
        "user-agent",
        "idempotency-key",
        "traceparent",
        "webhook-id",
        "x-request-id",
        "ce-id",
        "ce-specversion",
        "ce-type",
        "ce-source",
        "ce-subject",
        "ce-time",
        "x-amz-sns-message-type",
        "x-amz-sns-message-id",
        "x-amz-sns-rawdelivery",
        "x-goog-pubsub-message-id",
        "x-nexus-webhook-id",
        "x-nexus-webhook-delivery",
        "x-smn-message-type",
        "x-smn-message-id",
        "x-github-event",
        "x-github-delivery",
        "x-gitea-event",
        "x-gitea-delivery",
        "x-forgejo-event",
        "x-forgejo-delivery",
        "x-gogs-event",
        "x-gitlab-event",
        "x-buildkite-event",
        "circleci-event-type",
        "x-drone-event",
    }
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The headers (names in lower case) and the raw body (decompressed, within the size limit).

    `path_secret` is the part of the URL after the sender's name; it is never stored. `arrived` is
    when the request came in, by the process's monotonic clock; None for a replay.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    path_secret: str | None = field(default=None, repr=False)
    client_address: str | None = None
    arrived: float | None = None

    def header(self, name: str) -> str:
        """Return a header by its lower-case name, or "" if it was not sent."""
        return self.headers.get(name, "")
