"""Tests that docs/reliability.md shows the results of the whole fault matrix."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from swrhook import logs
from swrhook.simulator import Fault
from swrhook.simulator.model import Connection, Outcome
from tests.reliability.faults import PLACES
from tests.reliability.page import PAGE, run, section, section_in
from tests.reliability.rig import rig

# The fields of a fault that select calls or set durations, and are no kind of fault.
_NOT_A_KIND = {"region", "operation", "namespace", "repository", "tag"} | {
    "target_region",
    "target_organization",
    "project",
    "name",
    "times",
    "nth",
    "share",
    "pause",
    "limit",
}


@pytest.mark.parametrize("name", PLACES)
def test_the_page_shows_the_result_of_every_case(name: str, tmp_path: Path) -> None:
    logs.configure("json", "CRITICAL")
    with rig(tmp_path) as running:
        rows = list(run(running, PLACES[name]))

    assert [row.case.title for row in rows if not row.temporary.hits] == []
    assert [row.case.title for row in rows if not row.permanent.hits] == []
    assert section_in(PAGE.read_text(), name) == section(PLACES[name], rows), (
        "if the change is right, run `make tables`"
    )


def test_every_kind_of_fault_is_in_the_matrix() -> None:
    faults = [case.fault for place in PLACES.values() for case in place.cases]

    for kind in {field.name for field in fields(Fault)} - _NOT_A_KIND:
        assert any(getattr(fault, kind) for fault in faults), kind
    assert set(get_args(Connection)) == {fault.connection for fault in faults} - {None}
    assert set(get_args(Outcome)) == {fault.job for fault in faults} - {None}


def test_every_test_that_the_page_names_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text())

    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
