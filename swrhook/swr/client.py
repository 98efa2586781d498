"""The client for SWR's management API, in every configured region.

The only way to SWR for all other modules: it joins the requests and readers of `protocol` with
the authentication of `auth` and the transport of `http`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from swrhook.clock import Clock
from swrhook.config.model import Swr
from swrhook.errors import Kind, SwrError
from swrhook.model import Lane
from swrhook.swr import protocol
from swrhook.swr.auth.authenticator import make_authenticator
from swrhook.swr.auth.lockout import RefusalStore
from swrhook.swr.auto_syncs import auto_syncs_path, read_auto_syncs
from swrhook.swr.http import HttpTransport, Network, Request
from swrhook.swr.listings import (
    ORGANIZATIONS_PATH,
    RepositoryPage,
    read_organizations,
    read_repository_page,
    repositories_path,
)
from swrhook.swr.protocol import Organization, RegionInfo, SyncJob
from swrhook.swr.response import SwrResponse
from swrhook.swr.tags import (
    TagPage,
    read_digest,
    read_tag_page,
    tag_path,
    tags_path,
    walk_pages,
    walk_tags,
)
from swrhook.syncs.auto_sync import AutoSync
from swrhook.wording.message import say

_HEADERS = {"Content-Type": "application/json"}


class SwrClient:
    """Calls SWR in every configured region; safe to share between threads.

    Every method raises SwrError on any failure; its kind says what to do next.
    """

    def __init__(self, swr: Swr, network: Network, refusals: RefusalStore, clock: Clock) -> None:
        self._login = (swr.credentials, swr.iam_endpoint, swr.project_ids, network.timeouts)
        endpoints = {swr.iam_endpoint, *(region.endpoint for region in swr.regions.values())}
        self._regions = swr.regions
        self._transport = HttpTransport(endpoints, network, clock)
        self._authenticator = make_authenticator(swr, network, self._transport, refusals, clock)

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        """Return the digest of a tag in a region, or None when the tag does not exist.

        Raises TagNotShown when only the list of tags can tell.
        """
        response = self._get(region, tag_path(namespace, repository, tag))
        return read_digest(response, tag)

    def list_tags(
        self,
        region: str,
        namespace: str,
        repository: str,
        tags: Collection[str],
        on_page: Callable[[], None] = lambda: None,
    ) -> dict[str, str | None]:
        """Return the digests of those of the tags that the repository has in a region.

        A digest is None when SWR lists the tag without one.

        `on_page` is called before each request except the first.
        """

        def page_at(offset: int) -> TagPage | None:
            if offset:
                on_page()
            return self._tag_page(region, namespace, repository, offset)

        digests: Mapping[str, str | None] = {}
        for digests in walk_tags(page_at):
            if digests.keys() >= set(tags):
                break
        return {tag: digests[tag] for tag in tags if tag in digests}

    def tag_page(self, region: str, namespace: str, repository: str, offset: int) -> TagPage | None:
        """Return one page of a repository's tags, or None when the repository does not exist.

        It has the images of multi-arch tags.
        """
        return self._tag_page(region, namespace, repository, offset, with_images=True)

    def list_images(
        self,
        region: str,
        namespace: str,
        repository: str,
        tags: Collection[str],
        on_page: Callable[[], None] = lambda: None,
    ) -> dict[str, frozenset[str]]:
        """Return the images of those of the tags that are multi-arch, as `platform digest`.

        A tag is missing where SWR does not show its manifest. `on_page` is called before each
        request except the first.
        """
        images: dict[str, frozenset[str]] = {}
        left = set(tags)

        def page_at(offset: int) -> TagPage | None:
            if offset:
                on_page()
            return self.tag_page(region, namespace, repository, offset)

        for page in walk_pages(page_at):
            images |= {tag: page.images[tag] for tag in left & page.images.keys()}
            left -= page.digests.keys()
            if not left:
                break
        return images

    def sync_images(self, lane: Lane, tags: Sequence[str]) -> None:
        """Trigger the synchronization of the tags; SWR copies them after the call returns."""
        path, body = protocol.sync_images_request(lane, tags)
        response = self._send(lane.source_region, "POST", path, body)
        protocol.check_triggered(response, tags)

    def sync_jobs(self, region: str, namespace: str, repository: str) -> list[SyncJob]:
        """Return the latest sync jobs of a repository in its source region, newest first."""
        response = self._get(region, protocol.sync_jobs_path(namespace, repository))
        return protocol.read_sync_jobs(response)

    def auto_syncs(self, region: str, namespace: str, repository: str) -> list[AutoSync]:
        """Return SWR's own rules of automatic synchronization for a repository."""
        return read_auto_syncs(self._get(region, auto_syncs_path(namespace, repository)))

    def has_namespace(self, region: str, namespace: str) -> bool:
        """Tell whether an organization exists and is ours or shared with us; False is certain.

        Raises SwrError when SWR only denies the read: a user may be allowed to push to an
        organization without being allowed to read about it.
        """
        organization = self.organization(region, namespace)
        return organization is not None and organization.ours

    def organization(self, region: str, namespace: str) -> Organization | None:
        """Return our access to an organization, or None when it does not exist in the region."""
        return protocol.read_organization(self._get(region, protocol.namespace_path(namespace)))

    def organizations(self, region: str) -> list[str]:
        """Return the names of the organizations that we can see in a region."""
        return read_organizations(self._get(region, ORGANIZATIONS_PATH))

    def repository_page(
        self, region: str, namespace: str, offset: int, *, changed_first: bool = False
    ) -> RepositoryPage:
        """Return one page of an organization's repositories, by name or the last updated first."""
        path = repositories_path(namespace, offset, changed_first=changed_first)
        return read_repository_page(self._get(region, path), namespace)

    def first_repository(self, region: str, namespace: str) -> str | None:
        """Return the name of any one repository of an organization, or None when it has none."""
        response = self._get(region, protocol.repositories_path(namespace))
        return next(iter(protocol.read_repositories(response, namespace)), None)

    def region_info(self, region: str) -> RegionInfo:
        """Return a region's possible sync targets and clock offset, where SWR reports them."""
        return protocol.read_region_info(self._get(region, protocol.REGIONS_PATH))

    def regions(self, region: str) -> frozenset[str] | None:
        """Return the regions that a region can synchronize to; None when SWR lists none."""
        return self.region_info(region).sync_targets or None

    def ask(self, region: str, path: str) -> SwrResponse:
        """Return the response to any read request, whatever its status."""
        return self._get(region, path)

    def delete_tag(self, region: str, namespace: str, repository: str, tag: str) -> None:
        """Delete one tag; that it does not exist is no error."""
        path = tag_path(namespace, repository, tag)
        protocol.check_deleted(self._send(region, "DELETE", path))

    def reuse_authenticator(self, other: "SwrClient") -> None:
        """Take over an earlier client's tokens and keys, if it logs in to the same account.

        Without this, every reload of the configuration would cost a login for each region.
        """
        if self._login == other._login:  # noqa: SLF001  # the same class
            self._authenticator = other._authenticator  # noqa: SLF001

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def _tag_page(
        self,
        region: str,
        namespace: str,
        repository: str,
        offset: int,
        *,
        with_images: bool = False,
    ) -> TagPage | None:
        response = self._get(region, tags_path(namespace, repository, offset))
        return read_tag_page(response, with_images=with_images)

    def _get(self, region: str, path: str) -> SwrResponse:
        return self._send(region, "GET", path)

    def _send(self, name: str, method: str, path: str, body: bytes | None = None) -> SwrResponse:
        region = self._regions.get(name)
        if region is None:
            message = say("the region %(region)s is not in the configuration", region=name)
            remedy = say("add it under swr.regions")
            raise SwrError(Kind.CONFIGURATION, "region", message, remedy=remedy)
        request = Request(method, path, _HEADERS, body)
        # The authenticator may come from an earlier client, so it is handed this one's transport.
        return self._authenticator.send(self._transport, region.endpoint, region.project, request)
