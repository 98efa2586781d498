"""docs/configuration.md matches the code."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from marshmallow import Schema, fields

from swrhook.auth import SCHEMES
from swrhook.config import yaml_document
from swrhook.config.model import ROLES
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
from swrhook.config.sender_schema import AUTH_SECTIONS, ImageSection, MappingSection, SenderSection
from swrhook.config.settings_schema import OptionsSection
from swrhook.config.sso_schema import SsoGroupSection, SsoSection
from swrhook.dialects import DIALECTS
from swrhook.settings import CLI_VARIABLES, SETTINGS

DOCS = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
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
    ImageSection(),
    MappingSection(),
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
