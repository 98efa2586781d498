"""Responses are parsed: shapes of errors, codes, Retry-After, and no secret in any message."""

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swrhook.errors import Kind, SwrError
from swrhook.swr import protocol, tags
from swrhook.swr.auth import password
from swrhook.swr.error_codes import classify
from swrhook.swr.response import MAX_MESSAGE_LENGTH, SwrResponse, read_error
from swrhook.wording.catalogues import Language, translations
from swrhook.wording.message import render
from tests.swr.clients import NOW, answer

TOKEN = "MIIabc" + "Ab0+/=-_" * 400
PASSWORD = 'P"ss w<rd&1/é'

SHAPES = [
    b'[{"errorCode":"SVCSTG.SWR.4001048","errorMessage":"Failed","detail":""}]',
    b'{"errors":[{"errorCode":"SVCSTG.SWR.4001048","errorMessage":"Failed"}]}',
    b'{"errorCode":"SVCSTG.SWR.4001048","errorMessage":"Failed"}',
    b'{"error_code":"SVCSTG.SWR.4001048","error_msg":"Failed","request_id":"d4e8"}',
    b'{"error":{"code":"SVCSTG.SWR.4001048","message":"Failed"}}',
    b'{"code":"SVCSTG.SWR.4001048","message":"Failed","requestId":"d4e8"}',
    b'\xef\xbb\xbf[{"errorCode":"SVCSTG.SWR.4001048","errorMsg":"Failed"}]',
]


@pytest.mark.parametrize("body", SHAPES)
def test_the_code_is_read_from_every_shape_of_error(body: bytes) -> None:
    error = read_error(answer(400, body))

    assert (error.code, error.kind) == ("SVCSTG.SWR.4001048", Kind.AUTHENTICATION)
    assert error.message.startswith("the token has expired, or SWR cannot read it: Failed")


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (
            401,
            b'{"error":{"message":"Unauthorized.","code":401,"title":"Unauthorized"}}',
            "HTTP.401",
            "Unauthorized.",
        ),
        (502, b"<html><h1>502 Bad Gateway</h1>nginx</html>", "HTTP.502", "502 Bad Gateway nginx"),
        (
            503,
            b"<html><head><title>503 Busy</title></head><body><h1>503 Busy</h1>nginx</body></html>",
            "HTTP.503",
            "503 Busy nginx",
        ),
        (503, b"<title>Down</title><p>until noon</p>", "HTTP.503", "Down until noon"),
        (504, b"", "HTTP.504", "Gateway Timeout"),
        (404, b"\xff\xfe", "HTTP.404", "\ufffd\ufffd"),
        (100, b"\x00", "HTTP.100", "Continue"),
        (400, b'{"errorMessage":"\\u0000","detail":"y"}', "HTTP.400", "y"),
        (500, b"[]", "HTTP.500", "Internal Server Error"),
        (599, b"{}", "HTTP.599", "status 599"),
        (400, b'{"errorCode":"no code","errorMessage":"x"}', "HTTP.400", "x"),
        (400, b'{"errorCode":7,"errorMessage":["x"],"detail":"y"}', "HTTP.400", "y"),
        (400, b'{"errors":[],"errorCode":"A.1"}', "A.1", "Bad Request"),
        (400, b'{"errors":["x"],"errorMessage":"y"}', "HTTP.400", "y"),
    ],
)
def test_a_response_without_a_code_is_classified_by_its_status(
    status: int, body: bytes, code: str, message: str
) -> None:
    error = read_error(answer(status, body))

    assert (error.code, error.message) == (code, message)


def test_the_message_ends_with_the_request_id() -> None:
    in_header = answer(500, b"{}", {"x-request-id": "abc-1"})
    in_body = answer(500, b'{"error_code":"A","error_msg":"no","request_id":"d4e8"}')
    neither = answer(500, b'{"error_msg":"no","request_id":"<b>"}')

    assert read_error(in_header).message == "Internal Server Error (request abc-1)"
    assert read_error(in_body).message == "no (request d4e8)"
    assert read_error(neither).message == "no"


