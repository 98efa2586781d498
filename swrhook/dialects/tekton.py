"""Tekton's CloudEvents: the results of a run that built an image.

Payload: https://tekton.dev/docs/pipelines/events/. The results have the names of Tekton Chains'
type hints, https://tekton.dev/docs/chains/slsa-provenance/#type-hinting. Both read September 2026.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

RUNS: Mapping[str, str] = {
    "dev.tekton.event.pipelinerun.successful.v1": "pipelineRun",
    "dev.tekton.event.taskrun.successful.v1": "taskRun",
}
# API version v1 has the first key, v1beta1 the others.
RESULTS = ("results", "pipelineResults", "taskResults")
URL, DIGEST, IMAGES = "IMAGE_URL", "IMAGE_DIGEST", "IMAGES"

_SEPARATORS = re.compile(r"[\s,]+")

Results = Mapping[str, Sequence[str]]


def parse(delivery: Delivery) -> Reading:
    """Read the images among a successful run's results.

    Raises Undecodable, UnknownShape, or Ignored if the run did not succeed or names no image.
    """
    event = payload.parse_cloud_event(delivery.headers, payload.decode(delivery.body))
    if event is None:
        raise UnknownShape(say("neither the headers nor the body contain a CloudEvent"))
    if event.type not in RUNS:
        raise Ignored(say("type %(kind)s is not a successful run", kind=payload.quote(event.type)))
    run = RUNS[event.type]
    status = payload.get(event.data, run, "status")
    if not isinstance(status, Mapping):
        raise UnknownShape(
            say(
                "a successful run whose `%(run)s.status` is %(status)s",
                run=run,
                status=payload.type_name(status),
            )
        )
    return payload.to_reading(_read_results(_collect_results(status), event))


def _collect_results(status: payload.Json) -> Results:
    """Return the words of each result by its name."""
    results = (result for key in RESULTS for result in payload.items(status, key))
    named = ((payload.text(result, "name"), payload.get(result, "value")) for result in results)
    return {name: _split_words(value) for name, value in named if name is not None}


def _split_words(value: payload.Json) -> list[str]:
    """Return the words of a string or a list of strings; many results end with a newline."""
    texts = value if isinstance(value, list) else [value]
    words = (word for text in texts if isinstance(text, str) for word in _SEPARATORS.split(text))
    return [word for word in words if payload.text(word)]


def _read_results(results: Results, event: payload.CloudEvent) -> Iterator[Announcement | str]:
    """Yield the announcements of the images in the results, and reasons for those without a tag."""
    images = [(word, "") for word in results.get(IMAGES, ())]
    for name, words in results.items():
        if name.endswith(URL):
            digests = results.get(name.removesuffix(URL) + DIGEST) or [""]
            images += [(word, digests[0]) for word in words]
    if not images:
        yield say(
            "the run has no result named %(images)s, %(url)s or …_%(url)s", images=IMAGES, url=URL
        )
    for word, digest in images:
        image = payload.parse_reference(word)
        if not image.name or payload.tag(image.tag) is None:
            yield say(
                "%(word)s has no tag: the task has to write it into the result",
                word=payload.quote(word),
            )
        else:
            image_digest = payload.digest(image.digest or digest)
            yield Announcement(image.name, image.tag, image_digest, event.id, event.at)
