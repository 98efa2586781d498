"""The faults of the soak test: temporary ones of every kind, all at once."""

from collections.abc import Sequence
from typing import Any

from swrhook.simulator import Fault
from swrhook.simulator.model import IAM

# Faults of any call; each has an equal part of the share.
_CALLS: Sequence[dict[str, Any]] = (
    {"name": "hang", "connection": "hang"},
    {"name": "reset", "connection": "reset"},
    {"name": "reset midway", "connection": "reset_midway"},
    {"name": "cut short", "connection": "cut_short"},
    {"name": "byte by byte", "connection": "drip", "pause": 0.0001, "limit": 1.0},
    {"name": "pause", "delay": 0.2},
    {"name": "502", "status": 502},
    {"name": "200 with unrelated HTML", "status": 200, "body": "<html>Welcome</html>"},
    {"name": "500", "error": "APIGW.0601"},
    {"name": "500 of SWR", "error": "SVCSTG.SWR.5000021", "error_shape": "object"},
    {"name": "token refused", "error": "APIGW.0307"},
)
# Each of these halves the rate limit of a region, which recovers slowly: they are rare.
_THROTTLING: Sequence[dict[str, Any]] = (
    {"name": "429", "error": "APIGW.0308"},
    {"name": "429 with Retry-After", "error": "APIGW.0308", "headers": {"Retry-After": "1"}},
    {"name": "throttled as 403", "error": "SVCSTG.SWR.4031042"},
    {"name": "busy as 409", "error": "SVCSTG.SWR.4090023"},
    {"name": "503", "status": 503, "headers": {"Retry-After": "1"}},
)
_THROTTLED = 0.005
_LOGINS: Sequence[dict[str, Any]] = (
    *(fault for fault in _CALLS if "error" not in fault),
    {"name": "throttled", "error": "IAM.0012"},
    {"name": "500 of IAM", "error": "IAM.0006"},
)
# Faults of sync_images alone: lost answers, failed tags, and jobs.
_SYNCS: Sequence[dict[str, Any]] = (
    {"name": "done, then reset", "effect": "accepted", "connection": "reset"},
    {"name": "done, then 502", "effect": "accepted", "status": 502},
    {"name": "200 with an empty body", "accepted_body": "nothing"},
    {"name": "some tags failed", "failed_tags": ("*",)},
    {"name": "some tags failed as 200", "failed_tags": ("*",), "status": 200},
    {"name": "job failed", "job": "failed"},
    {"name": "job timeout", "job": "timeout"},
    {"name": "job cancel", "job": "cancel"},
    {"name": "job failed and hidden", "job": "failed", "job_shown": "hidden"},
    {"name": "job hidden", "job_shown": "hidden"},
    {"name": "job late", "job_delay": 2.0},
)
# All tokens of all regions are revoked before these requests.
_REVOCATIONS = (500, 5000)


def soak_faults(share: float) -> Sequence[Fault]:
    """Return faults that hit about this share of all calls and of all tags of sync_images."""
    return [
        *(Fault(share=share / len(_CALLS), **fault) for fault in _CALLS),
        *(Fault(share=_THROTTLED / len(_THROTTLING), **fault) for fault in _THROTTLING),
        *(
            Fault(region=IAM, operation="tokens", share=share / len(_LOGINS), **fault)
            for fault in _LOGINS
        ),
        *(Fault(operation="sync_images", share=share / len(_SYNCS), **f) for f in _SYNCS),
        *(Fault(name="tokens revoked", token_kill=True, nth=number) for number in _REVOCATIONS),
    ]