def test_a_translation_quotes_what_the_service_said() -> None:
    known = read_error(answer(404, b'{"errorCode":"SVCSTG.SWR.4040058","errorMessage":"Gone"}'))
    unknown = read_error(answer(503, b"Busy"))
    chinese = translations(Language.CHINESE)

    assert known.message == "there is no such organization (yet): Gone"
    assert "原始消息“Gone”" in str(render(known.message, chinese))
    assert (unknown.message, render(unknown.message, chinese)) == ("Busy", "原始消息“Busy”")


def test_a_message_is_one_short_line() -> None:
    body = json.dumps({"error_msg": "a\r\nb\x00\u2028" + "c d " * 500}).encode()

    message = read_error(answer(400, body)).message

    assert message.startswith("a b c d")
    assert len(message) == MAX_MESSAGE_LENGTH + 1
    assert message.isprintable()


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://login.example/x?token=secret", "login.example"),
        ("/elsewhere", "another place on the same host"),
        ("http://[", "another place on the same host"),
    ],
)
def test_the_error_of_a_redirect_contains_only_the_host(location: str, named: str) -> None:
    error = read_error(answer(302, b"<html>", {"location": location}))

    assert (error.kind, error.code) == (Kind.TRANSIENT, "HTTP.302")
    assert f"redirected to {named}, which is not followed" == error.message


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("999999999", 3600.0),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30.0),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
        ("Fri, 02 Jan 9999 03:00:00 GMT", 3600.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 5000, None),
        ("soon", None),
    ],
)
def test_retry_after_is_read_as_seconds(value: str, seconds: float | None) -> None:
    assert read_error(answer(429, b"", {"retry-after": value})).retry_after == seconds


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.PERMANENT),
        (401, Kind.AUTHENTICATION),
        (403, Kind.CONFIGURATION),
        (404, Kind.NOT_YET),
        (405, Kind.CONFIGURATION),
        (408, Kind.TRANSIENT),
        (409, Kind.TRANSIENT),
        (413, Kind.PERMANENT),
        (429, Kind.THROTTLED),
        (494, Kind.PERMANENT),
        (500, Kind.TRANSIENT),
        (502, Kind.TRANSIENT),
        (507, Kind.CONFIGURATION),
        (302, Kind.TRANSIENT),
        (100, Kind.TRANSIENT),
    ],
)
def test_an_unknown_code_is_classified_by_the_status(status: int, kind: Kind) -> None:
    assert classify("SVCSTG.SWR.0000000", status)[0] is kind


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "SVCSTG.SWR.4001048", Kind.AUTHENTICATION),
        (400, "SVCSTG.SWR.4000014", Kind.PERMANENT),
        (400, "SVCSTG.SWR.4001158", Kind.NOT_YET),
        (400, "SVCSTG.SWR.4000097", Kind.CONFIGURATION),
        (401, "SVCSTG.SWR.4010000", Kind.AUTHENTICATION),
        (401, "SVCSTG.SWR.4011064", Kind.CONFIGURATION),
        (403, "SVCSTG.SWR.4031032", Kind.THROTTLED),
        (403, "SVCSTG.SWR.4031042", Kind.THROTTLED),
        (403, "SVCSTG.SWR.4039001", Kind.CONFIGURATION),
        (404, "SVCSTG.SWR.4040058", Kind.NOT_YET),
        (404, "SVCSTG.SWR.4041061", Kind.NOT_YET),
        (404, "SVCSTG.SWR.4040083", Kind.CONFIGURATION),
        (409, "SVCSTG.SWR.4090023", Kind.TRANSIENT),
        (409, "SVCSTG.SWR.4090006", Kind.PERMANENT),
        (500, "SVCSTG.SWR.5001101", Kind.TRANSIENT),
        (507, "SVCSTG.SWR.5070070", Kind.CONFIGURATION),
        (404, "APIGW.0101", Kind.CONFIGURATION),
        (502, "APIGW.0201", Kind.TRANSIENT),
        (413, "APIGW.0201", Kind.PERMANENT),
        (401, "APIGW.0307", Kind.AUTHENTICATION),
        (429, "APIGW.0308", Kind.THROTTLED),
        (401, "IAM.0061", Kind.AUTHENTICATION),
        (429, "IAM.0012", Kind.THROTTLED),
    ],
)
def test_a_known_code_takes_precedence_over_the_status(status: int, code: str, kind: Kind) -> None:
    assert classify(code, status)[0] is kind


