"""What SWR shows about a triggered sync beside the digests at source and target."""

from dataclasses import dataclass
from datetime import datetime

from swrhook.model import Sync, Target
from swrhook.syncs.backoff import Verify
from swrhook.wording.message import say

# The states of SWR's own sync job that mean: it ended, and the tag is not at the target.
FAILED_JOBS = frozenset({"failed", "timeout", "cancel"})
SUCCEEDED_JOB = "success"
# The states in which it is not done yet. A large image takes long.
EXISTED_JOB = "existed"
RUNNING_JOBS = frozenset({"waiting", "running"})


@dataclass(frozen=True, slots=True)
class IndexComparison:
    """Whether a multi-arch tag has the same images at source and target, and what was compared."""

    is_same: bool
    summary: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What SWR shows about a `triggered` sync, beside the digests.

    `job` is the state of SWR's own job for the tag, `job_updated_at` when the job changed last, and
    `index` the comparison of a multi-arch image; each is None if unknown.
    """

    job: str | None = None
    job_updated_at: datetime | None = None
    index: IndexComparison | None = None

    def is_overdue(self, sync: Sync, verify: Verify, now: datetime) -> bool:
        """Return whether a tag should be at its target by now.

        SWR's own news extend the deadline: a job that is not done yet, or was done just now.
        """
        since = sync.verifying_since or now
        if self.job in RUNNING_JOBS:
            return now - since >= verify.longest
        if self.job == SUCCEEDED_JOB and self.job_updated_at is not None:
            since = max(since, min(self.job_updated_at, now))
        return now - since >= verify.deadline

    def describe_wait(self, target: Target, digest: str | None) -> str:
        """Return why a sync waits for its target, which holds this digest."""
        place = str(target)
        reason = say("not at %(target)s yet", target=place)
        if digest is not None:
            reason = say("still an older digest at %(target)s", target=place)
        if self.job not in RUNNING_JOBS:
            return reason
        return say("%(reason)s: SWR's job is %(state)s", reason=reason, state=self.job)


NO_EVIDENCE = Evidence()
