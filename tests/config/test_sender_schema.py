"""Keys of a sender, and the trusted proxies that `allow_from` depends on."""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network

import pytest

from swrhook.config import Config
from swrhook.units import Rate

Read = Callable[[str | bytes], Config]
Mistakes = Callable[[str | bytes], list[str]]
A_NETWORK = "is not an address or a network like 192.0.2.0/24 or 2001:db8::/32"


def with_sender(small: str, keys: str) -> str:
    return small.replace("{dialect: harbor,", f"{{dialect: harbor, {keys},", 1)


def with_settings(small: str, keys: str) -> str:
    return f"{small}settings: {{{keys}}}\n"


@pytest.mark.parametrize(
    ("written", "networks"),
    [
        ("192.0.2.7", ["192.0.2.7/32"]),
        ("[192.0.2.0/24, '2001:db8::/32']", ["192.0.2.0/24", "2001:db8::/32"]),
        ("'::1'", ["::1/128"]),
        ("0.0.0.0/0", ["0.0.0.0/0"]),
        ("'::ffff:10.0.0.0/104'", ["10.0.0.0/8"]),
        ("'::/0'", ["::/0"]),
    ],
)
def test_allow_from_takes_networks(
    read: Read, small: str, written: str, networks: list[str]
) -> None:
    sender = read(with_sender(small, f"allow_from: {written}")).senders["harbor"]

    assert [ip_network(text) for text in networks] == list(sender.allow_from)


@pytest.mark.parametrize("written", ["team-a", "[team-a]", '["team-a*"]'])
def test_allow_takes_organizations(read: Read, small: str, written: str) -> None:
    limited = f"allow: {{namespaces: {written}}}"
    sender = read(with_sender(small, limited)).senders["harbor"]

    assert (sender.may_push_to("team-a"), sender.may_push_to("team-b")) == (True, False)
    assert read(small).senders["harbor"].may_push_to("team-b")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{}", "allow.namespaces: is missing"),
        ("{namespaces: []}", "allow.namespaces: is an empty list: write at least one value"),
        ("{namespaces: [a/b]}", 'allow.namespaces[0]: "a/b" matches no name of an organization: '),
        ("{namespaces: Team}", 'allow.namespaces: "Team" matches no name of an organization: '),
    ],
)
def test_a_mistake_in_allow_is_reported(
    mistakes: Mistakes, small: str, written: str, message: str
) -> None:
    assert message in mistakes(with_sender(small, f"allow: {written}"))[0]


@pytest.mark.parametrize(
    ("written", "rate"),
    [("1/s", Rate(1, 1)), ("100/m", Rate(100, 60)), ("5000/h", Rate(5000, 3600))],
)
def test_rate_limit_takes_a_rate(read: Read, small: str, written: str, rate: Rate) -> None:
    sender = read(with_sender(small, f"rate_limit: {written}")).senders["harbor"]

    assert sender.rate_limit == rate
    assert str(sender.rate_limit) == written


def test_by_default_addresses_and_rates_are_not_limited(read: Read, small: str) -> None:
    config = read(small)

    assert () == config.senders["harbor"].allow_from == config.options.trusted_proxies
    assert config.senders["harbor"].rate_limit is None


def test_trusted_proxies_are_networks(read: Read, small: str) -> None:
    options = read(with_settings(small, "trusted_proxies: [10.0.0.0/8, 192.0.2.1]")).options

    assert (ip_network("10.0.0.0/8"), ip_network("192.0.2.1")) == options.trusted_proxies


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("allow_from: []", "allow_from: is an empty list: write at least one value"),
        ("allow_from: example.com", f'allow_from: "example.com" {A_NETWORK}'),
        ("allow_from: [10.0.0.0/8, 10.1.2.3/8]", f'allow_from[1]: "10.1.2.3/8" {A_NETWORK}'),
        ("allow_from: 10", "not a number"),
        ("rate_limit: 100", "rate_limit: must be a rate like 100/s (/s, /m or /h), not a number"),
        ("rate_limit: 0/s", '"0/s" is not a rate like 100/s (/s, /m or /h)'),
        ("rate_limit: 1/d", '"1/d" is not a rate like 100/s (/s, /m or /h)'),
    ],
)
def test_a_mistake_in_a_sender_is_reported(
    mistakes: Mistakes, small: str, keys: str, message: str
) -> None:
    (line,) = mistakes(with_sender(small, keys))

    assert message in line


@pytest.mark.parametrize("network", ["0.0.0.0/0", "'::/0'"])
def test_the_whole_internet_cannot_be_a_trusted_proxy(
    mistakes: Mistakes, small: str, network: str
) -> None:
    (line,) = mistakes(with_settings(small, f"trusted_proxies: [10.0.0.0/8, {network}]"))

    assert "settings.trusted_proxies[1]: would let everybody claim any address" in line


def test_a_sender_expects_a_delivery_after_a_duration(read: Read, small: str) -> None:
    every_day = with_sender(small, "expect_every: 24h")

    assert read(small).senders["harbor"].expect_every is None
    assert read(every_day).senders["harbor"].expect_every == timedelta(hours=24)


def test_expect_every_is_at_least_a_minute(mistakes: Mistakes, small: str) -> None:
    (line,) = mistakes(with_sender(small, "expect_every: 59s"))

    assert line.endswith("senders.harbor.expect_every: must be at least 1m")
