from collections.abc import Callable

import pytest

from swrhook.config import Config
from swrhook.errors import BadConfiguration

Read = Callable[[str | bytes], Config]

LITERAL = (
    "is a secret in the file itself, so the file is never stored as the last good configuration:"
    " write ${NAME} or ${file:/path}"
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "{sender: harbor}",
            "{sender: [harbr, ci*]}",
            ["f:9:20: rules[0].when.sender: no configured sender matches: this rule never does"],
        ),
        (
            "{sender: harbor}",
            '{sender: "*", not: {sender: har*}}',
            ["f:9:20: rules[0].when.sender: no configured sender matches: this rule never does"],
        ),
        (
            "rules:\n",
            (
                "rules:\n"
                "  - {name: a, when: {sender: harbor}, sync: [{region: cn-east-3, namespace:"
                " team-a, override: true}]}\n"
            ),
            [
                (
                    "f:11:12: rules[1].sync[0]: rules[0] has this target for every push"
                    " that this rule matches: its override applies"
                )
            ],
        ),
        (
            "cn-east-3: {}",
            "cn-east-3: {}, cn-nroth-1: {}",
            [
                (
                    "f:4:56: swr.regions.cn-nroth-1: is not a region that swrhook knows:"
                    ' did you mean "cn-north-1"?'
                ),
            ],
        ),
        (
            "rules:\n",
            (
                "  ci: {dialect: generic, region: cn-north-4, auth: {scheme: none},"
                " allow_unauthenticated: true}\n"
                "rules:\n"
                "  - {name: a, when: {}, sync: [{region: cn-east-3, namespace: b}]}\n"
                "  - {name: c, when: {not: {sender: ci}},"
                " sync: [{region: cn-east-3, namespace: c}]}\n"
            ),
            [
                (
                    "f:9:21: rules[0].when: names no sender, so everybody can cause its syncs"
                    ' through "ci", which accepts unauthenticated deliveries: add sender'
                )
            ],
        ),
        (
            "https://iam.example.com",
            "https://iam.eu-de.otc.t-systems.com",
            [
                (
                    f'f:4:{column}: swr.regions.{region}: is a region of "huawei", whose IAM is'
                    ' https://iam.myhuaweicloud.com: it does not accept the credentials of "otc"'
                )
                for region, column in (("cn-north-4", 25), ("cn-east-3", 40))
            ],
        ),
        (
            "iam_endpoint: https://iam.example.com",
            "cloud: otc",
            [
                (
                    f'f:4:{column}: swr.regions.{region}: the documentation of "otc" has no'
                    " sync_images: calls may be refused"
                )
                for region, column in (("cn-north-4", 25), ("cn-east-3", 40))
            ],
        ),
        (
            "https://iam.example.com\n",
            "https://iam.myhuaweicloud.com\n  cloud: huawei-eu\n",
            [
                (
                    'f:2:17: swr.iam_endpoint: is not the IAM of "huawei-eu", whose users are at'
                    " https://iam.myhuaweicloud.eu"
                ),
                *(
                    f'f:5:{column}: swr.regions.{region}: is a region of "huawei-eu", whose IAM is'
                    ' https://iam.myhuaweicloud.eu: it does not accept the credentials of "huawei"'
                    for region, column in (("cn-north-4", 25), ("cn-east-3", 40))
                ),
            ],
        ),
        ("cn-east-3: {}", "cn-east-3: {}, mine: {endpoint: 'https://swr.example.com'}", []),
        (
            '"${TOKEN}"}',
            "sesame}",
            [f"f:3:37: swr.credentials.token: {LITERAL}"],
        ),
        (
            'kind: token, token: "${TOKEN}"}',
            "kind: aksk, access_key: AK, secret_key: sesame, security_token: sesame}",
            [
                f"f:3:57: swr.credentials.secret_key: {LITERAL}",
                f"f:3:81: swr.credentials.security_token: {LITERAL}",
            ],
        ),
        (
            '["${TOKEN}"]',
            "['$${TOKEN}', {value: sesame}], allow_weak: true",
            [
                f"f:6:82: senders.harbor.auth.secrets[0]: {LITERAL}",
                f"f:6:103: senders.harbor.auth.secrets[1].value: {LITERAL}",
            ],
        ),
        (
            '["${TOKEN}"]',
            "sesame-sesame-sesame",
            [f"f:6:81: senders.harbor.auth.secrets: {LITERAL}"],
        ),
        (
            "rules:",
            "access: {tokens: [{name: a, role: read, token: open-sesame-open}]}\nrules:",
            [f"f:7:48: access.tokens[0].token: {LITERAL}"],
        ),
    ],
)
def test_an_allowed_but_odd_value_is_a_warning(
    old: str, new: str, expected: list[str], small: str, read: Read
) -> None:
    assert old in small
    assert list(read(small.replace(old, new, 1)).warnings) == expected


