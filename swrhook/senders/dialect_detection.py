"""Which dialect a body is in: for senders behind an envelope, where the sender does not say.

What is certain comes first: a header or a type of the sender's own, then fields that no other
sender has together. A sender that names its dialect is never detected.
"""

from collections.abc import Callable, Mapping
from typing import Any

from swrhook.errors import NothingUsable, UnknownShape
from swrhook.model import Reading
from swrhook.senders import envelopes, payload
from swrhook.senders.delivery import Delivery

# Gitea and Forgejo send GitHub's header too, beside their own.
HEADERS = (
    ("x-gitea-event", "gitea"),
    ("x-forgejo-event", "gitea"),
    ("x-gogs-event", "gitea"),
    ("x-github-event", "github"),
    ("x-gitlab-event", "gitlab"),
    ("x-nexus-webhook-id", "nexus"),
    ("x-jfrog-event-auth", "jfrog"),
    ("x-buildkite-event", "buildkite"),
    ("circleci-event-type", "circleci"),
    ("x-drone-event", "drone"),
)
# CloudEvents, by the beginning of their type.
TYPES = (
    ("harbor.", "harbor"),
    ("zotregistry.", "zot"),
    ("dev.cdevents.", "cdevents"),
    ("dev.tekton.", "tekton"),
    ("SWR:CloudTrace:", "huawei-eventgrid"),
    ("cr:", "aliyun"),
    ("com.amazon.ecr.", "ecr"),
)


def read(delivery: Delivery, table: Mapping[str, Callable[[Delivery], Reading]]) -> Reading:
    """Read a delivery, or what the envelope around it holds, with the dialect that it is in.

    Raises what that dialect raises; but nobody waits for the answer, so nothing usable is ignored.
    """

    def parse(inner: Delivery) -> Reading:
        dialect = detect(inner.headers, payload.decode(inner.body))
        if dialect not in table:
            raise UnknownShape(f"the message is in the dialect {dialect}, which has no reader")
        return table[dialect](inner)

    try:
        return envelopes.read(delivery, parse)
    except NothingUsable as exc:
        raise UnknownShape(str(exc)) from exc


def detect(headers: Mapping[str, str], document: Any) -> str:  # noqa: ANN401
    """Return the dialect of a decoded body. Raises UnknownShape when it is none that we know."""
    found = (
        envelopes.dialect_of(headers, document)
        or next((dialect for name, dialect in HEADERS if name in headers), None)
        or _cloudevent(headers, document)
        or _events(payload.at(document, "events"))
        or next((dialect for dialect, fits in SHAPES if fits(document)), None)
    )
    if found is None:
        raise UnknownShape("the body is in no dialect that can be told from others")
    return found


def _cloudevent(headers: Mapping[str, str], document: Any) -> str | None:  # noqa: ANN401
    """Return the dialect of a CloudEvent, binary or structured."""
    kind = (
        payload.text(headers, "ce-type")
        or (payload.text(document, "specversion") and payload.text(document, "type"))
        or payload.text(document, "context", "type")
    )
    if kind is None:
        return None
    source = payload.text(document, "source") or ""
    other = "huawei-eventgrid" if source.startswith("HC.") else "cloudevents"
    return next((dialect for start, dialect in TYPES if kind.startswith(start)), other)


def _events(events: Any) -> str | None:  # noqa: ANN401
    """Tell the registry's envelope of events from EventGrid's."""
    if not isinstance(events, list):
        return None
    if not events or any(_has("action", "target")(event) for event in events):
        return "distribution"
    return "huawei-eventgrid" if any(_has("specversion")(event) for event in events) else None


def _has(*keys: str) -> Callable[[Any], bool]:
    """Return whether a document has all of the keys, as a function of the document."""
    return lambda document: all(payload.at(document, key) is not None for key in keys)


def _is_google(document: Any) -> bool:  # noqa: ANN401
    known = payload.at(document, "action") in ("INSERT", "DELETE")
    return known and (_has("tag")(document) or _has("digest")(document))


def _is_trace(document: Any) -> bool:  # noqa: ANN401
    traces = document if isinstance(document, list) else [document]
    return any(_has("trace_name")(trace) or _has("cts")(trace) for trace in traces)


def _is_aliyun(document: Any) -> bool:  # noqa: ANN401
    full = payload.at(document, "repository", "repo_full_name")
    return full is not None and _has("push_data")(document)


def _names_image(document: Any) -> bool:  # noqa: ANN401
    named = (_has("image"), _has("images"), _has("image.name"))
    parts = (("repository", "tag"), ("repository", "tags"), ("name", "tag"))
    return any(fits(document) for fits in (*named, *(_has(*keys) for keys in parts)))


# In this order: a later one may fit what an earlier one names.
SHAPES: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("jfrog", _has("domain", "event_type", "data")),
    ("ecr", _has("detail-type")),
    ("gcr", _is_google),
    ("huawei-cts", _is_trace),
    ("harbor", _has("type", "event_data")),
    ("aliyun", _is_aliyun),
    ("dockerhub", _has("push_data")),
    ("quay", _has("updated_tags")),
    ("quay", _has("docker_url", "repository")),
    ("acr", _has("action", "target")),
    ("nexus", _has("repositoryName", "action")),
    ("generic", _names_image),
)
