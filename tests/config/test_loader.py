import hmac
import json
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import yaml

from swrhook.config import Config, parse, yaml_document
from swrhook.config.model import (
    Access,
    AccessToken,
    Options,
    Pace,
    PasswordCredentials,
    Reconcile,
    Region,
    Timeouts,
    TokenCredentials,
)
from swrhook.config.regions import KNOWN_REGIONS, default_endpoint
from swrhook.config.schema import Root
from swrhook.errors import Unauthenticated
from swrhook.model import Push
from swrhook.rules.match import RuleResult, RuleTarget, evaluate
from swrhook.senders.delivery import Delivery
from swrhook.senders.sender import ImageSettings
from swrhook.syncs.backoff import Backoff, Retry, Verify

Read = Callable[[str | bytes], Config]
NOW = datetime(2026, 8, 1, tzinfo=UTC)
PUSH = Push("harbor-prod", "cn-north-4", "team-a", "web/shop/front", "v1.2")


def digest_of(token: str) -> bytes:
    return sha256(token.encode()).digest()


def test_the_example_is_read_completely(example: str, read: Read, environ: dict[str, str]) -> None:
    config = read(example)

    assert () == config.warnings == config.literal_secrets
    assert PasswordCredentials("swrhook", "my-account", environ["SWR_PASSWORD"]) == (
        config.swr.credentials
    )
    assert list(config.senders) == ["harbor-prod", "registry", "ci"]
    assert ImageSettings("mirror/", "", "images") == config.senders["harbor-prod"].image
    assert [rule.name for rule in config.rules] == ["web-releases", "base-images", "candidates"]
    assert (
        RuleTarget("cn-east-3", "team-a"),
        RuleTarget("ap-southeast-1", "{namespace}", override=True),
    ) == config.rules[0].sync
    assert (
        Access(
            (
                AccessToken("dashboard", "read", digest_of(environ["SWRHOOK_READ_TOKEN"])),
                AccessToken("ops", "operate", digest_of(environ["SWRHOOK_OPS_TOKEN"])),
            )
        )
        == config.access
    )


def test_the_example_has_every_section_and_each_may_be_used(
    example: str, read: Read, environ: dict[str, str]
) -> None:
    environ |= {
        "SSO_CLIENT_SECRET": "a-client-secret-of-24-letters",
        "FEISHU_URL": "feishu://token-of-feishu",
        "DEPLOYS_SECRET": f"whsec_{b64encode(bytes(24)).decode()}",
    }
    sections = "|".join(Root().fields)
    whole = re.sub(rf"^# (?=(?:{sections}):|  )", "", example, flags=re.MULTILINE)

    assert set(yaml_document.read(whole.encode()).data) == set(Root().fields)
    assert read(whole).warnings == ()


def test_the_settings_of_the_example_are_the_defaults(example: str, read: Read) -> None:
    assert Options() == read(example).options


@pytest.mark.parametrize(
    ("push", "expected"),
    [
        (PUSH, True),
        (Push("registry", "cn-north-4", "team-a", "web/x", "v1"), False),
        (Push("ci", "cn-north-4", "team-a", "web/x", "v1-rc1"), False),
        (Push("ci", "cn-north-4", "team-b", "web/x", "v1"), False),
    ],
)
def test_a_rule_of_the_example_matches_its_pushes(
    push: Push, *, expected: bool, example: str, read: Read
) -> None:
    assert expected == (evaluate(read(example).rules[0], push) is RuleResult.MATCHED)


def test_json_gives_the_same_configuration_as_yaml(example: str, read: Read) -> None:
    class Text(yaml.SafeLoader):
        """A loader that leaves dates as text."""

    Text.yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    document = json.dumps(yaml.load(example, Loader=Text), indent="\t")

    assert (read(example).rules[0].sync, read(example).swr, read(example).options) == (
        read(document).rules[0].sync,
        read(document).swr,
        read(document).options,
    )


def test_the_version_identifies_the_bytes(small: str, environ: dict[str, str]) -> None:
    config = parse(small.encode(), file="f", environ=environ, read_file=str)
    again = parse(config.text, file="the ledger", environ=environ, read_file=str)

    assert sha256(small.encode()).hexdigest()[:12] == config.version
    assert (config.swr, config.options) == (again.swr, again.options)


def test_the_text_can_be_parsed_again_and_has_no_comments(
    example: str, environ: dict[str, str]
) -> None:
    commented = f"# the old secret was sesame-1234\n{example}"
    config = parse(commented.encode(), file="f", environ=environ, read_file=str)
    again = parse(config.text, file="the ledger", environ=environ, read_file=str)

    assert b"sesame-1234" not in config.text
    assert environ["HARBOR_SECRET"].encode() not in config.text
    assert (config.fingerprints, config.text) == (again.fingerprints, again.text)


