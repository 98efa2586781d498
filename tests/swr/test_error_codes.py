"""The table of error codes has a line for every published code, which fits its status."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from swrhook.errors import Kind
from swrhook.swr.error_codes import TABLE, classify, describe, find_meaning

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "reference" / "swr_errors.json"
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")

# What a status may mean, whatever the code beside it says.
BY_STATUS = {
    400: set(Kind) - {Kind.THROTTLED},
    401: {Kind.AUTHENTICATION, Kind.CONFIGURATION},
    403: {Kind.AUTHENTICATION, Kind.CONFIGURATION, Kind.THROTTLED},
    404: {Kind.NOT_YET, Kind.CONFIGURATION, Kind.PERMANENT},
    405: {Kind.CONFIGURATION},
    409: {Kind.PERMANENT, Kind.TRANSIENT},
    410: {Kind.TRANSIENT},
    429: {Kind.THROTTLED},
    500: {Kind.TRANSIENT, Kind.CONFIGURATION},
    502: {Kind.TRANSIENT},
    503: {Kind.TRANSIENT},
    504: {Kind.TRANSIENT},
    507: {Kind.CONFIGURATION},
}
BY_DESCRIPTION = {
    r"(organization|image|image tag) was not found": {Kind.NOT_YET},
    r"Internal server error": {Kind.TRANSIENT},
    r"too many requests|number of requests|throttling": {Kind.THROTTLED},
    r"system is busy|[Bb]ackend (unavailable|timeout)|currently unavailable": {Kind.TRANSIENT},
    r"ermission to|not authorized|Insufficient permissions": {Kind.CONFIGURATION},
    r"maximum number of (organizations|images|image tags)": {Kind.CONFIGURATION},
    r"[Tt]oken has expired|Invalid token|[Ii]ncorrect password": {Kind.AUTHENTICATION},
    r"^Invalid (organization|image|digest|package|version)": {Kind.PERMANENT, Kind.CONFIGURATION},
}
# Where the published description is misleading.
EXCEPTIONS = {
    "SVCSTG.SWR.5007019": "a quota, in the words of an internal error",
    "IAM.0064": "a token without the rights: another credential is required",
}


@dataclass(frozen=True)
class Published:
    code: str
    status: int
    description: str


def published() -> Iterator[Published]:
    if not CORPUS.exists():
        return
    for name, entries in json.loads(CORPUS.read_bytes()).items():
        for entry in entries if name != "_source" else ():
            description = entry.get("description") or entry["message"]
            yield Published(entry["code"], entry["status"], description)


PUBLISHED = sorted(published(), key=lambda entry: (entry.code, entry.status))
needs_corpus = pytest.mark.skipif(not PUBLISHED, reason=f"{CORPUS} is not there")


@needs_corpus
def test_every_published_code_has_a_description_and_a_remedy() -> None:
    without = {
        entry.code
        for entry in PUBLISHED
        if not describe(entry.code) or not classify(entry.code, entry.status)[1]
    }

    assert set() == without


@needs_corpus
def test_the_kind_of_a_code_fits_its_published_status() -> None:
    unfit = {
        (entry.code, entry.status, kind)
        for entry in PUBLISHED
        if (kind := classify(entry.code, entry.status)[0])
        not in BY_STATUS.get(entry.status, {Kind.PERMANENT})
    }

    assert set() == unfit


@needs_corpus
def test_the_kind_of_a_code_fits_its_published_description() -> None:
    unfit = {
        (entry.code, entry.description, classify(entry.code, entry.status)[0])
        for entry in PUBLISHED
        for pattern, kinds in BY_DESCRIPTION.items()
        if re.search(pattern, entry.description)
        and classify(entry.code, entry.status)[0] not in kinds
        and entry.code not in EXCEPTIONS
    }

    assert set() == unfit


@needs_corpus
def test_every_code_in_the_table_is_published() -> None:
    codes = {entry.code for entry in PUBLISHED}
    exact = {code for codes in TABLE for code in codes if not code.endswith("*")}

    assert set() == {code for code in exact if not code.startswith("HTTP.")} - codes


def test_no_code_is_in_two_lines() -> None:
    codes = [code for codes in TABLE for code in codes]

    assert sorted(set(codes)) == sorted(codes)


def test_every_line_with_a_kind_has_a_remedy() -> None:
    helpless = {line.description for line in TABLE.values() if line.kind and not line.remedy}

    assert set() == helpless


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("SVCSTG.SWR.5001101", "SVCSTG.SWR.5001101"),
        ("SVCSTG.SWR.5009999", "SVCSTG.SWR.500*"),
        ("SVCSTG.SWR.50", None),
        ("APIGW.0613", "APIGW.0613"),
        ("APIGW.0699", "APIGW.06*"),
        ("1103", "1103"),
        ("1199", "11*"),
        ("HTTP.404", "HTTP.404"),
        ("HTTP.418", "HTTP.4*"),
        ("HTTP.999", "HTTP.*"),
        ("SVCSTG.SWR.4000000", None),
        ("x" * 64, None),
        ("", None),
    ],
)
def test_the_longest_matching_prefix_decides(code: str, line: str | None) -> None:
    by_code = {code: meaning for codes, meaning in TABLE.items() for code in codes}

    assert find_meaning(code) is (by_code[line] if line else None)


def test_the_documentation_shows_the_table() -> None:
    shown = PAGE.partition("<!-- the table -->\n")[2].partition("\n<!-- the end -->")[0]

    assert written() == shown


def written() -> str:
    lines = ["| code | class | what it says | what to do |", "|---|---|---|---|"]
    for codes, line in TABLE.items():
        names = " ".join(f"`{code}`" for code in codes)
        kind = line.kind.replace("_", " ") if line.kind else "as the status"
        lines.append(
            f"| {names} | {kind} | {line.description} | {line.remedy or 'as the status'} |"
        )
    return "\n".join(lines)
