"""Each mistake in a configuration has a message with its position and a remedy."""

import pytest

from swrhook.auth import SCHEMES
from swrhook.config.sender_schema import ARGUMENTS
from tests.config.conftest import Mistakes
from tests.config.mistakes import rules, senders, settings, swr

CASES = [*swr.CASES, *senders.CASES, *rules.CASES, *settings.CASES]


@pytest.mark.parametrize("value", ["automatic", "Auto", '"20"', "20.0", "true", "[20]", "off"])
def test_the_pace_is_a_number_or_auto(value: str, small: str, mistakes: Mistakes) -> None:
    assert mistakes(f"{small}settings: {{pace: {{per_second: {value}}}}}\n") == [
        "f:11:31: settings.pace.per_second: must be a whole number, without quotes, or auto"
    ]


@pytest.mark.parametrize("value", [-1, 0, 10_001])
def test_the_pace_has_bounds(value: int, small: str, mistakes: Mistakes) -> None:
    assert mistakes(f"{small}settings: {{pace: {{per_second: {value}}}}}\n") == [
        "f:11:31: settings.pace.per_second: must be from 1 to 10000"
    ]


@pytest.mark.parametrize(("old", "new", "expected"), CASES)
def test_each_mistake_has_a_position_and_a_remedy(
    small: str, mistakes: Mistakes, old: str, new: str, expected: list[str]
) -> None:
    assert old in small
    assert mistakes(small.replace(old, new, 1)) == expected


def test_mistakes_of_every_kind_are_reported_at_once(small: str, mistakes: Mistakes) -> None:
    text = (
        small.replace("https://iam", "http://iam")
        .replace('"${TOKEN}"}', '"${UNSET}"}')
        .replace("cn-east-3, n", "cn-east-9, n")
        .replace("{sender", "{sender: harbor, sender")
    )

    assert mistakes(text) == [
        (
            "f:2:17: swr.iam_endpoint: must begin with https://: plain http would send credentials"
            " unencrypted"
        ),
        (
            "f:3:37: swr.credentials.token: the environment variable UNSET is not set: set it for"
            " this process"
        ),
        "f:9:28: this key stands in line 9 already: keep one",
        (
            'f:10:21: rules[0].sync[0].region: "cn-east-9" is not in swr.regions: did you mean'
            ' "cn-east-3"?'
        ),
    ]


@pytest.mark.parametrize("text", ["a", "[]", "5"])
def test_a_file_that_is_no_mapping_is_refused(text: str, mistakes: Mistakes) -> None:
    assert mistakes(text) == ['f:1:1: must be a mapping: write "key: value" lines, or {key: value}']


@pytest.mark.parametrize(
    "text",
    [
        "~",
        "{}",
        "{swr: 1, senders: 2, rules: 3, access: [], a: }",
        "{swr: {regions: [1]}, senders: {a: {region: [b], auth: [c]}}, rules: [{sync: [{}]}]}",
        "{senders: {a: 1}, access: {tokens: [{name: []}]}, rules: [{sync: [{region: {}}]}, [], 1]}",
    ],
)
def test_wrong_types_anywhere_are_mistakes(text: str, mistakes: Mistakes) -> None:
    assert mistakes(text)


def test_every_argument_of_every_scheme_has_a_field() -> None:
    arguments = {name for scheme in SCHEMES.values() for name in scheme.required + scheme.optional}

    assert arguments == set(ARGUMENTS)


def test_text_has_a_maximum_length(small: str, mistakes: Mistakes) -> None:
    lines = mistakes(small.replace("{sender: harbor}", f"{{tag: {'x' * 1025}}}"))

    assert lines == ["f:9:17: rules[0].when.tag: is longer than 1024 characters"]


def test_a_long_list_of_known_names_is_cut(small: str, mistakes: Mistakes) -> None:
    regions = ", ".join(f"r{n}: {{}}" for n in range(30))
    text = small.replace("cn-north-4: {}", f"cn-north-4: {{}}, {regions}")
    (mistake,) = mistakes(text.replace("region: cn-east-3", "region: nowhere"))

    assert mistake.endswith("r17, r18, …")


def test_odd_keys_are_mistakes_on_one_line(mistakes: Mistakes) -> None:
    lines = mistakes('{"swr": {"_schema": 1}, "_schema": 2, "senders": {"a b\\nc": {}}}')

    assert all("\n" not in line for line in lines)
    assert any('"a b·c" cannot name a sender' in line for line in lines)
