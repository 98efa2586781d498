"""docs/configuration.md matches the code."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from textwrap import dedent

import pytest
from marshmallow import Schema, fields

from swrhook.auth import SCHEMES
from swrhook.config import parse, yaml_document
from swrhook.config.model import ROLES
from swrhook.config.notify_schema import (
    ChannelSection,
    NotifyRuleSection,
    NotifySection,
    QuietSection,
)
from swrhook.config.rule_schema import (
    DefaultsSection,
    RegexSection,
    RuleSection,
    SemverSection,
    TargetSection,
    WhenSection,
)
from swrhook.config.schema import (
    CREDENTIALS_SECTIONS,
    AccessSection,
    AccessTokenSection,
    GateSection,
    RegionSection,
    Root,
    SwrSection,
)
from swrhook.config.sender_schema import (
    AUTH_SECTIONS,
    AllowSection,
    ImageSection,
    MappingSection,
    SenderSection,
)
from swrhook.config.settings_schema import OptionsSection
from swrhook.config.sso_schema import SsoGroupSection, SsoSection
from swrhook.dialects import DIALECTS
from swrhook.settings import CLI_VARIABLES, SETTINGS
from tests.programs import ROOT

DOCS = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
SECTIONS: list[Schema] = [
    Root(),
    SwrSection(),
    RegionSection(),
    AccessSection(),
    AccessTokenSection(),
    GateSection(),
    SsoSection(),
    SsoGroupSection(),
    SenderSection(),
    AllowSection(),
    ImageSection(),
    MappingSection(),
    NotifySection(),
    ChannelSection(),
    NotifyRuleSection(),
    QuietSection(),
    RuleSection(),
    WhenSection(),
    TargetSection(),
    DefaultsSection(),
    RegexSection(),
    SemverSection(),
    *CREDENTIALS_SECTIONS.values(),
    *AUTH_SECTIONS.values(),
]


def keys() -> Iterator[str]:
    for section in SECTIONS:
        yield from section.fields
    yield from keys_of_settings()


def keys_of_settings() -> Iterator[str]:
    for name, field in OptionsSection().fields.items():
        if isinstance(field, fields.Nested):
            yield from (f"{name}.{key}" for key in field.schema.fields)
        else:
            yield name


@pytest.mark.parametrize("key", sorted(set(keys())))
def test_every_key_is_explained(key: str) -> None:
    assert f"`{key}`" in DOCS


@pytest.mark.parametrize(
    "name",
    [*SCHEMES, *CREDENTIALS_SECTIONS, *DIALECTS, *ROLES],
)
def test_every_choice_is_explained(name: str) -> None:
    assert f"`{name}`" in DOCS


def test_the_documented_environment_matches_the_code() -> None:
    rows = re.findall(r"^\| `(SWRHOOK_\w+)` \| ?(.*?) \| (.*) \|$", DOCS, re.MULTILINE)

    assert [
        (setting.name, f"`{setting.default}`" if setting.default else "", setting.meaning)
        for setting in SETTINGS
    ] == rows


def test_the_variables_of_the_commands_are_documented() -> None:
    assert [name for name in CLI_VARIABLES if f"`{name}`" not in DOCS] == []


def test_every_setting_of_the_example_has_its_default_in_the_docs(example: str) -> None:
    settings = yaml_document.read(example.encode()).data["settings"]
    values = {
        f"{name}.{key}" if key else name: value
        for name, section in settings.items()
        for key, value in (section.items() if isinstance(section, dict) else [("", section)])
    }

    assert set(values) == set(keys_of_settings())
    for name, value in values.items():
        row = next(line for line in DOCS.splitlines() if re.match(rf"\| .*`{name}`.*\|$", line))
        assert f"`{value}`" in row


def test_the_documented_messages_match_the_code(
    small: str, mistakes: Callable[[str | bytes], list[str]]
) -> None:
    wrong = small.replace("region: cn-north-4,", "region: cn-east,")
    lines = mistakes(wrong.replace("{sender:", "{sendr:"))

    assert re.findall(r"^swrhook\.yaml(:.*)$", DOCS, re.MULTILINE) == [
        line.removeprefix("f") for line in lines
    ]


def is_part(block: str) -> bool:
    keys = re.findall(r"^([a-z]+):", block, re.MULTILINE)
    return bool(keys) and set(keys) <= set(Root().fields)


EXAMPLES = [
    pytest.param(dedent(block), id=page.name)
    for page in sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")])
    for block in re.findall(r"(?ms)^ *```yaml\n(.*?)^ *```", page.read_text("utf-8"))
    if is_part(dedent(block))
]


def secret_of(name: str) -> str:
    secret = b64encode(name.encode().ljust(24)).decode()
    return f"feishu://{secret}" if name.endswith("_URL") else secret


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_a_page_is_accepted(example: str, small: str) -> None:
    base = re.sub(
        r"(?m)^( +regions: ).*", r"\1{cn-north-4: {}, cn-east-3: {}, ap-southeast-1: {}}", small
    )
    sections = re.split(r"(?m)^(?=\w+:)", base)[1:]
    missing = [text for text in sections if f"\n{text.partition(':')[0]}:" not in f"\n{example}"]
    text = f"{example}\n{''.join(missing)}"
    environ = {name: secret_of(name) for name in re.findall(r"\$\{(\w+)\}", text)}

    parse(text.encode(), file="f", environ=environ, read_file=secret_of)


def test_the_pages_have_examples() -> None:
    assert len(EXAMPLES) > 50
