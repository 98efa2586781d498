"""`allow_from`, `rate_limit` and `trusted_proxies`: what they mean and how they can be wrong."""

from collections.abc import Callable
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
    ("written", "meant"),
    [
        ("192.0.2.7", ["192.0.2.7/32"]),
        ("[192.0.2.0/24, '2001:db8::/32']", ["192.0.2.0/24", "2001:db8::/32"]),
        ("'::1'", ["::1/128"]),
        ("0.0.0.0/0", ["0.0.0.0/0"]),
        ("'::ffff:10.0.0.0/104'", ["10.0.0.0/8"]),
        ("'::/0'", ["::/0"]),
    ],
)
def test_networks(read: Read, small: str, written: str, meant: list[str]) -> None:
    sender = read(with_sender(small, f"allow_from: {written}")).senders["harbor"]

    assert [ip_network(text) for text in meant] == list(sender.allow_from)


@pytest.mark.parametrize(
    ("written", "rate"),
    [("1/s", Rate(1, 1)), ("100/m", Rate(100, 60)), ("5000/h", Rate(5000, 3600))],
)
def test_rates(read: Read, small: str, written: str, rate: Rate) -> None:
    sender = read(with_sender(small, f"rate_limit: {written}")).senders["harbor"]

    assert rate == sender.rate_limit
    assert written == str(sender.rate_limit)


def test_by_default_everybody_delivers_without_limit(read: Read, small: str) -> None:
    config = read(small)

    assert () == config.senders["harbor"].allow_from == config.options.trusted_proxies
    assert config.senders["harbor"].rate_limit is None


def test_trusted_proxies(read: Read, small: str) -> None:
    options = read(with_settings(small, "trusted_proxies: [10.0.0.0/8, 192.0.2.1]")).options

    assert (ip_network("10.0.0.0/8"), ip_network("192.0.2.1")) == options.trusted_proxies


@pytest.mark.parametrize(
    ("keys", "said"),
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
def test_mistakes_in_a_sender(mistakes: Mistakes, small: str, keys: str, said: str) -> None:
    (line,) = mistakes(with_sender(small, keys))

    assert said in line


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "'::/0'"])
def test_nobody_trusts_everybody(mistakes: Mistakes, small: str, everybody: str) -> None:
    (line,) = mistakes(with_settings(small, f"trusted_proxies: [10.0.0.0/8, {everybody}]"))

    assert "settings.trusted_proxies[1]: would let everybody claim any address" in line
