"""What the worker needs of others."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from swrhook.model import Lane, State, Sync
from swrhook.swr.protocol import SyncJob, TagPage
from swrhook.syncs.decisions import Decision


class Swr(Protocol):
    """SWR in every region; each method raises SwrError."""

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        """Return the tag's digest, or None when there is no such repository or tag."""
        ...

    def list_tags(
        self,
        region: str,
        namespace: str,
        repository: str,
        wanted: Collection[str],
        on_page: Callable[[], None],
    ) -> dict[str, str]:
        """Return the digests of those wanted tags that are there; tell of each further page."""
        ...

    def tag_page(self, region: str, namespace: str, repository: str, offset: int) -> TagPage | None:
        """Return some of the repository's tags, from this one on, or None when it is not there."""
        ...

    def has_namespace(self, region: str, namespace: str) -> bool:
        """Return False when the organization is known not to be there, or not to be ours."""
        ...

    def regions(self, region: str) -> frozenset[str] | None:
        """Return the regions that this one can synchronize to, or None when that is not told."""
        ...

    def sync_jobs(self, region: str, namespace: str, repository: str) -> list[SyncJob]:
        """Return the source region's latest jobs for a repository, newest first."""
        ...

    def sync_images(self, lane: Lane, tags: Sequence[str]) -> None:
        """Ask the source region to copy the tags; returning means no more than «triggered»."""
        ...


class SyncListener(Protocol):
    """Reports what became of syncs, after the transaction that changed them."""

    def sync(self, sync: Sync, state: State, decision: Decision, now: datetime) -> None:
        """Report a decision that was applied: the sync before it, and the state reached."""
        ...
