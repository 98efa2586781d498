"""Detect the dialect of a message that came in an envelope (SNS, SMN).

The strongest signs are checked first: headers and event types that only one product uses, then
combinations of fields that only one product sends. Senders with any other `dialect` in
swrhook.yaml need no detection.
"""

from collections.abc import Callable, Mapping

from swrhook.errors import NothingUsable, UnknownShape
from swrhook.model import Reading
from swrhook.senders import envelopes, payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

# Gitea's and Forgejo's come first, because these two also send GitHub's header.
DIALECT_BY_HEADER = (
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
# The beginnings of CloudEvents types.
DIALECT_BY_EVENT_TYPE = (
    ("harbor.", "harbor"),
    ("zotregistry.", "zot"),
    ("dev.cdevents.", "cdevents"),
    ("dev.tekton.", "tekton"),
    ("SWR:CloudTrace:", "huawei-eventgrid"),
    ("cr:", "aliyun"),
    ("com.amazon.ecr.", "ecr"),
)

# Reads a delivery in one dialect.
Parse = Callable[[Delivery], Reading]


def read(delivery: Delivery, dialects: Mapping[str, Parse]) -> Reading:
    """Read a delivery, or the message in its envelope, with the detected dialect.

    Raises what that dialect raises, but UnknownShape instead of NothingUsable, and Ignored for a
    topic's subscription messages.
    """

    def parse(inner: Delivery) -> Reading:
        dialect = detect(inner.headers, payload.decode(inner.body))
        if dialect not in dialects:
            raise UnknownShape(
                say(
                    "the message is in the dialect %(dialect)s, which cannot be read",
                    dialect=dialect,
                )
            )
        return dialects[dialect](inner)

    try:
        return envelopes.read(delivery, parse)
    except NothingUsable as exc:
        # An error would only make the topic service deliver the same message again.
        raise UnknownShape(*exc.reasons) from exc


def detect(headers: Mapping[str, str], document: payload.Json) -> str:
    """Return the dialect of a decoded body. Raises UnknownShape if no dialect fits."""
    dialect = (
        envelopes.envelope_dialect(headers, document)
        or next((dialect for name, dialect in DIALECT_BY_HEADER if name in headers), None)
        or _detect_cloudevent(headers, document)
        or _detect_event_list(payload.get(document, "events"))
        or next((dialect for dialect, fits in DIALECT_BY_SHAPE if fits(document)), None)
    )
    if dialect is None:
        raise UnknownShape(say("the dialect of the body cannot be detected"))
    return dialect


def _detect_cloudevent(headers: Mapping[str, str], document: payload.Json) -> str | None:
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
    return next(
        (dialect for start, dialect in DIALECT_BY_EVENT_TYPE if kind.startswith(start)), other
    )


def _detect_event_list(events: payload.Json) -> str | None:
    """Return the dialect of a list of events: the docker registry's or EventGrid's."""
    if not isinstance(events, list):
        return None
    if not events or any(_has_all("action", "target")(event) for event in events):
        return "distribution"
    return "huawei-eventgrid" if any(_has_all("specversion")(event) for event in events) else None


def _has_all(*keys: str) -> Callable[[payload.Json], bool]:
    """Return a function that tells whether a document has all of the keys."""
    return lambda document: all(payload.get(document, key) is not None for key in keys)


def _is_gcr(document: payload.Json) -> bool:
    is_action = payload.get(document, "action") in ("INSERT", "DELETE")
    return is_action and (_has_all("tag")(document) or _has_all("digest")(document))


def _is_cts(document: payload.Json) -> bool:
    traces = document if isinstance(document, list) else [document]
    return any(_has_all("trace_name")(trace) or _has_all("cts")(trace) for trace in traces)


def _is_aliyun(document: payload.Json) -> bool:
    full = payload.get(document, "repository", "repo_full_name")
    return full is not None and _has_all("push_data")(document)


def _is_generic(document: payload.Json) -> bool:
    named = (_has_all("image"), _has_all("images"), _has_all("image.name"))
    parts = (("repository", "tag"), ("repository", "tags"), ("name", "tag"))
    return any(fits(document) for fits in (*named, *(_has_all(*keys) for keys in parts)))


# The order matters: a later test may also accept the documents of an earlier dialect.
DIALECT_BY_SHAPE: tuple[tuple[str, Callable[[payload.Json], bool]], ...] = (
    ("jfrog", _has_all("domain", "event_type", "data")),
    ("ecr", _has_all("detail-type")),
    ("gcr", _is_gcr),
    ("huawei-cts", _is_cts),
    ("harbor", _has_all("type", "event_data")),
    ("aliyun", _is_aliyun),
    ("dockerhub", _has_all("push_data")),
    ("quay", _has_all("updated_tags")),
    ("quay", _has_all("docker_url", "repository")),
    ("acr", _has_all("action", "target")),
    ("nexus", _has_all("repositoryName", "action")),
    ("generic", _is_generic),
)
