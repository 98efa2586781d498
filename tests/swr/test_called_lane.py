import pytest

from swrhook.model import Lane, Target
from swrhook.swr import protocol
from swrhook.swr.called_lane import called_lane
from tests.swr.clients import LANE

REGION = LANE.source_region


@pytest.mark.parametrize(
    "lane",
    [LANE, Lane(REGION, "team", "web/shop/api", Target("cn-east-3", "other"), override=True)],
)
def test_the_lane_of_a_call_is_read_from_its_request(lane: Lane) -> None:
    path, body = protocol.sync_images_request(lane, ["v1", "v2"])

    assert called_lane(REGION, "POST", path, body) == lane


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/manage/namespaces/team/repos/web/sync_images"),
        ("POST", "/v3/auth/tokens?nocatalog=true"),
        ("POST", "/v2/manage/namespaces/team/repos/web/sync_repo"),
    ],
)
def test_other_requests_call_no_lane(method: str, path: str) -> None:
    assert called_lane(REGION, method, path, b"{}") is None
