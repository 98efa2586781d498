"""The interface that the worker needs of SWR's client."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from swrhook.model import Lane
from swrhook.swr.listings import RepositoryPage
from swrhook.swr.protocol import SyncJob
from swrhook.swr.tags import TagPage
from swrhook.syncs.auto_sync import AutoSync


class Swr(Protocol):
    """SWR in every region. Every method raises SwrError."""

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        """Return the tag's digest, or None if there is no such repository or tag.

        Raises TagNotShown if only the list of tags can tell.
        """
        ...

    def list_tags(
        self,
        region: str,
        namespace: str,
        repository: str,
        tags: Collection[str],
        on_page: Callable[[], None],
    ) -> dict[str, str | None]:
        """Return the digests of those of `tags` that exist; None for one that SWR does not show.

        `on_page` is called before each request after the first: every page is a request that the
        rate limiter has to count.
        """
        ...

    def tag_page(self, region: str, namespace: str, repository: str, offset: int) -> TagPage | None:
        """Return one page of the repository's tags, or None if the repository does not exist."""
        ...

    def auto_syncs(self, region: str, namespace: str, repository: str) -> list[AutoSync]:
        """Return SWR's own rules of automatic synchronization for a repository."""
        ...

    def organizations(self, region: str) -> Sequence[str]:
        """Return the names of the organizations that we can see in a region."""
        ...

    def repository_page(
        self, region: str, namespace: str, offset: int, *, changed_first: bool
    ) -> RepositoryPage:
        """Return one page of an organization's repositories."""
        ...

    def list_images(
        self,
        region: str,
        namespace: str,
        repository: str,
        tags: Collection[str],
        on_page: Callable[[], None],
    ) -> dict[str, frozenset[str]]:
        """Return the images of those of `tags` that are multi-arch, as `platform digest`."""
        ...

    def has_namespace(self, region: str, namespace: str) -> bool:
        """Return False if the organization is known not to exist or to belong to others."""
        ...

    def regions(self, region: str) -> frozenset[str] | None:
        """Return the regions that this one can synchronize to, or None if SWR does not say."""
        ...

    def sync_jobs(self, region: str, namespace: str, repository: str) -> list[SyncJob]:
        """Return the source region's latest sync jobs of a repository, newest first."""
        ...

    def sync_images(self, lane: Lane, tags: Sequence[str]) -> None:
        """Request the copy of the tags. Returning means only that SWR accepted the request."""
        ...
