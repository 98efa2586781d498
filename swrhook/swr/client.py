"""What swrhook asks of SWR, in its own words. The only way to SWR for all other modules."""

from collections.abc import Callable, Collection, Mapping, Sequence

from swrhook.clock import Clock
from swrhook.config.model import Region, Swr
from swrhook.errors import Kind, SwrError
from swrhook.model import Lane
from swrhook.swr import protocol
from swrhook.swr.auth import identity_of
from swrhook.swr.auth.lockout import RefusedCredentials
from swrhook.swr.http import HttpTransport, Network, Request
from swrhook.swr.protocol import Organization, Survey, SyncJob, TagPage, walk_tags
from swrhook.swr.response import SwrResponse

_HEADERS = {"Content-Type": "application/json"}


class SwrClient:
    """SWR in every configured region; safe to use by many threads.

    Every method raises SwrError, with a kind that says what to do, for all that goes wrong.
    """

    def __init__(
        self,
        swr: Swr,
        network: Network,
        refused: RefusedCredentials,
        clock: Clock,
    ) -> None:
        self._login = (swr.credentials, swr.iam_endpoint, network.timeouts)
        endpoints = {swr.iam_endpoint, *(region.endpoint for region in swr.regions.values())}
        self._regions = swr.regions
        self._wire = HttpTransport(endpoints, network, clock)
        self._identity = identity_of(swr, network, self._wire, refused, clock)

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        """Return the digest that a tag has in a region; None when there is no such tag there."""
        answer = self._get(region, protocol.tag_path(namespace, repository, tag))
        return protocol.read_digest(answer, tag)

    def list_tags(
        self,
        region: str,
        namespace: str,
        repository: str,
        wanted: Collection[str],
        on_page: Callable[[], None] = lambda: None,
    ) -> dict[str, str]:
        """Return the digests of those wanted tags that the repository has in a region.

        `on_page` is called before each request but the first.
        """

        def page_at(offset: int) -> TagPage | None:
            if offset:
                on_page()
            return self.tag_page(region, namespace, repository, offset)

        digests: Mapping[str, str] = {}
        for digests in walk_tags(page_at):
            if digests.keys() >= set(wanted):
                break
        return {tag: digests[tag] for tag in wanted if tag in digests}

    def tag_page(self, region: str, namespace: str, repository: str, offset: int) -> TagPage | None:
        """Return a repository's tags from this one on, some; None when it is not there."""
        return protocol.read_tag_page(
            self._get(region, protocol.tags_path(namespace, repository, offset))
        )

    def sync_images(self, lane: Lane, tags: Sequence[str]) -> None:
        """Trigger the synchronization of these tags; it goes on after the return."""
        path, body = protocol.sync_images_request(lane, tags)
        answer = self._ask(lane.source_region, "POST", path, body)
        protocol.read_triggered(answer, tags)

    def sync_jobs(self, region: str, namespace: str, repository: str) -> list[SyncJob]:
        """Return the latest sync jobs of a repository, newest first; the region is the source."""
        answer = self._get(region, protocol.sync_jobs_path(namespace, repository))
        return protocol.read_sync_jobs(answer)

    def has_namespace(self, region: str, namespace: str) -> bool:
        """Tell whether an organization is there and ours; False is certain."""
        return protocol.read_namespace(self._get(region, protocol.namespace_path(namespace)))

    def organization(self, region: str, namespace: str) -> Organization | None:
        """Return what we are in an organization; None when a region has none of this name."""
        return protocol.read_organization(self._get(region, protocol.namespace_path(namespace)))

    def a_repository(self, region: str, namespace: str) -> str | None:
        """Return the name of some repository of an organization; None when there is none."""
        answer = self._get(region, protocol.repositories_path(namespace))
        return protocol.read_a_repository(answer, namespace)

    def survey(self, region: str) -> Survey:
        """Return where a region synchronizes to and what its clock says, as far as it tells."""
        return protocol.read_survey(self._get(region, protocol.REGIONS_PATH))

    def keep_identity(self, before: "SwrClient") -> None:
        """Go on with the tokens and keys of an earlier client, if they are for the same account."""
        if self._login == before._login:  # noqa: SLF001  # one of our own kind
            self._identity = before._identity  # noqa: SLF001

    def regions(self, region: str) -> frozenset[str] | None:
        """Return the regions that this one can synchronize to; None where SWR does not tell."""
        return self.survey(region).reaches or None

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._wire.close()

    def _get(self, region: str, path: str) -> SwrResponse:
        return self._ask(region, "GET", path)

    def _ask(self, name: str, method: str, path: str, body: bytes | None = None) -> SwrResponse:
        """Return a region's answer."""
        region = self._region(name)
        request = Request(method, path, _HEADERS, body)
        return self._identity.ask(self._wire, region.endpoint, region.project, request)

    def _region(self, name: str) -> Region:
        if name in self._regions:
            return self._regions[name]
        raise SwrError(
            Kind.CONFIGURATION,
            "region",
            f"the region {name} is not in the configuration",
            remedy="add it under swr.regions",
        )
