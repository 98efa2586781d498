from collections.abc import Callable

import pytest

from swrhook.config import Config

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
