"""Signatures equal the documented one, and those of the vendor's SDK for many requests."""

from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from swrhook.swr.auth.signing import AccessKey, canonical_request, compute_signature, sign

NOW = datetime(2019, 11, 15, 3, 36, 55, tzinfo=UTC)
STAMP = "20191115T033655Z"
SECRET = "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"
KEY = AccessKey("QTWAOYTTINDUT2QVKYUC", SECRET)
CANONICAL = """\
GET
/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs/
limit=2&marker=13551d6b-755d-4757-b956-536f674975c0
content-type:application/json
host:service.region.example.com
x-sdk-date:20191115T033655Z

content-type;host;x-sdk-date
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"""
TARGET = (
    "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?marker=13551d6b-755d-4757-b956-536f674975c0&limit=2"
)

# What a path and a query may hold once decoded; "/" separates segments, and "\+" means a space.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/?#+"))
HEADER = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


def test_the_documented_request_has_the_documented_signature() -> None:
    headers = {
        "Content-Type": "application/json",
        "Host": "service.region.example.com",
        "X-Sdk-Date": STAMP,
    }

    assert canonical_request("GET", TARGET, headers, b"") == CANONICAL
    assert (
        compute_signature(SECRET, STAMP, CANONICAL)
        == "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
    )


def test_a_signed_request_contains_every_signed_header() -> None:
    url = f"https://service.region.example.com{TARGET}"

    assert sign(KEY, "GET", url, {"Content-Type": "application/json"}, b"", NOW) == {
        "Content-Type": "application/json",
        "Host": "service.region.example.com",
        "X-Sdk-Date": STAMP,
        "Authorization": (
            "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-"
            "date, Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
        ),
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/repos/web$shop/tags", "/repos/web%24shop/tags"),
        ("/sync_job?filter=limit::10|offset::0", "/sync_job?filter=limit%3A%3A10%7Coffset%3A%3A0"),
        ("/tags?limit=2&offset=0", "/tags?offset=0&limit=2"),
        ("/tags", "/tags/"),
    ],
)
def test_equivalent_urls_have_the_same_signature(one: str, other: str) -> None:
    assert canonical_request("GET", one, {}, b"") == canonical_request("GET", other, {}, b"")


@given(
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    segments=st.lists(TEXT, max_size=4),
    query=st.lists(st.tuples(TEXT, TEXT), max_size=4),
    body=st.binary(max_size=100),
    secret=HEADER,
    security_token=st.none() | HEADER,
)
@example("GET", ["repos", "web$shop"], [("filter", "limit::1|offset::0")], b"", "s", None)
@settings(max_examples=100)
def test_the_vendors_sdk_computes_the_same_signature(
    method: str,
    segments: list[str],
    query: list[tuple[str, str]],
    body: bytes,
    secret: str,
    security_token: str | None,
) -> None:
    path = "/v2/" + "/".join(quote(segment, safe="$") for segment in segments)
    written = "&".join(f"{quote(name)}={quote(value, safe=':')}" for name, value in query)
    url = f"https://swr-api.example.com{path}" + (f"?{written}" if written else "")
    key = AccessKey("AK", secret, security_token)
    headers = {"Content-Type": "application/json", "X-Project-Id": "0123"}

    ours = sign(key, method, url, headers, body, NOW)

    theirs = SdkRequest(
        method=method,
        schema="https",
        host=urlsplit(url).netloc,
        resource_path=path,
        query_params=query,
        header_params={name: ours[name] for name in ours if name != "Authorization"},
        body=body,
    )
    signed = Signer(BasicCredentials("AK", secret, "0123")).sign(theirs)
    assert signed.header_params == ours
