"""What SWR shows about triggered syncs beside the digests: its jobs, and the images of an index."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from swrhook.errors import SwrError
from swrhook.model import Lane, State, Sync
from swrhook.syncs.decisions import Decider
from swrhook.syncs.evidence import Evidence, IndexComparison
from swrhook.wording.message import say
from swrhook.worker.gateway import GatewaySession
from swrhook.worker.observation import JobStatuses, Observation

Images = Mapping[str, Collection[str]]
_NOT_COMPARED = say("the images of a multi-arch image are shown on one side only: not compared")


def gather_evidence(
    session: GatewaySession,
    lane: Lane,
    syncs: Sequence[Sync],
    observation: Observation,
    jobs: JobStatuses,
    decider: Decider,
) -> Mapping[str, Evidence]:
    """Return the evidence by tag; images are compared only where other digests may end a sync.

    SWR might write the index of a multi-arch image anew, which changes only the index's own digest.
    """
    evidence = {sync.tag: jobs.evidence(sync.tag) for sync in syncs}
    differing = [
        sync.tag for sync in syncs if _differs(sync, observation, evidence[sync.tag], decider)
    ]
    if not differing:
        return evidence
    source, target = _images(session, lane, differing)
    for tag in differing:
        if tag in source or tag in target:
            comparison = compare_images(source.get(tag), target.get(tag))
            evidence[tag] = replace(evidence[tag], index=comparison)
    return evidence


def compare_images(
    source: Collection[str] | None, target: Collection[str] | None
) -> IndexComparison:
    """Compare the images of an index, each a `platform digest`, at source and target."""
    if not source or not target:
        return IndexComparison(is_same=False, summary=_NOT_COMPARED)
    if set(source) == set(target):
        platforms = ", ".join(sorted(image.partition(" ")[0] for image in source))
        summary = say(
            "SWR wrote the index anew, with the same images, by digest: %(platforms)s",
            platforms=platforms,
        )
        return IndexComparison(is_same=True, summary=summary)
    changed = sorted({image.partition(" ")[0] for image in set(source) ^ set(target)})
    summary = say("its images differ, by digest: %(platforms)s", platforms=", ".join(changed))
    return IndexComparison(is_same=False, summary=summary)


def _differs(sync: Sync, observation: Observation, evidence: Evidence, decider: Decider) -> bool:
    source, target = observation.source[sync.tag], observation.target[sync.tag]
    return (
        sync.state is State.TRIGGERED
        and isinstance(source, str)
        and isinstance(target, str)
        and source == sync.called_digest
        and decider.needs_comparison(sync, target, evidence)
    )


def _images(session: GatewaySession, lane: Lane, tags: Collection[str]) -> tuple[Images, Images]:
    source = (lane.source_region, lane.namespace, lane.repository)
    target = (lane.target.region, lane.target.namespace, lane.repository)
    try:
        return session.list_images(*source, tags), session.list_images(*target, tags)
    except SwrError:
        return {}, {}  # optional: without it, other digests are other images
