"""Look for secrets in the tracked files: `python .ci/secret_scan.py [FOLDER]`. Exit code 1 if any.

Each pattern is the form of one kind of credential, so that a match is worth a look. What is not a
secret, because a test needs something of that form, has its fingerprint in secret_scan.allowed.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

ALLOWED = Path(__file__).with_suffix(".allowed")
PATTERNS: Mapping[str, str] = {
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----",
    "an access key of AWS": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "a secret key of AWS or Huawei Cloud": (
        r"(?i:secret_?(?:access_?)?key)[\"']?\s*[:=]\s*[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"
    ),
    "a token of GitHub": r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{82}\b",
    "a token of GitLab": r"\bgl(?:pat|rt|dt|ptt|cbt|soat)-[A-Za-z0-9_-]{20,}",
    "a token of Slack": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a token of Docker Hub": r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}",
    "a token of the Python index": r"\bpypi-AgE[A-Za-z0-9_-]{50,}",
    "a token of npm": r"\bnpm_[A-Za-z0-9]{36}\b",
    "an API key of Google": r"\bAIza[A-Za-z0-9_-]{35}\b",
    "a JSON Web Token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "a token of IAM": r"\bMII[A-Za-z0-9+/_-]{400,}",
    "a key of Standard Webhooks": r"\bwhsec_[A-Za-z0-9+/]{32,}",
    # With a digit: a placeholder has none.
    "a password in a URL": (
        r"\b[a-z][a-z0-9+.-]+://[^\s/:@\"'$<{]+:(?=[^\s/:@]*[0-9])[^\s/:@\"'$<{]{8,}@"
    ),
}
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in PATTERNS.items()}


def scan(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, kind and fingerprint of everything in a text that has the form of a secret."""
    for kind, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield line, kind, sha256(match[0].encode()).hexdigest()[:16]


def tracked(folder: Path) -> Iterator[Path]:
    """Yield the files that git tracks in a folder."""
    command = ["git", "-C", str(folder), "ls-files", "-z"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603  # ours
    yield from (folder / name for name in listed.decode().split("\0") if name)


def main() -> int:
    """Print every finding, without the secret itself; return the exit code."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ALLOWED.parent.parent)
    allowed = {line.split()[0] for line in ALLOWED.read_text().splitlines() if line[:1].isalnum()}
    findings = [
        f"{path.relative_to(folder)}:{line}: {kind} ({fingerprint})"
        for path in tracked(folder)
        if path.is_file()
        for line, kind, fingerprint in scan(path.read_bytes().decode("utf-8", "replace"))
        if fingerprint not in allowed
    ]
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    if findings:
        sys.stderr.write(
            f"Revoke what is a secret; list the fingerprint of the rest in {ALLOWED.name}.\n"
        )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
