"""What the README shows is what the code does."""

import re
from typing import Any

import pytest
import yaml

from swrhook import config
from swrhook.cli import COMMANDS
from swrhook.errors import BadConfiguration
from swrhook.model import END_STATES
from tests.programs import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
CONFIGURATIONS = [block for block in BLOCKS if block.startswith(("swr:", "senders:"))]
ENVIRON = {name: f"the-value-of-{name}" for name in re.findall(r"\$\{([A-Z_]+)\}", README)}
BASE: dict[str, Any] = {
    "swr": {
        "iam_endpoint": "https://iam.myhuaweicloud.com",
        "credentials": {"kind": "password", "user": "u", "domain": "d", "password": "${CI_TOKEN}"},
        "regions": {"cn-north-4": {}, "cn-east-3": {}, "ap-southeast-1": {}},
    },
    "senders": {},
    "rules": [],
}


@pytest.mark.parametrize("block", CONFIGURATIONS)
def test_every_configuration_is_valid(block: str) -> None:
    text = yaml.safe_dump(BASE | yaml.safe_load(block)).encode()
    try:
        config.parse(text, file="README", environ=ENVIRON, read_file=config.read_secret_file)
    except BadConfiguration as exc:
        pytest.fail(str(exc))


def test_there_are_configurations_for_ci_and_for_a_registry() -> None:
    shown = {
        sender["dialect"]
        for block in CONFIGURATIONS
        for sender in yaml.safe_load(block).get("senders", {}).values()
    }

    assert shown == {"generic", "harbor"}


def test_every_end_state_is_explained_and_no_other() -> None:
    page = (ROOT / "docs" / "how-to" / "find-out-why.md").read_text()
    table = page.partition("It ends in one of these:\n")[2].partition("\n\nEvery outcome")[0]

    assert {state.value for state in END_STATES} == set(
        re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    )


def test_every_command_named_exists() -> None:
    named = set(re.findall(r"python -m swrhook (\w+)", README))

    assert named <= set(COMMANDS)


def test_every_make_target_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))

    assert set(re.findall(r"`?make (\w+)", README)) <= targets


def test_every_document_linked_exists() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
