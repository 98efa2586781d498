"""The excerpt of a file is checked like the file and contains no secret."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from swrhook.config import candidate as candidate_module
from swrhook.config import parse
from swrhook.config.candidate import extract_excerpt, read_candidate
from swrhook.config.model import Config
from swrhook.errors import BadConfiguration
from swrhook.senders.sender import ImageSettings, Origin

ROOT = Path(__file__).parents[2]
RULE = {
    "name": "all",
    "when": {"namespace": "team"},
    "sync": [{"region": "cn-east-3", "namespace": "${ORG}"}],
}
WHOLE: dict[str, Any] = {
    "swr": {
        "iam_endpoint": "https://iam.example.com",
        "credentials": {
            "kind": "password",
            "user": "u",
            "domain": "d",
            "password": "${file:/no/such/file}",
        },
        "regions": {"cn-north-4": {"endpoint": "${ENDPOINT}"}, "cn-east-3": {}},
    },
    "access": {"tokens": [{"name": n, "role": "read", "token": "${SECRET}"} for n in ("a", "b")]},
    "senders": {
        "ci": {
            "dialect": "generic",
            "region": "cn-north-4",
            "auth": {"scheme": "path", "secrets": "${SECRET}"},
            "image": {"strip_prefix": "mirror/"},
            "rate_limit": "${RATE}",
        },
        "hooks": {
            "dialect": "harbor",
            "region": "cn-north-4",
            "auth": {
                "scheme": "standard-webhooks",
                "secrets": [{"value": "a-literal-secret-${SECRET}"}, "${SECRET}"],
            },
        },
    },
    "rules": [RULE],
    "settings": {"batch": 50},
}


def excerpt_of(document: dict[str, Any], **environ: str) -> dict[str, Any]:
    def read_file(path: str) -> str:
        raise AssertionError(path)

    text = yaml.safe_dump(document).encode()
    return extract_excerpt(
        text, file="new.yaml", environ={"ORG": "team", **environ}, read_file=read_file
    )


def mistakes(document: dict[str, Any], **environ: str) -> list[str]:
    with pytest.raises(BadConfiguration) as caught:
        excerpt_of(document, **environ)
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.fixture
def current() -> Config:
    whole = json.loads(json.dumps(WHOLE))
    whole["swr"]["credentials"] = {"kind": "token", "token": "a-token"}
    del whole["senders"]["hooks"], whole["senders"]["ci"]["rate_limit"]
    whole["swr"]["regions"]["cn-north-4"] = {}
    environ = {"SECRET": "a-secret-of-some-length", "ORG": "team"}
    whole["access"] = {}
    return parse(json.dumps(whole).encode(), file="f", environ=environ, read_file=str)


def test_an_excerpt_reads_and_contains_no_secret() -> None:
    part = excerpt_of(WHOLE)

    assert part == {
        "rules": [{**RULE, "sync": [{"region": "cn-east-3", "namespace": "team"}]}],
        "senders": {
            "ci": {"region": "cn-north-4", "image": {"strip_prefix": "mirror/"}},
            "hooks": {"region": "cn-north-4"},
        },
        "swr": {"regions": {"cn-north-4": {}, "cn-east-3": {}}},
    }
    assert "secret" not in json.dumps(excerpt_of(WHOLE, SECRET="a-secret"))


def test_the_excerpt_of_the_example_can_be_read(current: Config) -> None:
    text = (ROOT / "swrhook.example.yaml").read_bytes()
    part = extract_excerpt(text, file="example", environ={}, read_file=str)

    candidate = read_candidate(json.dumps(part).encode(), candidate_module.excerpt_of(current))

    assert len(part["rules"]) == len(candidate.rules)
    assert set(part["senders"]) == set(candidate.origins)


def test_an_excerpt_reports_mistakes_of_the_whole_file() -> None:
    wrong = {**WHOLE, "settings": {"batch": "many"}, "rules": [{**RULE, "nmae": "x"}]}

    lines = mistakes(wrong)
    assert [line.partition(": ")[0] for line in lines] == ["new.yaml:11:3", "new.yaml:36:10"]
    assert "did you mean" in lines[0]
    assert "settings.batch" in lines[1]


def test_a_reference_in_an_excerpt_needs_a_value() -> None:
    wrong = {**WHOLE, "rules": [{**RULE, "name": "${NO_NAME}"}]}

    [lines] = mistakes(wrong)
    assert "the environment variable NO_NAME is not set" in lines


def test_an_excerpt_can_be_read_as_a_candidate(current: Config) -> None:
    candidate = read_candidate(
        json.dumps(excerpt_of(WHOLE)).encode(), candidate_module.excerpt_of(current)
    )

    assert candidate.origins == {
        "ci": Origin("ci", "cn-north-4", ImageSettings(strip_prefix="mirror/")),
        "hooks": Origin("hooks", "cn-north-4"),
    }
    assert [rule.name for rule in candidate.rules] == ["all"]


def test_a_candidate_has_the_organizations_of_its_senders(current: Config) -> None:
    sender = {"region": "cn-north-4", "allow": {"namespaces": ["team-*"]}}
    limited = read_candidate(
        json.dumps({"senders": {"ci": sender}, "rules": []}).encode(),
        candidate_module.excerpt_of(current),
    ).origins["ci"]
    senders = {"ci": replace(current.senders["ci"], allow_namespaces=limited.allow_namespaces)}
    again = read_candidate(
        b"rules: []", candidate_module.excerpt_of(replace(current, senders=senders))
    ).origins["ci"]

    for origin in (limited, again):
        assert (origin.may_push_to("team-a"), origin.may_push_to("other")) == (True, False)


def test_rules_alone_use_the_current_senders_and_regions(current: Config) -> None:
    text = yaml.safe_dump(
        {"rules": [{**RULE, "sync": [{"region": "cn-east-3", "namespace": "x"}]}]}
    )

    candidate = read_candidate(text.encode(), candidate_module.excerpt_of(current))

    assert candidate.origins == (
        {"ci": Origin("ci", "cn-north-4", ImageSettings(strip_prefix="mirror/"))}
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: [", "candidate:1:9: "),
        ("[]", "candidate:1:1: must be a mapping"),
        ("senders: {}", "candidate:1:1: rules: is missing"),
        ("rules: []\nsenders: 7", "candidate:2:10: senders: must be a mapping"),
        ("rules: []\nsenders: {ci: [7]}", "candidate:2:15: senders.ci: must be a mapping"),
        ("rules: [{name: '${SECRET}'}]", "is not replaced here: write the value itself"),
        (
            "rules: [{name: a, when: {}, sync: [{region: mars, namespace: team}]}]",
            'candidate:1:45: rules[0].sync[0].region: "mars" is not in swr.regions',
        ),
    ],
    ids=["syntax", "list", "no rules", "senders", "sender", "reference", "region"],
)
def test_mistakes_in_a_candidate_have_positions(current: Config, text: str, message: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        read_candidate(text.encode(), candidate_module.excerpt_of(current))

    assert message in str(caught.value)


def test_a_candidate_has_its_warnings(current: Config) -> None:
    rule = {"name": "a", "when": {"sender": "gone"}, "sync": [{"region": "cn-east-3"}]}
    rule["sync"] = [{"region": "cn-east-3", "namespace": "team"}]

    candidate = read_candidate(
        yaml.safe_dump({"rules": [rule]}).encode(), candidate_module.excerpt_of(current)
    )

    assert [warning.partition("sender: ")[2] for warning in candidate.warnings] == [
        "no configured sender matches: this rule never does"
    ]
