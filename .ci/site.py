"""A hook of mkdocs: the pages in their order, those outside docs/, and the API's description.

The documents link each other as the repository shows them. What lies outside docs/ becomes part of
the site too: Markdown as pages, everything else as files to download.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from swrhook.container import Container
from swrhook.demo import scene
from swrhook.settings import Settings

ROOT = Path(__file__).parent.parent
DOCS = "docs/"
# Pages at the top of the repository, and where they are in the site.
PROJECT = {
    "README.md": "project/overview.md",
    "README.zh-CN.md": "project/overview.zh-CN.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security-policy.md",
}
API = "reference/api"
SWAGGER = ROOT / "swrhook" / "web" / "swagger"
ICON = ROOT / "swrhook" / "web" / "dashboard" / "static" / "icon.svg"
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)
_HEADER = '<header><a class="brand" href="../../">swrhook</a></header>'
_SCRIPT = """"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
document.documentElement.classList.toggle("dark-mode", dark.matches);
const only_shown = { supportedSubmitMethods: [], validatorUrl: null };
SwaggerUIBundle({ dom_id: "#api", url: "openapi.json", ...only_shown });
"""

CHINESE = ["project/overview.zh-CN.md", "tutorial.zh-CN.md"]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files outside docs/, and an index of the decisions."""
    for source, target in PROJECT.items():
        if (ROOT / source).exists():
            files.append(File.generated(config, target, content=(ROOT / source).read_text()))
    files.append(File.generated(config, "decisions/README.md", content=_decisions(files)))
    for path in sorted(_linked_files(files)):
        name = f"files/{path}"
        files.append(File.generated(config, name, content=(ROOT / path).read_bytes()))
    for name, content in _api_pages().items():
        files.append(File.generated(config, f"{API}/{name}", content=content))
    config.nav = _navigation([file.src_uri for file in files.documentation_pages()])
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links to what lies outside docs/ to its place in the site."""
    del config, files
    source = _repository_path(page.file.src_uri)

    def replaced(link: re.Match[str]) -> str:
        text, target, anchor = link.groups()
        if ":" in target:
            return link[0]
        path = _resolved(source, target)
        if (ROOT / path).is_dir() and not path.startswith(DOCS):
            return text  # a folder of files has no page
        place = relpath(_site_path(path), Path(page.file.src_uri).parent)
        return f"[{text}]({place}{anchor or ''})"

    parts = _FENCE.split(markdown)
    return "".join(
        part if index % 2 else _LINK.sub(replaced, part) for index, part in enumerate(parts)
    )


def _repository_path(site_path: str) -> str:
    """Return where a page of the site is in the repository."""
    sources = {target: source for source, target in PROJECT.items()}
    return sources.get(site_path, DOCS + site_path)


def _resolved(source: str, target: str) -> str:
    return normpath(os.path.join(os.path.dirname(source), target))  # noqa: PTH118, PTH120  # not on disk


def _site_path(path: str) -> str:
    """Return where a file of the repository is in the site."""
    if path in PROJECT:
        return PROJECT[path]
    if (ROOT / path).is_dir():
        return _site_path(f"{path}/README.md")
    return path.removeprefix(DOCS) if path.startswith(DOCS) else f"files/{path}"


def _linked_files(files: Files) -> Iterator[str]:
    """Yield the files outside docs/ that pages link to."""
    paths = set()
    for file in files.documentation_pages():
        source = _repository_path(file.src_uri)
        for _, target, _ in _LINK.findall(_FENCE.sub("", file.content_string)):
            path = _resolved(source, target)
            if ":" not in target and path not in PROJECT and not path.startswith(DOCS):
                paths.add(path)
    yield from (path for path in paths if (ROOT / path).is_file())


def _decisions(files: Files) -> str:
    """Return a page that lists the decisions by number."""
    lines = ["# Decisions", "", "Why swrhook is built as it is, one record a decision.", ""]
    for file in sorted(files.documentation_pages(), key=lambda file: file.src_uri):
        name = file.src_uri.removeprefix("decisions/")
        if file.src_uri.startswith("decisions/0"):
            lines.append(f"- [{file.content_string.partition(chr(10))[0][2:]}]({name})")
    return "\n".join([*lines, ""])


def _api_pages() -> dict[str, str | bytes]:
    """Return Swagger UI with the API's description, as files."""
    shown = ("swagger-ui-bundle.js", "swagger-ui.css", "docs.css", "NOTICE")
    page = (SWAGGER / "index.html").read_text()
    page = re.sub(r"    <form.*</form>\n", "", page, flags=re.DOTALL).replace("docs/", "")
    page = re.sub(r"<header>.*</header>", _HEADER, page, flags=re.DOTALL)
    page = page.replace("../static/", "")
    pages: dict[str, str | bytes] = {name: (SWAGGER / name).read_bytes() for name in shown}
    return pages | {
        ICON.name: ICON.read_bytes(),
        "index.html": page.replace("docs.js", "show.js"),
        "show.js": _SCRIPT,
        "openapi.json": json.dumps(_openapi(), indent=1),
    }


