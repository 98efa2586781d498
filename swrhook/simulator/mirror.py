"""A region that mirrors a real registry, whose tags are read live over the Distribution API.

Source: "HTTP API V2" of the Distribution project: tags/list, HEAD of a manifest with its
Docker-Content-Digest, _catalog.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urljoin
from zlib import crc32

import requests
from requests.adapters import HTTPAdapter

from swrhook.clock import Clock
from swrhook.simulator.model import Tag
from swrhook.simulator.tagstore import Listing, Page

TIMEOUTS = (2.0, 10.0)
# A registry answers with another manifest, or 404, to a client that does not accept the type.
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
ACCEPT = ", ".join(INDEXES + MANIFESTS)


class MirrorUnavailable(Exception):
    """The registry that the region mirrors cannot be read now."""


class MirroredTags:
    """The tags of a registry as those of a region, read-only.

    A registry has no organizations: the first component of a repository's name is taken for it,
    and every organization exists.
    """

    def __init__(self, registry_url: str, clock: Clock) -> None:
        self._url = registry_url.rstrip("/") + "/"
        self._clock = clock
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount(self._url, HTTPAdapter(pool_maxsize=32))

    def close(self) -> None:
        """Close the connections to the registry."""
        self._session.close()

    def organizations(self) -> Sequence[str]:
        """List the first components of the registry's repositories."""
        return sorted({namespace for namespace, _ in self.repositories()})

    def has_organization(self, namespace: str) -> bool:  # noqa: ARG002 - they all exist
        """Return True."""
        return True

    def repositories(self) -> Sequence[tuple[str, str]]:
        """List the repositories whose name has at least two components."""
        names = self._all("v2/_catalog?n=1000", "repositories")
        pairs = (name.partition("/") for name in names)
        return sorted((namespace, rest) for namespace, _, rest in pairs if rest)

    def has_repository(self, namespace: str, repository: str) -> bool:
        """Tell whether the repository exists in the registry."""
        path = f"v2/{namespace}/{repository}/tags/list?n=1"
        return self._request("GET", path).status_code == HTTPStatus.OK

    def times(self, namespace: str, repository: str) -> tuple[datetime, datetime]:  # noqa: ARG002
        """Return the present, since a registry does not record when it was pushed to."""
        now = self._clock.now()
        return now, now

    def page(self, namespace: str, repository: str, page: Page) -> Listing[Tag]:
        """List tags by name, since a registry does not record when a tag was pushed."""
        path = f"v2/{namespace}/{repository}/tags/list?n=1000"
        names = sorted(name for name in self._all(path, "tags") if page.tag in name)
        if page.order == "tag" and page.descending:
            names.reverse()
        tags = (self.tag(namespace, repository, name) for name in page.select(names))
        return Listing([tag for tag in tags if tag is not None], len(names))

    def tag(self, namespace: str, repository: str, name: str) -> Tag | None:
        """Return a tag with its present digest, None if it does not exist."""
        response = self._request("HEAD", f"v2/{namespace}/{repository}/manifests/{name}")
        digest = response.headers.get("Docker-Content-Digest")
        if response.status_code != HTTPStatus.OK or digest is None:
            return None
        now = self._clock.now()
        serial = crc32(f"{namespace}/{repository}:{name}".encode())
        index = response.headers.get("Content-Type") in INDEXES
        return Tag(serial, namespace, repository, name, digest, now, now, index, digest)

    def _all(self, path: str, key: str) -> Sequence[str]:
        names: list[str] = []
        url: str | None = path
        while url is not None:
            response = self._request("GET", url)
            if response.status_code == HTTPStatus.NOT_FOUND:
                break
            names += _names(response, key)
            url = response.links.get("next", {}).get("url")
        return names

    def _request(self, method: str, path: str) -> requests.Response:
        url = urljoin(self._url, path)
        try:
            response = self._session.request(
                method, url, headers={"Accept": ACCEPT}, timeout=TIMEOUTS, allow_redirects=False
            )
        except requests.RequestException as exc:
            raise MirrorUnavailable(str(exc)) from exc
        if response.status_code not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise MirrorUnavailable(f"{url} answered {response.status_code}")
        return response


def _names(response: requests.Response, key: str) -> Sequence[str]:
    try:
        answer: object = response.json()
    except requests.JSONDecodeError as exc:
        raise MirrorUnavailable(str(exc)) from exc
    names = answer.get(key) if isinstance(answer, Mapping) else None
    # A repository whose tags were all deleted is listed with "tags": null.
    return [str(name) for name in names] if isinstance(names, list) else []
