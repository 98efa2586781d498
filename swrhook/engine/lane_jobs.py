"""Lanes as Procrastinate's jobs: one kind runs a lane, the other queues such a job at a time.

The job that runs a lane has the lane as its lock, so a lane never runs twice at the same time. A
job that is not due yet must not have it: it would block the lane until then.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from procrastinate.jobs import Job

from swrhook.ledger.rows import from_lane
from swrhook.model import Lane

QUEUE = "lanes"
_job = partial(Job, id=None, queue=QUEUE)
RUN, PROMOTE = "run_lane", "promote_lane"


def run_job(lane: Lane) -> Job:
    """Return the job that runs a lane. Its arguments are a row of the lane's columns."""
    arguments = {"lane": lane.key, **from_lane(lane)}
    return _job(lock=lane.key, queueing_lock=None, task_name=RUN, task_kwargs=arguments)


def promote_job(lane: Lane, at: datetime) -> Job:
    """Return the job that queues a run job at a time. Of several for one time, one is queued."""
    return _job(
        lock=None,
        queueing_lock=f"{lane.key}@{at.isoformat()}",
        task_name=PROMOTE,
        task_kwargs={"lane": lane.key, **from_lane(lane), "at": at.isoformat()},
        scheduled_at=at,
    )


def time_of(arguments: Mapping[str, Any]) -> datetime:
    """Return the time of a promote job's arguments."""
    return datetime.fromisoformat(arguments["at"])
