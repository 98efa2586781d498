"""What a recording shows, and what it hides."""

import json
import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.senders.payload import Json
from swrhook.swr.http import Request
from swrhook.swr.pseudonyms import Pseudonyms
from swrhook.swr.recordings import IAM, Exchange
from swrhook.swr.redaction import HIDDEN
from tests.swr.clients import DIGEST, answer

REGION = "cn-north-4"
ORG = "/v2/manage/namespaces/acme"
REPO = f"{ORG}/repos/web$shop"


def exchange(
    path: str,
    content: object = None,
    *secrets: str,
    place: str = REGION,
    headers: Mapping[str, str] | None = None,
    pseudonyms: Pseudonyms | None = None,
) -> Exchange:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    response = answer(200, body, headers, *secrets)
    request = Request("GET", path, {"X-Auth-Token": "hidden-token"}, secrets=secrets)
    return (pseudonyms or Pseudonyms()).exchange(place, request, response)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (ORG, "/v2/manage/namespaces/org-1"),
        (f"{REPO}/tags/1.4", "/v2/manage/namespaces/org-1/repos/repo-1$part/tags/tag-1"),
        (f"{REPO}/tags/latest", "/v2/manage/namespaces/org-1/repos/repo-1$part/tags/latest"),
        (
            f"{REPO}/tags?tag=1.4&limit=10&offset=0",
            "/v2/manage/namespaces/org-1/repos/repo-1$part/tags?tag=tag-1&limit=10&offset=0",
        ),
        (f"{REPO}/sync_images", "/v2/manage/namespaces/org-1/repos/repo-1$part/sync_images"),
        ("/v2/manage/repos?namespace=acme&limit=1", "/v2/manage/repos?namespace=org-1&limit=1"),
        ("/v2/manage/regions", "/v2/manage/regions"),
        ("/v3/projects?name=cn-north-4_acme", "/v3/projects?name=account-1"),
    ],
)
def test_a_path_has_pseudonyms(path: str, expected: str) -> None:
    assert exchange(path).path == expected


def test_a_name_has_the_same_pseudonym_everywhere() -> None:
    pseudonyms = Pseudonyms()
    exchange(f"{REPO}/tags/1.4", pseudonyms=pseudonyms)
    listed = exchange(
        "/v2/manage/repos?namespace=acme",
        [
            {"namespace": "acme", "name": "web/shop", "tags": ["1.4", "1.5"]},
            {"namespace": "other", "name": "api", "tags": []},
        ],
        pseudonyms=pseudonyms,
    )

    assert listed.body == [
        {"namespace": "org-1", "name": "repo-1/part", "tags": ["tag-1", "tag-2"]},
        {"namespace": "org-2", "name": "repo-2", "tags": []},
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"status": "success", "createdAt": "2026-01-02T03:04:05Z", "id": 7, "override": True},)
        * 2,
        (
            {"remoteRegionId": "cn-east-3", "Tag": "1.4"},
            {"remoteRegionId": "cn-east-3", "Tag": "tag-1"},
        ),
        ({"Tag": "2026-01-02", "name": "2026-01"}, {"Tag": "tag-1", "name": "repo-2"}),
        (
            {"domainName": "acme", "syncOperatorName": "x"},
            {"domainName": HIDDEN, "syncOperatorName": HIDDEN},
        ),
        ({"path": "swr.cn-north-4.myhuaweicloud.com/acme/web:1"}, {"path": HIDDEN}),
        ({"labels": {"com.acme.team": "x"}}, {"labels": HIDDEN}),
        ({"description": "the shop of acme"}, {"description": HIDDEN}),
        (["1.4"], [HIDDEN]),
    ],
)
def test_a_body_keeps_its_structure(content: Json, expected: Json) -> None:
    assert exchange(f"{REPO}/x", content).body == expected


def test_names_in_a_message_are_replaced_too() -> None:
    message = "organization acme has no web/shop; request 0123456789abcdef0123456789abcdef"
    body = [{"errorCode": "SVCSTG.SWR.4040010", "errorMessage": message}]

    assert exchange(f"{REPO}/tags", body).body == [
        {
            "errorCode": "SVCSTG.SWR.4040010",
            "errorMessage": f"organization org-1 has no repo-1/part; request {HIDDEN}",
        }
    ]


def test_an_echoed_request_has_no_names() -> None:
    message = "verify aksk signature fail,canonicalRequest:GET /acme/repos/web%24shop/tags/ 1.4"

    assert exchange(f"{REPO}/tags/1.4", {"error_msg": message}).body == {
        "error_msg": "verify aksk signature fail,canonicalRequest:"
        "GET /org-1/repos/repo-1/part/tags/ tag-1"
    }


# Words that no structure, pseudonym or public name contains.
_WORD = st.text("qxzj", min_size=8, max_size=12)
_NAMES = st.sampled_from(
    [
        *("name", "namespace", "repoName", "Tag", "tag", "tags", "path", "domain_name", "logo"),
        *("creator_name", "unknown", "annotations", "labels", "manifest", "url", "digest"),
    ]
)
_CONTENTS = st.recursive(
    _WORD | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(content=_CONTENTS, org=_WORD, repository=_WORD)
def test_no_word_of_a_body_or_a_path_is_left(content: Json, org: str, repository: str) -> None:
    path = f"/v2/manage/namespaces/{org}/repos/{repository}/tags"
    shown = exchange(path, content)

    assert not re.search("[qxzj]{8}", repr(shown))


@given(secret=st.text(min_size=12, max_size=40), before=st.text(max_size=20))
def test_no_secret_is_left_in_any_message(secret: str, before: str) -> None:
    body = {"message": f"{before} {secret} after", "code": secret, "status": secret}
    shown = exchange("/v3/auth/tokens", body, secret, place=IAM)

    assert isinstance(shown.body, dict)
    assert secret not in shown.body.values()
    assert not any(secret in str(value) for value in shown.body.values())


def test_digests_stay_comparable_in_one_recording_only() -> None:
    pseudonyms = Pseudonyms()
    first = exchange(f"{REPO}/x", {"digest": DIGEST}, pseudonyms=pseudonyms).body
    manifest = json.dumps({"mediaType": "x/y", "manifests": [{"digest": DIGEST, "size": 3}]})
    second = exchange(f"{REPO}/x", {"manifest": manifest}, pseudonyms=pseudonyms).body
    other = exchange(f"{REPO}/x", {"digest": DIGEST}).body

    assert isinstance(first, dict)
    assert isinstance(second, dict)
    [part] = json.loads(str(second["manifest"]))["manifests"]
    assert part == {"digest": first["digest"], "size": 3}
    assert first["digest"] not in (DIGEST, other["digest"] if isinstance(other, dict) else None)


def test_no_secret_and_no_header_of_the_request_is_shown() -> None:
    headers = {
        "x-subject-token": "MII-secret-token",
        "set-cookie": "secret",
        "via": "proxy secret-key",
        "content-type": "application/json",
    }
    shown = exchange(
        "/v3/auth/tokens", {"message": "got secret-key"}, "secret-key", place=IAM, headers=headers
    )

    assert "secret" not in repr(shown)
    assert shown.headers == {"content-type": "application/json", "via": f"proxy {HIDDEN}"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"<html>no acme here</html>", "<html>no org-1 here</html>"), (b"", ""), (b"null", None)],
)
def test_a_body_that_is_not_json_is_a_text(body: bytes, expected: Json) -> None:
    assert exchange(ORG, body).body == expected
