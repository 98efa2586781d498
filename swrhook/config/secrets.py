"""Which values of a document are secrets, and which of these the file itself gives away."""

from collections.abc import Iterator

from swrhook.config.expand import has_reference
from swrhook.config.findings import Findings, dotted
from swrhook.config.links import at, items, mapping
from swrhook.config.tree import Data, Path


def literal_secrets(data: Data, findings: Findings) -> list[str]:
    """Return the paths of secrets that are written out in the document, and warn of each."""
    found = []
    for path, value in _secrets(data):
        if isinstance(value, str) and not has_reference(value):
            found.append(dotted(path))
            findings.warn(
                path,
                "a secret is written into the file, which is therefore never kept as the last good "
                "one: write ${NAME} or ${file:/path}",
            )
    return found


def _secrets(data: Data) -> Iterator[tuple[Path, Data]]:
    """Yield every value of the unexpanded document that is a secret."""
    for key in ("password", "token", "secret_key", "security_token"):
        yield ("swr", "credentials", key), at(data, "swr", "credentials", key)
    for index, token in enumerate(items(data, "access", "tokens")):
        yield ("access", "tokens", index, "token"), at(token, "token")
    for name, source in (mapping(data, "sources") or {}).items():
        yield from _source_secrets(("sources", name, "auth", "secrets"), at(source, "auth"))


def _source_secrets(path: Path, auth: Data) -> Iterator[tuple[Path, Data]]:
    secrets = at(auth, "secrets")
    # One secret may stand alone, without a list around it.
    listed = enumerate(secrets) if isinstance(secrets, list) else [(None, secrets)]
    for index, secret in listed:
        place = path if index is None else (*path, index)
        if isinstance(secret, dict):
            yield (*place, "value"), secret.get("value")
        else:
            yield place, secret
