"""A simulator of Huawei IAM and any number of SWR regions, on loopback.

    with start(["cn-north-4", "cn-east-3"]) as simulator:
        simulator.state.seed("cn-north-4", "group", "busybox", "v1")
        requests.post(simulator.endpoints["cn-north-4"] + "/v2/manage/…")

It is as strict as the documentation of the real services allows, and injects faults on request
(faults.py). All its state is in one `State`; nothing is written to disk.
"""

from swrhook.simulator.launcher import RunningSimulator, start
from swrhook.simulator.model import Call, Fault, Scenario, Settings, SyncJob, User
from swrhook.simulator.scenario import ScenarioError

__all__ = [
    "Call",
    "Fault",
    "RunningSimulator",
    "Scenario",
    "ScenarioError",
    "Settings",
    "SyncJob",
    "User",
    "start",
]
