"""What the platform tells a pod of its identity: two variables, read only where they are needed."""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from swrhook.config.findings import Findings
from swrhook.config.links import at
from swrhook.config.tree import Data
from swrhook.config.values import PodCredentials

URL = "HC_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN_FILE = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"  # noqa: S105  # the variable's name

_PATH = ("swr", "credentials", "kind")
_NO_IDENTITY = "associate the pod's service account with an agency, or choose another kind"


def check_pod(data: Data, findings: Findings, environ: Mapping[str, str]) -> None:
    """Find a pod identity that this process has not got."""
    if at(data, *_PATH) != "pod_identity":
        return
    for name in (URL, TOKEN_FILE):
        if not environ.get(name):
            findings.mistake(_PATH, f"the environment variable {name} is not set: {_NO_IDENTITY}")
    if environ.get(URL) and not _is_safe(environ[URL]):
        findings.mistake(
            _PATH,
            f"the environment variable {URL} must be an address like https://host/path; plain http"
            " would show the pod's token to all, and is for the addresses of private networks",
        )


def pod_credentials(environ: Mapping[str, str]) -> PodCredentials:
    """Return the pod's identity, which check_pod has found to be there."""
    return PodCredentials(environ[URL], environ[TOKEN_FILE])


def _is_safe(url: str) -> bool:
    """Tell whether the pod's token may be sent there."""
    try:
        parts = urlsplit(url)
        sound = url.isprintable() and " " not in url and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
    if not sound or not parts.hostname or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_private(parts.hostname))


def _is_private(host: str) -> bool:
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost"
