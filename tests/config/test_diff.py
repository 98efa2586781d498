import pytest

from swrhook.config import Config, parse
from swrhook.config.diff import MAX_NAMES, compare
from tests.factories import MINIMAL_CONFIG

TOKENS = "access: {tokens: [{name: ops, role: read, token: '${OPS}'}]}\n"
RULE = """\
  - name: more
    when: {}
    sync: [{region: cn-east-3, namespace: team-b}]
"""
WHOLE = MINIMAL_CONFIG + RULE + TOKENS


def config(
    text: str, secret: str = "open-sesame-sesame", ops: str = "an-operators-token-of-24"
) -> Config:
    environ = {"TOKEN": secret, "OPS": ops}
    return parse(text.encode(), file="f", environ=environ, read_file=lambda _path: "")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: more", "name: most", {"rules": {"added": ["most"], "removed": ["more"]}}),
        ("team-b", "team-c", {"rules": {"changed": ["more"]}}),
        ("cn-east-3: {}", "cn-east-3: {project: p}", {"regions": {"changed": ["cn-east-3"]}}),
        (
            "cn-east-3: {}",
            "cn-east-3: {}, cn-south-1: {}",
            {"regions": {"added": ["cn-south-1"]}},
        ),
        ("iam.example", "iam2.example", {"swr": {"changed": ["iam_endpoint"]}}),
        ("  harbor: {", "  zot: {", {"senders": {"added": ["zot"], "removed": ["harbor"]}}),
        ("role: read", "role: admin", {"tokens": {"changed": ["ops"]}}),
        ("{tokens", "{metrics: public, tokens", {"access": {"added": ["metrics"]}}),
        (TOKENS, "settings: {pace: {per_second: 5}}", None),
        ("# ", "# ", {}),
    ],
    ids=[
        "renamed rule",
        "changed rule",
        "changed region",
        "added region",
        "iam",
        "senders",
        "role",
        "metrics",
        "settings",
        "nothing",
    ],
)
def test_changes_are_listed_by_section_and_name(
    old: str, new: str, expected: dict[str, dict[str, list[str]]] | None
) -> None:
    changes = compare(config(WHOLE).fingerprints, config(WHOLE.replace(old, new)).fingerprints)

    if expected is None:
        expected = {"tokens": {"removed": ["ops"]}, "settings": {"added": ["pace"]}}
    assert changes == expected


def test_a_new_secret_changes_its_owner() -> None:
    before, after = config(WHOLE), config(WHOLE, secret="another-open-sesame")

    assert before.version == after.version
    assert compare(before.fingerprints, after.fingerprints) == {
        "swr": {"changed": ["credentials"]},
        "senders": {"changed": ["harbor"]},
    }


def test_another_spelling_of_the_same_value_is_no_change() -> None:
    before = config(WHOLE + "settings: {dedup_window: 10m}")
    after = config(WHOLE + "settings: {dedup_window: 600s}  # the same")

    assert compare(before.fingerprints, after.fingerprints) == {}


def test_the_order_of_rules_counts() -> None:
    head, _, rules = MINIMAL_CONFIG.partition("rules:\n")

    changes = compare(
        config(WHOLE).fingerprints, config(f"{head}rules:\n{RULE}{rules}{TOKENS}").fingerprints
    )

    assert changes == {"rules": {"moved": ["their order"]}}


def test_a_long_list_of_names_is_cut() -> None:
    many = "".join(RULE.replace("more", f"rule-{number}") for number in range(MAX_NAMES + 5))

    added = compare(
        config(MINIMAL_CONFIG).fingerprints, config(MINIMAL_CONFIG + many).fingerprints
    )["rules"]["added"]

    assert len(added) == MAX_NAMES + 1
    assert added[-1] == "and 5 more"


def test_fingerprints_contain_no_secret() -> None:
    configuration = config(WHOLE)

    assert "sesame" not in repr(configuration)
    assert "sesame" not in repr(configuration.fingerprints)
