"""The site of the documentation: built as `make site` does, with every page in its navigation."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from swrhook import __version__
from tests.programs import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(
        [*command, "--site-dir", str(folder)],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_every_page_is_there_and_every_link_leads_somewhere(site: Path) -> None:
    docs = ROOT / "docs"
    pages = {page.relative_to(docs) for page in docs.rglob("*.md")}
    places = {page.parent if page.stem == "README" else page.with_suffix("") for page in pages}

    assert [place for place in places if not (site / place / "index.html").exists()] == []
    assert (site / "project" / "contributing" / "index.html").exists()
    assert (site / "decisions" / "index.html").exists()
    assert "project/overview.zh-CN/" in (site / "index.html").read_text()


def test_links_out_of_the_documents_are_files_of_the_site(site: Path) -> None:
    page = (site / "metrics" / "index.html").read_text()
    alerts = site / "files" / "deploy" / "prometheus" / "alerts.yaml"

    assert 'href="../files/deploy/prometheus/alerts.yaml"' in page
    assert alerts.read_text() == (ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text()


def test_the_site_describes_the_api(site: Path) -> None:
    described = json.loads((site / "reference" / "api" / "openapi.json").read_text())

    assert described["info"]["version"] == __version__
    assert "/api/v1/syncs" in described["paths"]
    page = (site / "reference" / "api" / "index.html").read_text()
    names = re.findall(r'(?:href|src)="([^"./]+\.[a-z]+)"', page)
    assert len(names) == 5
    assert [name for name in names if not (site / "reference" / "api" / name).exists()] == []


def test_the_runbook_has_an_anchor_for_each_alert(site: Path) -> None:
    rules = (ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text()
    page = (site / "runbook" / "index.html").read_text()
    anchors = {line.rpartition("#")[2] for line in rules.splitlines() if "runbook_url: " in line}

    assert [anchor for anchor in anchors if f'id="{anchor}"' not in page] == []


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text()
        for loaded in (
            '<script src="http',
            '<link rel="stylesheet" href="http',
            '<img src="http',
        ):
            assert loaded not in text, page