def test_a_region_has_the_default_endpoint_unless_configured(small: str, read: Read) -> None:
    regions = (
        "{cn-north-4: {}, eu-west-101: {}, "
        "cn-east-3: {endpoint: 'http://127.0.0.1:9102/', project: p}}"
    )
    config = read(small.replace("{cn-north-4: {}, cn-east-3: {}}", regions))

    assert config.swr.regions == {
        "cn-north-4": Region(
            "cn-north-4", "https://swr-api.cn-north-4.myhuaweicloud.com", "cn-north-4"
        ),
        "eu-west-101": Region(
            "eu-west-101", "https://swr-api.eu-west-101.myhuaweicloud.eu", "eu-west-101"
        ),
        "cn-east-3": Region("cn-east-3", "http://127.0.0.1:9102", "p"),
    }


def test_every_known_region_has_an_endpoint_of_its_own() -> None:
    assert len(KNOWN_REGIONS) == len({default_endpoint(region) for region in KNOWN_REGIONS}) == 35


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://127.9.9.9", "http://[::1]:9100", "https://[fd00::1]"]
)
def test_plain_http_is_only_for_loopback(url: str, small: str, read: Read) -> None:
    assert read(small.replace("https://iam.example.com", f'"{url}"')).swr.iam_endpoint == url


def test_a_token_may_be_as_long_as_those_of_iam(
    small: str, environ: dict[str, str], read: Read
) -> None:
    environ["TOKEN"] = "M" * 20_000

    assert TokenCredentials("M" * 20_000) == read(small).swr.credentials


def test_access_is_closed_by_default(small: str, read: Read) -> None:
    assert Access() == read(small).access
    assert Access(metrics_public=True) == read(f"{small}access: {{metrics: public}}\n").access


@pytest.mark.parametrize(
    ("written", "options"),
    [
        ("{body_limit: 2KiB, batch: 7}", Options(body_limit=2048, batch=7)),
        ("{dedup_window: 0s}", Options(dedup_window=timedelta())),
        (
            "{retry: {base: 2s, deadline: 2d}}",
            Options(
                retry=Retry(
                    Backoff(timedelta(seconds=2), timedelta(minutes=10)),
                    2 * 24 * timedelta(hours=1),
                )
            ),
        ),
        (
            "{verify: {cap: 5s, retriggers: 0}}",
            Options(
                verify=Verify(Backoff(timedelta(seconds=1), timedelta(seconds=5)), retriggers=0)
            ),
        ),
        ("{pace: {per_second: 1}}", Options(pace=Pace(per_second=1))),
        ("{pace: {per_second: 10000}}", Options(pace=Pace(per_second=10_000))),
        ("{pace: {per_second: auto, in_flight: 9}}", Options(pace=Pace(None, in_flight=9))),
        ('{pace: {per_second: "auto"}}', Options()),
        ("{pace: {in_flight: 9}}", Options(pace=Pace(None, in_flight=9))),
        ("{timeouts: {read: 500ms}}", Options(timeouts=Timeouts(read=0.5))),
        ("{reconcile: {every: 6h}}", Options(reconcile=Reconcile(timedelta(hours=6)))),
        ("{reconcile: {every: off, max_calls: 9}}", Options(reconcile=Reconcile(max_calls=9))),
        ("{reconcile: {every: false}}", Options()),
    ],
)
def test_settings_leave_other_defaults_alone(
    written: str, options: Options, small: str, read: Read
) -> None:
    assert read(f"{small}settings: {written}\n").options == options


@pytest.mark.parametrize(
    ("auth", "delivery"),
    [
        (
            "{scheme: bearer, secrets: a}",
            {"headers": {"authorization": "Bearer a"}},
        ),
        (
            "{scheme: bearer, secrets: [b, a]}",
            {"headers": {"authorization": "Bearer a"}},
        ),
        (
            "{scheme: header, header: X-Key, secrets: [{value: a}]}",
            {"headers": {"x-key": "a"}},
        ),
        (
            "{scheme: basic, username: u, secrets: [a]}",
            {"headers": {"authorization": "Basic dTph"}},
        ),
        (
            "{scheme: hmac, header: X-Sig, secrets: [a], algorithm: sha1, prefix: ''}",
            {"headers": {"x-sig": hmac.new(b"a", b"x", "sha1").hexdigest()}},
        ),
        ("{scheme: path, secrets: [a]}", {"headers": {}, "path_secret": "a"}),
        ("{scheme: none}, allow_unauthenticated: true", {"headers": {}}),
    ],
)
def test_a_sender_accepts_an_authentic_delivery(
    auth: str, delivery: dict[str, Any], small: str, read: Read
) -> None:
    weak = f"{auth[:-1]}, allow_weak: true}}" if "secrets" in auth else auth
    text = small.replace('{scheme: bearer, secrets: ["${TOKEN}"]}', weak)
    sender = read(text).senders["harbor"]

    sender.authenticate(Delivery(body=b"x", **delivery), NOW)

    assert sender.takes_path_secret == ("path" in auth)


def test_a_secret_expires_at_its_not_after(small: str, read: Read) -> None:
    ending = '{value: open-sesame-open, not_after: "2026-08-01T02:00:00+02:00"}'
    authenticate = read(small.replace('"${TOKEN}"]', f"{ending}]")).senders["harbor"].authenticate
    delivery = Delivery({"authorization": "Bearer open-sesame-open"}, b"")

    authenticate(delivery, NOW - timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        authenticate(delivery, NOW)
