"""One request as it came in: all that authentication and dialects may see of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# The headers that are kept: what identifies an event and what dialects read, so that it can be
# read again; never what authenticates it.
KEPT_HEADERS = frozenset(
    {
        "content-type",
        "content-encoding",
        "user-agent",
        "idempotency-key",
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
    """Headers with lower-case names, and the body's raw bytes (decompressed, within the cap).

    `path_secret` is what stood behind the sender's name in the URL; it is never stored.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    path_secret: str | None = field(default=None, repr=False)

    def header(self, name: str) -> str:
        """Return a header by its lower-case name, or "" when it was not sent."""
        return self.headers.get(name, "")
