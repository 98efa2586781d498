"""Tests of the simulator with the vendor's own SDK and an access key."""

from collections.abc import Iterator

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkswr import v2

from swrhook.simulator import RunningSimulator, start
from swrhook.simulator.iam_app import project_id
from swrhook.simulator.model import DEMO

REGION, TARGET = "cn-north-4", "cn-east-3"
PLACE = {"namespace": "group", "repository": "web$shop"}


@pytest.fixture
def sim() -> Iterator[RunningSimulator]:
    # The SDK signs with the machine's own clock.
    with start([REGION, TARGET], delay=0) as running:
        running.state.seed(REGION, "group", "web/shop", "v1")
        yield running


def client(sim: RunningSimulator, secret: str = DEMO.key.secret) -> v2.SwrClient:
    credentials = BasicCredentials(DEMO.key.access, secret, project_id(REGION))
    config = HttpConfig.get_default_config()
    builder = v2.SwrClient.new_builder().with_http_config(config).with_credentials(credentials)
    return builder.with_endpoint(sim.endpoints[REGION]).build()


def test_images_are_synchronized(sim: RunningSimulator) -> None:
    swr = client(sim)
    body = v2.CreateManualImageSyncRepoRequestBody(["v1"], False, "group", TARGET)  # noqa: FBT003
    swr.create_manual_image_sync_repo(v2.CreateManualImageSyncRepoRequest(**PLACE, body=body))

    digest = sim.state.digest(TARGET, "group", "web/shop", "v1")
    assert digest == swr.show_repo_tag(v2.ShowRepoTagRequest(**PLACE, tag="v1")).digest
    [listed] = swr.list_repository_tags(
        v2.ListRepositoryTagsRequest(**PLACE, limit="10", offset="0")
    ).body
    assert (listed.tag, listed.digest) == ("v1", digest)
    [job] = swr.show_sync_job(
        v2.ShowSyncJobRequest(**PLACE, filter="limit::10|offset::0|order::desc")
    ).body
    assert (job.tag, job.status, job.remote_region_id) == ("v1", "success", TARGET)


def test_automatic_synchronization_is_created_listed_and_deleted(sim: RunningSimulator) -> None:
    swr = client(sim)
    creation = v2.CreateImageSyncRepoRequestBody(TARGET, "group", True, False)  # noqa: FBT003
    listing = v2.ListImageAutoSyncReposDetailsRequest(**PLACE)
    deletion = v2.DeleteImageSyncRepoRequest(
        **PLACE, body=v2.DeleteImageSyncRepoRequestBody(TARGET, "group")
    )

    swr.create_image_sync_repo(v2.CreateImageSyncRepoRequest(**PLACE, body=creation))
    [rule] = swr.list_image_auto_sync_repos_details(listing).body
    assert (
        rule.remote_region_id,
        rule.remote_namespace,
        rule.sync_auto,
        rule.repo_name,
    ) == (TARGET, "group", True, "web/shop")

    swr.delete_image_sync_repo(deletion)
    # The SDK turns an empty list into None.
    assert swr.list_image_auto_sync_repos_details(listing).body is None


def test_repositories_are_created_and_deleted(sim: RunningSimulator) -> None:
    swr = client(sim)
    body = v2.CreateRepoRequestBody("team/empty", is_public=False, category="linux")
    swr.create_repo(v2.CreateRepoRequest("group", body))
    place = {"namespace": "group", "repository": "team$empty"}

    assert swr.show_repository(v2.ShowRepositoryRequest(**place)).num_images == 0
    with pytest.raises(ClientRequestException) as again:
        swr.create_repo(v2.CreateRepoRequest("group", body))
    swr.delete_repo(v2.DeleteRepoRequest(**place))
    with pytest.raises(ClientRequestException) as gone:
        swr.show_repository(v2.ShowRepositoryRequest(**place))
    assert (again.value.status_code, gone.value.status_code) == (409, 404)


def test_tags_are_copied_and_deleted(sim: RunningSimulator) -> None:
    swr = client(sim)
    body = v2.CreateRepoTagRequestBody("v1", "stable", override=False)
    swr.create_repo_tag(v2.CreateRepoTagRequest(**PLACE, body=body))
    original = sim.state.digest(REGION, "group", "web/shop", "v1")

    assert original == swr.show_repo_tag(v2.ShowRepoTagRequest(**PLACE, tag="stable")).digest
    swr.delete_repo_tag(v2.DeleteRepoTagRequest(**PLACE, tag="v1"))
    remaining = swr.list_repository_tags(v2.ListRepositoryTagsRequest(**PLACE)).body
    assert [tag.tag for tag in remaining] == ["stable"]


def test_organizations_are_created_up_to_the_quota(sim: RunningSimulator) -> None:
    swr = client(sim)
    for number in range(4):
        body = v2.CreateNamespaceRequestBody(f"team-{number}")
        swr.create_namespace(v2.CreateNamespaceRequest(body))
    [quota] = swr.list_quotas(v2.ListQuotasRequest()).quotas

    assert (quota.quota_limit, quota.used) == (5, 5)
    for name in ("team-5", "library"):
        with pytest.raises(ClientRequestException) as caught:
            swr.create_namespace(v2.CreateNamespaceRequest(v2.CreateNamespaceRequestBody(name)))
        assert caught.value.status_code == 400


def test_a_limit_without_an_offset_is_ignored(sim: RunningSimulator) -> None:
    sim.state.seed(REGION, "group", "web/shop", "v2")
    swr = client(sim)

    assert len(swr.list_repository_tags(v2.ListRepositoryTagsRequest(**PLACE, limit="1")).body) == 2


def test_a_wrong_secret_is_refused(sim: RunningSimulator) -> None:
    with pytest.raises(ClientRequestException) as caught:
        client(sim, "wrong").show_repo_tag(v2.ShowRepoTagRequest(**PLACE, tag="v1"))

    assert (caught.value.status_code, caught.value.error_code) == (401, "APIGW.0301")
