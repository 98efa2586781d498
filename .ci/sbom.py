"""Write the software bill of materials, CycloneDX 1.6 as JSON: `python .ci/sbom.py [FILE]`.

It lists what is installed in production: the packages that requirements.txt pins, with the hashes
that it allows and who needs whom, and the files of Swagger UI that the package carries. The same
commit always gives the same text.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.txt"
_PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
# After "via", or in a line of its own below it; requirements.in stands for what is needed directly.
_NEEDED_BY = re.compile(r"    # (?:via |  )(?:-r )?([A-Za-z0-9._-]+)(?:\[.*)?")
_SWAGGER = re.compile(rb'PACKAGE_VERSION:"([0-9.]+)"')


@dataclass
class Pin:
    """A package that requirements.txt pins, and what needs it."""

    name: str
    version: str
    hashes: list[str] = field(default_factory=list)
    needed_by: list[str] = field(default_factory=list)

    @property
    def purl(self) -> str:
        """Return the package's URL, by which databases of vulnerabilities know it."""
        name = re.sub(r"[-_.]+", "-", self.name).lower()
        return f"pkg:pypi/{name}@{self.version}"


def read_lock(text: str) -> list[Pin]:
    """Return the packages of a lock file as uv writes it."""
    pins: list[Pin] = []
    for line in text.splitlines():
        if (pin := _PIN.match(line)) is not None:
            pins.append(Pin(pin[1], pin[2]))
        elif (content := _HASH.search(line)) is not None:
            pins[-1].hashes.append(content[1])
        elif pins and (needer := _NEEDED_BY.fullmatch(line)) is not None:
            pins[-1].needed_by.append(needer[1])
    return pins


def bill_of(pins: list[Pin], version: str, commit: str, moment: str) -> dict[str, Any]:
    """Return the document for these packages, in a build of this version and commit."""
    main = f"pkg:pypi/swrhook@{version}"
    bundle = (ROOT / "swrhook" / "web" / "swagger" / "swagger-ui-bundle.js").read_bytes()
    swagger = f"pkg:npm/swagger-ui-dist@{_SWAGGER.findall(bundle)[0].decode()}"
    purls = {pin.name: pin.purl for pin in pins}
    needs: dict[str, list[str]] = {main: [swagger], swagger: []} | {pin.purl: [] for pin in pins}
    for pin in pins:
        for needer in pin.needed_by:
            needs[main if needer == "requirements.in" else purls[needer]].append(pin.purl)
    components = [_component(pin.purl, pin.hashes) for pin in pins] + [_component(swagger, [])]
    root = {"type": "application", "bom-ref": main, "name": "swrhook", "version": version}
    commit_of = [{"name": "swrhook:commit", "value": commit}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'{main}#{commit}')}",
        "version": 1,
        "metadata": {
            "timestamp": moment,
            "component": root | {"purl": main, "properties": commit_of},
        },
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": sorted(of)} for ref, of in needs.items()],
    }


def _component(purl: str, hashes: list[str]) -> dict[str, Any]:
    name, _, version = purl.rpartition("/")[2].partition("@")
    component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    contents = [{"alg": "SHA-256", "content": content} for content in hashes]
    return component | ({"hashes": contents} if contents else {})


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # ours
    return done.stdout.strip()


def main() -> None:
    """Write the document to the file, or to stdout."""
    sys.path.insert(0, str(ROOT))
    from swrhook import __version__  # noqa: PLC0415  # of the folder that this file is in

    commit = _git("rev-parse", "HEAD") or "unknown"
    seconds = int(_git("log", "-1", "--format=%ct") or 0)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    bill = bill_of(read_lock(LOCK.read_text()), __version__, commit, moment)
    text = json.dumps(bill, indent=1) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
