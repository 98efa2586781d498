"""A lane as a job of Procrastinate, and back."""

from datetime import datetime
from typing import Any

from procrastinate.jobs import Job
from procrastinate.types import JSONDict

from swrhook.model import Lane, Target

QUEUE = "lanes"
RUN, FALL_DUE = "run_lane", "fall_due"


def run_job(lane: Lane) -> Job:
    """Return the job that runs a lane, under its lock."""
    return Job(
        id=None,
        queue=QUEUE,
        lock=lane.key,
        queueing_lock=None,
        task_name=RUN,
        task_kwargs=_arguments(lane),
    )


def timed_job(lane: Lane, at: datetime) -> Job:
    """Return the job that defers the other one at a time; only one for each time can wait."""
    return Job(
        id=None,
        queue=QUEUE,
        lock=None,
        queueing_lock=f"{lane.key}@{at.isoformat()}",
        task_name=FALL_DUE,
        task_kwargs={**_arguments(lane), "at": at.isoformat()},
        scheduled_at=at,
    )


def _arguments(lane: Lane) -> JSONDict:
    return {
        "lane": lane.key,
        "source_region": lane.source_region,
        "namespace": lane.namespace,
        "repository": lane.repository,
        "target_region": lane.target.region,
        "target_namespace": lane.target.namespace,
        "override": lane.override,
    }


def lane_of(arguments: Any) -> Lane:  # noqa: ANN401  # JSON
    """Read the lane from a job's arguments."""
    return Lane(
        arguments["source_region"],
        arguments["namespace"],
        arguments["repository"],
        Target(arguments["target_region"], arguments["target_namespace"]),
        arguments["override"],
    )
