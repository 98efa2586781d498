"""Requests for tags and the parsing of responses, by the SWR API reference."""

import json

import pytest

from swrhook.errors import Kind, SwrError, TagNotShown
from swrhook.swr import tags
from tests.swr.clients import DIGEST, NO_TAG, answer

NO_ORGANIZATION = b'[{"errorCode":"SVCSTG.SWR.4041061","errorMessage":"The organization"}]'
OTHER = "sha256:" + "0b" * 32


def test_the_digest_of_one_tag_is_read() -> None:
    body = json.dumps({"id": 1, "tag": "v1", "digest": DIGEST, "tag_type": 0}).encode()

    assert tags.read_digest(answer(200, body), "v1") == DIGEST


@pytest.mark.parametrize("body", [NO_TAG, NO_ORGANIZATION])
def test_a_missing_tag_has_no_digest(body: bytes) -> None:
    assert tags.read_digest(answer(404, body), "v1") is None


@pytest.mark.parametrize(
    ("status", "body", "lacks_operation"),
    [
        (404, b"", False),
        (404, b"404 page not found", False),
        (404, b"<html>404 Not Found</html>", False),
        (404, b'[{"errorCode":"SVCSTG.SWR.4049999","errorMessage":"who knows"}]', False),
        (405, b"", True),
        (404, b'{"error_code":"APIGW.0101","error_msg":"The API does not exist"}', True),
        (404, b'[{"errorCode":"SVCSTG.SWR.4040083","errorMessage":"The URL"}]', True),
    ],
)
def test_an_absence_that_is_not_swrs_own_is_left_to_the_list(
    status: int, body: bytes, *, lacks_operation: bool
) -> None:
    with pytest.raises(TagNotShown) as caught:
        tags.read_digest(answer(status, body), "v1")

    assert (caught.value.kind, caught.value.lacks_operation) == (
        Kind.CONFIGURATION,
        lacks_operation,
    )


@pytest.mark.parametrize("status", [401, 403, 500])
def test_another_error_is_not_left_to_the_list(status: int) -> None:
    with pytest.raises(SwrError) as caught:
        tags.read_digest(answer(status), "v1")

    assert not isinstance(caught.value, TagNotShown)


@pytest.mark.parametrize("body", [b'{"tag":"v1"}', b'{"tag":"v1","digest":"sha256:00"}'])
def test_a_tag_without_its_digest_is_left_to_the_list(body: bytes) -> None:
    with pytest.raises(TagNotShown) as caught:
        tags.read_digest(answer(200, body), "v1")

    assert caught.value.code == "no_digest"


@pytest.mark.parametrize(
    "body",
    [
        b'{"tag":"v2","digest":"sha256:00"}',
        b"[]",
        b"",
    ],
)
def test_a_response_about_no_such_tag_is_an_error(body: bytes) -> None:
    with pytest.raises(SwrError) as caught:
        tags.read_digest(answer(200, body), "v1")

    assert (caught.value.kind, caught.value.code) == (Kind.TRANSIENT, "protocol")


def test_a_page_of_tags_is_read_without_its_malformed_elements() -> None:
    listed = [{"Tag": "v1", "digest": DIGEST}, {"Tag": "v2"}, {"tag": "v3", "digest": DIGEST}, 7]

    page = tags.read_tag_page(answer(200, json.dumps(listed).encode(), {"content-range": "0-4/37"}))

    assert tags.TagPage({"v1": DIGEST, "v2": None}, 4, 37) == page


def test_an_empty_page_may_be_null_and_a_missing_repository_has_none() -> None:
    assert tags.TagPage({}, 0, None) == tags.read_tag_page(answer(200, b"null"))
    assert tags.read_tag_page(answer(404, NO_TAG)) is None
    with pytest.raises(SwrError, match="it is not a list"):
        tags.read_tag_page(answer(200, b'{"tags":[]}'))


def image(architecture: str, value: str, **platform: str) -> object:
    return {
        "digest": value,
        "platform": {"os": "linux", "architecture": architecture} | platform,
    }


def test_the_images_of_an_index_are_read_without_its_attestations() -> None:
    manifest = {
        "manifests": [
            image("amd64", DIGEST),
            image("arm", OTHER, variant="v7"),
            image("unknown", OTHER, os="unknown"),
            {"digest": OTHER},
            7,
        ]
    }
    listed = [
        {"Tag": "v1", "digest": DIGEST, "manifest": json.dumps(manifest)},
        {"Tag": "v2", "digest": DIGEST, "manifest": json.dumps({"config": {"digest": OTHER}})},
        {"Tag": "v3", "digest": DIGEST, "manifest": "{"},
        {"Tag": "v4", "digest": DIGEST},
        {"Tag": "v5", "digest": DIGEST, "manifest": "[7]"},
        {"Tag": "v6", "digest": DIGEST, "manifest": json.dumps(manifest), "tag_type": 0},
    ]

    page = tags.read_tag_page(answer(200, json.dumps(listed).encode()), with_images=True)

    assert page is not None
    images = {f"linux/amd64 {DIGEST}", f"linux/arm/v7 {OTHER}"}
    assert page.images == {"v1": images}
