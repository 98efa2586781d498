"""What no public source settles about SWR, and what a real account's answers say about it.

docs/swr.md has the same list, with what swrhook does until the answer is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from swrhook.swr.response import SwrResponse


class OpenFact(StrEnum):
    """The name of an open fact."""

    SHOW_TAG = "show-tag"
    LIST_DIGESTS = "list-digests"
    TAG_FILTER = "tag-filter"
    LIMIT_ALONE = "limit-alone"
    REGION_LIST = "region-list"
    AUTO_SYNCS = "auto-syncs"
    ERRORS = "errors"
    UNKNOWN_OPERATION = "unknown-operation"
    RATE_HEADERS = "rate-headers"
    CALL_BODY = "call-body"
    MANUAL_JOBS = "manual-jobs"
    JOB_STATES = "job-states"
    ARRIVAL = "arrival"
    DIGEST = "digest"
    INDEX = "index"
    TARGET_REPOSITORY = "target-repository"
    MISSING_ORGANIZATION = "missing-organization"
    SAME_REGION = "same-region"
    LIMITS = "limits"


QUESTIONS: Mapping[OpenFact, str] = {
    OpenFact.SHOW_TAG: "Does the region have the operation that shows one tag (ShowRepoTag)?",
    OpenFact.LIST_DIGESTS: "Does the list of tags have the digest of every tag?",
    OpenFact.TAG_FILTER: "Does `tag=` in a list match parts of names?",
    OpenFact.LIMIT_ALONE: "Is a `limit` without an `offset` ignored?",
    OpenFact.REGION_LIST: "Does the region list the regions that it can synchronize to?",
    OpenFact.AUTO_SYNCS: "Can the credentials read SWR's own rules of automatic synchronization?",
    OpenFact.ERRORS: "Which status and code has a missing organization, repository or tag?",
    OpenFact.UNKNOWN_OPERATION: "What is the answer to an operation that does not exist?",
    OpenFact.RATE_HEADERS: "Does SWR say how fast it may be called?",
    OpenFact.CALL_BODY: "What does a 200 of sync_images contain?",
    OpenFact.MANUAL_JOBS: "Does `sync_job` list the jobs of sync_images?",
    OpenFact.JOB_STATES: "Which states does a job go through?",
    OpenFact.ARRIVAL: "How long does a tag take to the target?",
    OpenFact.DIGEST: "Has the tag the same digest at the target?",
    OpenFact.INDEX: "Is a multi-arch image copied as one, with its digest?",
    OpenFact.TARGET_REPOSITORY: "Does a sync create the target's repository?",
    OpenFact.MISSING_ORGANIZATION: "Is a missing target organization refused, or accepted?",
    OpenFact.SAME_REGION: "May a region synchronize to itself?",
    OpenFact.LIMITS: "How many requests, tags in a call and bytes in an image are allowed?",
}


_RATE_HEADERS = ("retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


def rate_headers(response: SwrResponse) -> str:
    """Return which headers of a response say how fast SWR may be called."""
    sent = [name for name in _RATE_HEADERS if name in response.headers]
    return ", ".join(sent) or "no header says so"


@dataclass(frozen=True, slots=True)
class FactAnswer:
    """What one region's answers say about an open fact."""

    fact: OpenFact
    region: str
    answer: str
