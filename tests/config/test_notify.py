"""`notify`: what a valid section means, and what is wrong with others."""

from datetime import UTC, time, timedelta

import pytest

from swrhook.config import Config, parse
from swrhook.config.model import AppriseChannel, WebhookChannel
from swrhook.errors import BadConfiguration
from swrhook.model import State
from swrhook.notifications.model import Topic
from swrhook.wording.catalogues import Language
from tests.factories import MINIMAL_CONFIG, MINUTE

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OPS = 'channels: {ops: {apprise: "json://h/token"}}'


def load(section: str) -> Config:
    text = f"{MINIMAL_CONFIG}notify:\n" + "".join(f"  {line}\n" for line in section.splitlines())
    environ = {"TOKEN": "a-token-of-some-length", "URL": "json://h/token"}
    return parse(text.encode(), file="f", environ=environ, read_file=lambda _path: "")


def mistakes(section: str) -> str:
    with pytest.raises(BadConfiguration) as caught:
        load(section)
    return str(caught.value)


def test_without_the_section_nobody_is_told() -> None:
    notify = parse(
        MINIMAL_CONFIG.encode(),
        file="f",
        environ={"TOKEN": "a-token-of-some-length"},
        read_file=lambda _path: "",
    ).notify

    assert (list(notify.rules), notify.channels, notify.told_states) == ([], {}, frozenset())


def test_channels_and_rules_are_built() -> None:
    notify = load(
        f"""\
url: https://swrhook.example.com/
channels:
  ops: {{apprise: "${{URL}}", quiet: {{from: "22:00", to: "07:00"}}}}
  cd: {{webhook: "https://cd.example.com/x?y=1", secret: "{SECRET}"}}
rules:
  - {{on: [failed, late], to: [ops], group: 10m, when: {{tag: "v*", not: {{tag: "*-rc*"}}}}}}
  - {{on: [available], to: [cd, ops], digest: 1h}}"""
    ).notify

    ops, cd = notify.channels["ops"], notify.channels["cd"]
    assert isinstance(ops, AppriseChannel)
    assert isinstance(cd, WebhookChannel)
    assert notify.url == "https://swrhook.example.com"
    assert (ops.url, ops.quiet and ops.quiet.begin, ops.quiet and ops.quiet.zone) == (
        "json://h/token",
        time(22),
        UTC,
    )
    assert len(cd.key) == 24
    first, second = notify.rules
    assert (first.group, second.digest) == (10 * MINUTE, timedelta(hours=1))
    assert (set(first.when), set(first.unless)) == ({"tag"}, {"tag"})
    assert notify.topics == {Topic.FAILED, Topic.LATE, Topic.AVAILABLE}
    assert {State.VERIFIED, State.MISSING} <= notify.told_states


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("url: https://h", "channels: is missing"),
        ("channels: {Ops: {}}", "cannot name a channel"),
        ("channels: {ops: {}}", "write either apprise: URL, or webhook: URL and its secret"),
        ('channels: {ops: {apprise: "a://b", webhook: "https://h"}}', "write either"),
        ('channels: {ops: {webhook: "https://h"}}', "a webhook needs a secret"),
        (
            f'channels: {{ops: {{apprise: "a://b", secret: "{SECRET}"}}}}',
            "a webhook needs a secret, and nothing else has one",
        ),
        ("channels: {ops: {apprise: nothing}}", "must be a URL of Apprise"),
        ('channels: {ops: {webhook: "http://h.example.com", secret: x}}', "must begin with https"),
        ('channels: {ops: {webhook: "https://u:p@h", secret: x}}', "without a user or password"),
        ('channels: {ops: {webhook: "https://h", secret: c2hvcnQ=}}', "at least 24 bytes"),
        ('channels: {ops: {apprise: "a://b", quiet: {from: "7", to: "8"}}}', '"7" is not a time'),
        (
            'channels: {ops: {apprise: "a://b", quiet: {from: "07:00", to: "08:00", zone: Moon}}}',
            '"Moon" is not a time zone like Asia/Shanghai or +08:00',
        ),
        (f"{OPS}\nrules: [{{on: [fail], to: [ops]}}]", 'did you mean "failed"'),
        (f"{OPS}\nrules: [{{on: [test], to: [ops]}}]", '"test" is unknown'),
        (f"{OPS}\nrules: [{{on: [failed], to: [opp]}}]", "is not in notify.channels: did you mean"),
        (f"{OPS}\nrules: [{{on: [failed], to: []}}]", "is an empty list"),
        (f"{OPS}\nrules: [{{on: [late], to: [ops], group: 1m, digest: 1h}}]", "group or digest"),
        (f"{OPS}\nurl: swrhook", "must be an address like"),
        (f"{OPS}\nurl: https://h/?x", "must have no query"),
    ],
)
def test_a_mistake_says_what_to_write(section: str, message: str) -> None:
    assert message in mistakes(section)


def test_a_message_shows_no_secret() -> None:
    text = mistakes('channels: {ops: {apprise: "secret-in-a-url", webhook: "https://h/secret-x"}}')

    assert "secret-" not in text


def test_secrets_in_the_file_are_reported_and_it_is_not_kept() -> None:
    config = load(f'channels: {{cd: {{webhook: "https://h", secret: "{SECRET}"}}}}')

    assert config.literal_secrets == ("notify.channels.cd.secret",)


def test_a_channel_that_no_rule_names_is_warned_of() -> None:
    assert any("no rule of notify tells this channel" in text for text in load(OPS).warnings)


def test_a_zone_may_be_an_offset() -> None:
    quiet = 'quiet: {from: "22:00", to: "07:00", zone: "-03:30"}'
    channel = load(f'channels: {{ops: {{apprise: "${{URL}}", {quiet}}}}}').notify.channels["ops"]

    assert channel.quiet is not None
    assert channel.quiet.zone.utcoffset(None) == -timedelta(hours=3, minutes=30)


def test_a_channel_has_a_language() -> None:
    channels = load('channels: {ops: {apprise: "json://h/token", language: zh-CN}}').notify.channels
    ops = channels["ops"]
    webhook = f'channels: {{cd: {{webhook: "https://h", secret: "{SECRET}", language: en}}}}'

    assert isinstance(ops, AppriseChannel)
    assert ops.language is Language.CHINESE
    assert "language is for apprise" in mistakes(webhook)
    assert "zh-CN" in mistakes('channels: {ops: {apprise: "json://h/token", language: fr}}')