def test_the_remedy_of_an_internal_error_mentions_the_target_region() -> None:
    body = b'[{"errorCode":"SVCSTG.SWR.5001101","errorMessage":"Internal error"}]'

    assert "correct the target region" in read_error(answer(500, body)).remedy


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"error_code": "APIGW.0301", "error_msg": f"fail,{TOKEN}|{PASSWORD}"}).encode(),
        json.dumps({"error_code": "short-pw", "error_msg": "x"}).encode(),
        json.dumps({"error_msg": "x", "request_id": "short-pw"}).encode(),
        f"<p>{TOKEN}</p><p>P&quot;ss w&lt;rd&amp;1/é short-pw".encode(),
        f"?password=P%22ss%20w%3Crd%261%2F%C3%A9 {PASSWORD}".encode(),
        f"{TOKEN[:1000]}".encode(),
    ],
)
def test_an_error_contains_no_secret_in_any_encoding(body: bytes) -> None:
    headers = {"x-request-id": "short-pw", "location": "http://short-pw/"}
    for status in (302, 400, 401, 500):
        error = read_error(answer(status, body, headers, TOKEN, PASSWORD, "short-pw"))

        text = f"{error}{error.code}{error.message}{error.remedy}{error!r}"
        for secret in (TOKEN, TOKEN[50:150], PASSWORD, "ss w", "ss%20w", "short-pw"):
            assert secret not in text


def test_the_repr_of_a_response_contains_no_secret() -> None:
    response = SwrResponse(200, {"x-subject-token": TOKEN}, TOKEN.encode(), NOW, (TOKEN,))

    assert TOKEN not in repr(response)


READERS: list[Callable[[SwrResponse], object]] = [
    read_error,
    password.read_token,
    protocol.read_organization,
    protocol.read_region_info,
    protocol.read_sync_jobs,
    tags.read_tag_page,
    protocol.refuses_credential,
    lambda read: protocol.read_repositories(read, "group"),
    lambda read: tags.read_digest(read, "v1"),
    lambda read: protocol.check_triggered(read, ["v1"]),
]


def outcome(reader: Callable[[SwrResponse], object], read: SwrResponse) -> SwrError | None:
    """The error that a reader raises; any but SwrError fails the test."""
    try:
        reader(read)
    except SwrError as error:
        return error
    return None


NAMES = ["retry-after", "date", "content-range", "location", "x-request-id", "x-subject-token"]
KEYS = [
    *["errors", "error", "errorCode", "error_code", "code", "message", "error_msg", "request_id"],
    *["tag", "Tag", "digest", "name", "status", "token", "expires_at", "issued_at", "createdAt"],
    *["remoteRegionId", "remoteNamespace", "regionID", "namespace", "auth"],
]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["v1", "sha256:" + "0" * 64, "2026-01-02T03:04:05Z", "0001-01-01T00:00+23:59"]),
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=12,
).map(lambda document: json.dumps(document).encode())
DATES = st.datetimes().map(lambda when: when.strftime("%a, %d %b %Y %H:%M:%S GMT"))


@given(
    status=st.integers(100, 999),
    headers=st.dictionaries(st.sampled_from(NAMES), st.one_of(st.text(), DATES)),
    body=st.one_of(st.binary(), DOCUMENTS),
)
@example(status=100, headers={}, body=b"\x00")
@example(status=400, headers={}, body=b'{"error_msg":"\\u0000"}')
def test_any_response_gives_a_value_or_an_error_with_a_message(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    errors = [outcome(reader, answer(status, body, headers)) for reader in READERS]

    for error in filter(None, errors):
        assert error.message
        assert len(error.message) < MAX_MESSAGE_LENGTH + 100
        assert error.retry_after is None or 0 <= error.retry_after <= 3600


@given(
    before=st.text(max_size=50),
    after=st.text(max_size=50),
    status=st.sampled_from([400, 401, 500]),
)
def test_an_error_never_contains_a_secret(before: str, after: str, status: int) -> None:
    secret = "Tr0ub4dor&3"
    for written in (before + secret + after, json.dumps({"error_msg": before + secret + after})):
        error = read_error(answer(status, written.encode("utf-8", "replace"), {}, secret))

        assert secret not in str(error)