def test_a_configuration_that_does_nothing_yet_is_valid(small: str, read: Read) -> None:
    start = small[: small.index("senders:")]

    assert read(f"{start}senders: {{}}\nrules: []\n").warnings == (
        "f:5:10: senders: no sender is configured: nothing can be received",
        "f:6:8: rules: no rule is configured: nothing will be replicated",
    )


def test_a_file_with_literal_secrets_lists_their_paths(small: str, read: Read) -> None:
    config = read(small.replace("${TOKEN}", "sesame-sesame-sesame"))

    assert config.literal_secrets == ("swr.credentials.token", "senders.harbor.auth.secrets[0]")


def test_the_repr_of_a_configuration_has_no_secret(
    example: str, read: Read, environ: dict[str, str]
) -> None:
    shown = repr(read(example))

    assert [value for value in environ.values() if value in shown] == []


def test_a_target_may_be_the_region_of_one_of_several_senders(small: str, read: Read) -> None:
    sender = "{dialect: harbor, region: cn-east-3, auth: {scheme: bearer, secrets: '${TOKEN}'}}"
    text = small.replace("rules:", f"  other: {sender}\nrules:").replace("{sender: harbor}", "{}")

    assert read(text).warnings == ()


SYNCED = "SWR's documentation names no synchronization from"


@pytest.mark.parametrize(
    ("source", "target", "undocumented"),
    [
        ("cn-north-4", "la-south-2", "la-south-2"),
        ("tr-west-1", "cn-east-3", "tr-west-1"),
        ("tr-west-1", "la-south-2", "tr-west-1 and la-south-2"),
    ],
)
def test_an_undocumented_route_is_a_warning(
    source: str, target: str, undocumented: str, small: str, read: Read
) -> None:
    text = small.replace("cn-north-4", source).replace("cn-east-3", target)
    text = text.replace("https://iam.example.com", "https://iam.myhuaweicloud.com")

    [warning] = read(text).warnings

    assert f"{SYNCED} {source} to {target}: {undocumented} is not among its regions" in warning
    assert "check --online" in warning


def test_the_european_site_has_an_iam_of_its_own(small: str, read: Read) -> None:
    text = small.replace("cn-east-3", "eu-west-101")
    text = text.replace("https://iam.example.com", "https://iam.myhuaweicloud.com")

    warnings = read(text).warnings

    assert any('swr.regions.eu-west-101: is a region of "huawei-eu"' in item for item in warnings)


@pytest.mark.parametrize(
    ("cloud", "iam", "endpoint"),
    [
        ("huawei", "https://iam.myhuaweicloud.com", "https://swr-api.cn-east-3.myhuaweicloud.com"),
        ("huawei-eu", "https://iam.myhuaweicloud.eu", "https://swr-api.cn-east-3.myhuaweicloud.eu"),
        (
            "otc",
            "https://iam.eu-de.otc.t-systems.com",
            "https://swr-api.cn-east-3.otc.t-systems.com",
        ),
    ],
)
def test_a_cloud_sets_the_hosts(
    cloud: str, iam: str, endpoint: str, small: str, read: Read
) -> None:
    swr = read(small.replace("iam_endpoint: https://iam.example.com", f"cloud: {cloud}")).swr

    assert (swr.iam_endpoint, swr.regions["cn-east-3"].endpoint) == (iam, endpoint)


@pytest.mark.parametrize("cloud", ["flexibleengine", "sbercloud"])
def test_a_cloud_without_documented_hosts_of_swr_needs_the_endpoints(
    cloud: str, small: str, read: Read
) -> None:
    text = small.replace("iam_endpoint: https://iam.example.com", f"cloud: {cloud}")

    with pytest.raises(BadConfiguration, match="needs its endpoint"):
        read(text)


def test_a_region_has_one_project(small: str, read: Read) -> None:
    both = "cn-east-3: {project: a, project_id: b}"

    with pytest.raises(BadConfiguration, match="write project or project_id, not both"):
        read(small.replace("cn-east-3: {}", both))
    region = read(small.replace("cn-east-3: {}", "cn-east-3: {project_id: b}")).swr.regions
    assert (region["cn-east-3"].project, region["cn-east-3"].project_id) == ("cn-east-3", "b")
