"""The fault matrix is run whole, and docs/reliability.md shows what came of it."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from swrhook import logs
from swrhook.simulator import Fault
from swrhook.simulator.model import Connection, Outcome
from tests.reliability.faults import PLACES
from tests.reliability.page import PAGE, run, section, shown
from tests.reliability.rig import rig

# Which calls a fault strikes and how often, and how long it may take: nothing that goes wrong.
_AIM = {"region", "operation", "namespace", "repository", "tag"} | {
    "target_region",
    "target_organization",
    "name",
    "times",
    "nth",
    "share",
    "pause",
    "limit",
}


@pytest.mark.parametrize("name", PLACES)
def test_the_page_shows_what_becomes_of_every_trouble(name: str, tmp_path: Path) -> None:
    logs.configure("json", "CRITICAL")
    with rig(tmp_path) as running:
        rows = list(run(running, PLACES[name]))

    assert [row.trouble.words for row in rows if not row.short.strikes] == []
    assert [row.trouble.words for row in rows if not row.lasting.strikes] == []
    assert shown(PAGE.read_text(), name) == section(PLACES[name], rows), (
        "if it is right: make tables"
    )


def test_every_kind_of_fault_is_in_the_matrix() -> None:
    faults = [trouble.fault for place in PLACES.values() for trouble in place.troubles]

    for kind in {field.name for field in fields(Fault)} - _AIM:
        assert any(getattr(fault, kind) for fault in faults), kind
    assert set(get_args(Connection)) == {fault.connection for fault in faults} - {None}
    assert set(get_args(Outcome)) == {fault.job for fault in faults} - {None}


def test_every_test_that_the_page_names_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text())

    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
