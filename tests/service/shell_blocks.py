"""The shell blocks of a page of docs/, and a shell that runs them in a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.programs import ROOT, free_port, wait_for

TUTORIAL = ROOT / "docs" / "tutorial.md"
FOLDER = "/tmp/swrhook-tutorial"  # as in the pages; each test uses another one
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_BACKGROUND = "# in a terminal of its own\n"
# Parts of the output that differ from run to run, and their placeholders.
_VARYING = {
    r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b": "ID",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?Z?)?": "TIME",
    r"sha256:[0-9a-f]{64}": "DIGEST",
    r"\b\d+ (s|min|h|d)\b": "AGE",
}


@dataclass(frozen=True, slots=True)
class Block:
    """A shell block, with the output that the page shows below it (`shown`)."""

    script: str
    exit_code: int
    shown: str

    @property
    def is_background(self) -> bool:
        """Tell whether it starts a program that keeps running in a terminal of its own."""
        return self.script.startswith(_BACKGROUND)


def blocks(page: Path) -> list[Block]:
    """Return a page's shell blocks in their order."""
    shell_blocks: list[Block] = []
    for _, kind, indented in _BLOCK.findall(page.read_text()):
        text = textwrap.dedent(indented)
        if kind == "sh":
            code = re.search(r"# exit code (\d+)$", text, re.MULTILINE)
            shell_blocks.append(Block(text, int(code[1]) if code else 0, ""))
        elif kind == "text" and shell_blocks:
            shell_blocks[-1] = replace(shell_blocks[-1], shown=text)
    return shell_blocks


def missing_lines(shown: str, output: str) -> list[str]:
    """Return the lines that a page shows but the output lacks; "…" at the end matches any text."""
    lines = {_normalize(line) for line in output.splitlines()}
    return [
        line
        for line in map(_normalize, shown.splitlines())
        if line and not any(line == real or _begins(line, real) for real in lines)
    ]


def _begins(line: str, real: str) -> bool:
    return line.endswith("…") and real.startswith(line[:-1])


def _normalize(line: str) -> str:
    for pattern, name in _VARYING.items():
        line = re.sub(pattern, name, line)
    return re.sub(r"[ \t]+", " ", line).strip()  # in a pipe, cells are between tabs


@dataclass
class Shell:
    """Terminals that share a folder: variables that a block sets are there in the next one."""

    folder: Path
    environ: Mapping[str, str]
    replaced: Mapping[str, str]
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def write(self, name: str, text: str) -> None:
        """Write a file of the tutorial's folder, as an editor would."""
        file = self.folder / "tutorial" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(self.own(text))

    def run(self, block: Block) -> "subprocess.CompletedProcess[str]":
        """Run a block, with the variables and the current folder of the previous one."""
        state = self.folder / "state.sh"
        state.touch()
        save = f'{{ export -p; echo "cd $PWD"; }} > {state}'
        script = f"set -a; . {state}\ntrap '{save}' EXIT\n{self.own(block.script)}"
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, block: Block) -> None:
        """Start the program of a block, and wait until it answers."""
        serves = "swrhook serve" in block.script
        url = self.own("http://127.0.0.1:8080/readyz" if serves else "http://127.0.0.1:9100/_sim/")
        with (self.folder / f"terminal-{len(self.started)}.log").open("wb") as log:
            process = subprocess.Popen(
                ["bash", "-euc", self.own(block.script)],
                cwd=self.folder,
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        wait_for(url, process)

    def close(self) -> None:
        for process in self.started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def own(self, text: str) -> str:
        """Return a text of the pages with this test's addresses and folder."""
        for documented, own in self.replaced.items():
            text = text.replace(documented, own)
        return re.sub(r"^make .*$", ":", text, flags=re.MULTILINE)  # tests/cli/test_demo.py runs it


def shell(folder: Path) -> Shell:
    """Return a new shell, with its own folder and addresses instead of the documented ones."""
    port = free_port(4)
    addresses = {
        documented: str(port + number)
        for number, documented in enumerate(("9100", "9101", "9102", "9103"))
    }
    replaced = {FOLDER: str(folder / "tutorial"), "127.0.0.1:8080": f"127.0.0.1:{free_port()}"}
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "SWRHOOK_BIND": replaced["127.0.0.1:8080"],
        "HOME": str(folder),
    }
    (folder / ".venv").symlink_to(Path(sys.prefix))
    return Shell(folder, environ, replaced | addresses)
