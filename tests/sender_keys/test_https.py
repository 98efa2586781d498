"""A GET is complete, small, in time, over HTTPS and at the requested URL; or it is an error."""

from dataclasses import replace

import pytest

from swrhook.errors import FetchFailed
from swrhook.sender_keys.https import MAX_BODY_BYTES, HttpsSettings, https_get, no_proxies
from tests.sender_keys.loopback import Loopback, Reply

URL = "https://issuer.example.com/a?token=sesame"
TARGET = "https://keys.example.com/b"


def test_the_whole_body_is_returned(loopback: Loopback, settings: HttpsSettings) -> None:
    loopback.answers[URL] = Reply(b"x" * MAX_BODY_BYTES)

    assert https_get(URL, settings) == b"x" * MAX_BODY_BYTES
    assert loopback.asked == [URL]


def test_a_request_has_only_the_necessary_headers(
    loopback: Loopback, settings: HttpsSettings
) -> None:
    loopback.answers[URL] = Reply(b"x")
    https_get(URL, settings)

    assert set(loopback.headers[0]) == {"Host", "User-Agent", "Accept-Encoding"}
    assert loopback.headers[0]["User-Agent"] == "swrhook"


@pytest.mark.parametrize("status", [201, 204, 304, 400, 403, 404, 429, 500, 503])
def test_any_status_but_200_is_an_error(
    loopback: Loopback, settings: HttpsSettings, status: int
) -> None:
    loopback.answers[URL] = Reply(b"", status)
    with pytest.raises(FetchFailed, match=rf"^issuer\.example\.com: status {status}$"):
        https_get(URL, settings)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(
    loopback: Loopback, settings: HttpsSettings, status: int
) -> None:
    loopback.answers[URL] = Reply(b"", status, {"Location": TARGET})
    loopback.answers[TARGET] = Reply(b"x")
    with pytest.raises(FetchFailed):
        https_get(URL, settings)

    assert loopback.asked == [URL]


def test_a_body_over_the_limit_is_refused(loopback: Loopback, settings: HttpsSettings) -> None:
    loopback.answers[URL] = Reply(b"x" * (MAX_BODY_BYTES + 1))
    with pytest.raises(FetchFailed, match="is larger than 262144 bytes"):
        https_get(URL, settings)


def test_an_unrequested_compression_is_not_decoded(
    loopback: Loopback, settings: HttpsSettings
) -> None:
    loopback.answers[URL] = Reply(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    assert https_get(URL, settings) == b"\x1f\x8b"


def test_a_late_response_is_an_error(loopback: Loopback, settings: HttpsSettings) -> None:
    loopback.answers[URL] = Reply(b"x", delay=0.5)
    with pytest.raises(FetchFailed, match="no answer in time"):
        https_get(URL, replace(settings, read_timeout=0.05))


def test_a_response_that_stops_midway_is_an_error(
    loopback: Loopback, settings: HttpsSettings
) -> None:
    loopback.answers[URL] = Reply(b"xx", pause=0.5)
    with pytest.raises(FetchFailed, match="no answer in time"):
        https_get(URL, replace(settings, read_timeout=0.1))


@pytest.mark.parametrize(
    "reply", [Reply(b"x" * 100_000, pause=0.02), Reply(header_pause=0.02)], ids=["body", "header"]
)
def test_a_slow_answer_is_cut_off_at_the_deadline(
    loopback: Loopback, settings: HttpsSettings, reply: Reply
) -> None:
    loopback.answers[URL] = reply
    with pytest.raises(FetchFailed, match="no answer in time"):
        https_get(URL, replace(settings, answer_timeout=0.3))


def test_a_truncated_body_is_an_error(loopback: Loopback, settings: HttpsSettings) -> None:
    loopback.answers[URL] = Reply(b"x", promised=1)
    with pytest.raises(FetchFailed, match="no connection, or it broke"):
        https_get(URL, settings)


def test_a_certificate_of_an_unknown_authority_is_refused(
    loopback: Loopback, settings: HttpsSettings
) -> None:
    with pytest.raises(FetchFailed, match="no TLS connection"):
        https_get(URL, replace(settings, certificates=None))

    assert loopback.asked == []


def test_a_certificate_for_another_host_is_refused(
    loopback: Loopback, settings: HttpsSettings
) -> None:
    with pytest.raises(FetchFailed, match=r"other\.example\.com: no TLS connection"):
        https_get("https://other.example.com/", settings)

    assert loopback.asked == []


@pytest.mark.parametrize("url", ["http://issuer.example.com/", "file:///etc/passwd", "", "x"])
def test_only_https_is_fetched(loopback: Loopback, settings: HttpsSettings, url: str) -> None:
    with pytest.raises(FetchFailed, match="only https is fetched"):
        https_get(url, settings)

    assert loopback.asked == []


def test_an_unreachable_host_is_an_error() -> None:
    assert no_proxies(URL) == {}
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.1: no connection"):
        https_get("https://127.0.0.1:1/", HttpsSettings())


@pytest.mark.parametrize("reply", [Reply(status=500), Reply(b"x", promised=1)])
def test_an_error_contains_no_query_and_has_no_cause(
    loopback: Loopback, settings: HttpsSettings, reply: Reply
) -> None:
    loopback.answers[URL] = reply
    with pytest.raises(FetchFailed) as caught:
        https_get(URL, settings)

    assert "sesame" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert caught.value.__cause__ is None