def _openapi() -> Any:  # noqa: ANN401  # a JSON document
    """Return what the service answers to GET /api/openapi.json."""
    regions = dict.fromkeys(scene.REGIONS, "http://127.0.0.1:9")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "swrhook.yaml"
        file.write_text(scene.configuration("http://127.0.0.1:9", regions))
        settings = Settings(file, f"sqlite:///{folder}/ledger.db", log_level="ERROR")
        container = Container(settings, scene.SECRETS)
        headers = {"Authorization": f"Bearer {scene.SECRETS['DEMO_OPS_TOKEN']}"}
        answer = container.web.test_client().get("/api/openapi.json", headers=headers)
        container.stop()
    return answer.get_json()


def _navigation(pages: list[str]) -> list[dict[str, Any]]:
    """Return the chapters: the sections of docs/README.md, and the pages that each links."""
    left = [page for page in pages if page not in CHINESE]
    chapters: dict[str, list[Any]] = {"Start": _take(left, "README.md")}
    for section in re.split(r"^## ", (ROOT / DOCS / "README.md").read_text(), flags=re.MULTILINE)[
        1:
    ]:
        title, _, text = section.partition("\n")
        entries = chapters.setdefault(title, [])
        for line in text.splitlines():
            if line.endswith(":") and line[0].isupper():
                entries = []
                chapters[title].append({line[:-1]: entries})
            for _, target, _ in _LINK.findall(line):
                entries += _take(left, target)
    chapters["Tutorial"].append({"简体中文": [_titled(page) for page in CHINESE]})
    chapters["Reference"].append({"The API in Swagger UI": f"{API}/index.html"})
    chapters["Contribute"] += map(_titled, left)
    return [{title: entries} for title, entries in chapters.items()]


def _take(left: list[str], target: str) -> list[Any]:
    """Take the page of a link out of those that are left; of a folder's page, all of the folder."""
    page = _site_path(_resolved(f"{DOCS}README.md", target))
    folder = page.removesuffix("README.md")
    taken = [
        each
        for each in left
        if each == page or (folder and folder != page and each.startswith(folder))
    ]
    left[:] = [each for each in left if each not in taken]
    if len(taken) < 2:  # noqa: PLR2004  # a page, not a folder
        return [_titled(each) for each in taken]
    return [{folder.strip("/").capitalize(): sorted(taken, key=lambda each: each != page)}]


def _titled(page: str) -> Any:  # noqa: ANN401  # what mkdocs takes as an entry
    """Return a page with its title, which mkdocs does not find below a line of languages."""
    file = ROOT / _repository_path(page)
    text = file.read_text() if file.exists() else "# "
    return page if text.startswith("# ") else {text.partition("\n# ")[2].partition("\n")[0]: page}
