"""The client's address behind proxies, and the senders' allow_from."""

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from werkzeug.test import TestResponse

from swrhook.web.client_address import resolve_client
from tests.web.harness import SECRET, WebHarness

PROXIES = [ip_network(text) for text in ("10.0.0.0/8", "2001:db8:1::/48")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),  # an untrusted peer may forge the header
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.9", "198.51.100.9"),  # the left one may be forged
        ("10.0.0.1", "203.0.113.5, 198.51.100.9,10.9.9.9 , 10.8.8.8", "198.51.100.9"),
        ("10.0.0.1", "10.7.7.7, 10.9.9.9", "10.7.7.7"),
        ("10.0.0.1", "198.51.100.9:4711", "198.51.100.9"),
        ("10.0.0.1", "[2001:db8::5]:4711", "2001:db8::5"),
        ("10.0.0.1", "[2001:db8::5]", "2001:db8::5"),
        ("2001:db8:1::1", "2001:db8::5", "2001:db8::5"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "198.51.100.9, unknown", None),
        ("10.0.0.1", "198.51.100.9,", None),
        ("10.0.0.1", "198.51.100.9, 010.1.1.1", None),
        ("", "198.51.100.9", None),
        ("a unix socket", "198.51.100.9", None),
    ],
)
def test_the_client_is_the_nearest_untrusted_address(
    peer: str, forwarded: str, client: str | None
) -> None:
    expected = None if client is None else ip_address(client)

    assert expected == resolve_client(peer, forwarded, PROXIES)


def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    assert ip_address("10.0.0.1") == resolve_client("10.0.0.1", "198.51.100.9", [])


@pytest.fixture
def fenced(harness: WebHarness) -> WebHarness:
    """Parts whose only sender accepts deliveries from two networks, behind a proxy."""
    allowed = (IPv4Network("192.0.2.0/24"), IPv6Network("2001:db8::/64"))
    ci = replace(harness.config.senders["ci"], allow_from=allowed)
    options = replace(harness.config.options, trusted_proxies=(IPv4Network("10.0.0.0/8"),))
    harness.config = replace(harness.config, senders={"ci": ci}, options=options)
    return harness


def deliver(
    harness: WebHarness, peer: str, *forwarded: str, secret: str = SECRET, sender: str = "ci"
) -> TestResponse:
    headers = [("Authorization", f"Bearer {secret}")]
    headers += [("X-Forwarded-For", hop) for hop in forwarded]
    return harness.client(token=None).post(
        f"/hooks/{sender}",
        json={"image": "team/app:v1"},
        headers=headers,
        environ_overrides={"REMOTE_ADDR": peer},
    )


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [
        ("192.0.2.255", ()),
        ("::ffff:192.0.2.7", ()),
        ("2001:db8::7", ()),
        ("10.0.0.1", ("192.0.2.7",)),
        ("10.0.0.1", ("203.0.113.5", "192.0.2.7")),
    ],
)
def test_an_allowed_address_can_deliver(
    fenced: WebHarness, peer: str, forwarded: tuple[str, ...]
) -> None:
    assert deliver(fenced, peer, *forwarded).status_code == 202


@pytest.mark.parametrize(
    ("peer", "forwarded", "detail"),
    [
        ("192.0.3.0", (), "192.0.3.0 is not in the sender's allow_from"),
        ("192.0.3.0", ("192.0.2.7",), "192.0.3.0 is not in the sender's allow_from"),
        ("10.0.0.1", ("192.0.2.7, 203.0.113.5",), "203.0.113.5 is not in"),
        ("10.0.0.1", ("192.0.2.7", "203.0.113.5"), "203.0.113.5 is not in"),
        ("10.0.0.1", (), "10.0.0.1 is not in"),
        ("10.0.0.1", ("secret@host",), "the client's address is not known"),
    ],
)
def test_any_other_address_is_403(
    fenced: WebHarness, peer: str, forwarded: tuple[str, ...], detail: str
) -> None:
    answer = deliver(fenced, peer, *forwarded)

    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert detail in answer.get_json(force=True)["detail"]
    assert fenced.client().get("/api/v1/deliveries").get_json()["items"] == []


def test_the_address_is_checked_after_the_sender_and_before_the_secret(fenced: WebHarness) -> None:
    assert deliver(fenced, "203.0.113.5", secret="wrong").status_code == 403
    assert deliver(fenced, "192.0.2.7", secret="wrong").status_code == 401
    assert deliver(fenced, "203.0.113.5", sender="nobody").status_code == 404


def test_refusals_are_counted(fenced: WebHarness) -> None:
    deliver(fenced, "203.0.113.5")

    assert b'{kind="address_not_allowed",sender="ci"} 1.0' in fenced.client().get("/metrics").data
