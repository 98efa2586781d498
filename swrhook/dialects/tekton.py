"""Tekton's CloudEvents: the results of a run that built an image.

Payload: https://tekton.dev/docs/pipelines/events/; the names of the results are Tekton Chains' type
hints, https://tekton.dev/docs/chains/slsa-provenance/#type-hinting; read September 2026.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

RUNS: Mapping[str, str] = {
    "dev.tekton.event.pipelinerun.successful.v1": "pipelineRun",
    "dev.tekton.event.taskrun.successful.v1": "taskRun",
}
# The first since v1 of the API, the others before.
RESULTS = ("results", "pipelineResults", "taskResults")
URL, DIGEST, IMAGES = "IMAGE_URL", "IMAGE_DIGEST", "IMAGES"

_SEPARATORS = re.compile(r"[\s,]+")

Results = Mapping[str, Sequence[str]]


def parse(delivery: Delivery) -> Reading:
    """Read the images among a successful run's results.

    Raises Undecodable, UnknownShape, or Ignored when the run did not succeed or names no image.
    """
    event = payload.cloud_event(delivery.headers, payload.decode(delivery.body))
    if event is None:
        raise UnknownShape("neither the headers nor the body are a CloudEvent's")
    if event.type not in RUNS:
        raise Ignored(f"type {payload.shown(event.type)} is not a successful run")
    run = RUNS[event.type]
    status = payload.at(event.data, run, "status")
    if not isinstance(status, Mapping):
        raise UnknownShape(f"a successful run whose `{run}.status` is {payload.kind_of(status)}")
    return payload.reading(_read(_results(status), event), event.id)


def _results(status: Any) -> Results:  # noqa: ANN401
    """Return the words of each result, by its name."""
    results = (result for key in RESULTS for result in payload.items(status, key))
    named = ((payload.text(result, "name"), payload.at(result, "value")) for result in results)
    return {name: _words(value) for name, value in named if name is not None}


def _words(value: Any) -> list[str]:  # noqa: ANN401
    """Return the words of a text or a list of texts; many tasks end theirs with a newline."""
    texts = value if isinstance(value, list) else [value]
    words = (word for text in texts if isinstance(text, str) for word in _SEPARATORS.split(text))
    return [word for word in words if payload.text(word)]


def _read(results: Results, event: payload.CloudEvent) -> Iterator[Announcement | str]:
    """Yield what the results announce, and why the others announce nothing."""
    found = [(word, "") for word in results.get(IMAGES, ())]
    for name, words in results.items():
        if name.endswith(URL):
            digests = results.get(name.removesuffix(URL) + DIGEST) or [""]
            found += [(word, digests[0]) for word in words]
    if not found:
        yield f"the run has no result named {IMAGES}, {URL} or …_{URL}"
    for word, digest in found:
        image = payload.reference(word)
        if not image.name or payload.tag(image.tag) is None:
            yield f"{payload.shown(word)} has no tag: let the task write it into the result"
        else:
            own = payload.digest(image.digest or digest)
            yield Announcement(image.name, image.tag, own, event.id, event.at)
