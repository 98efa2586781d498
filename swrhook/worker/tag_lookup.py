"""Looks up the digests of tags in a region, by ShowRepoTag or in the list of tags.

Some regions lack ShowRepoTag, so an answer of it that does not explain itself is checked against
the list. The region is remembered, so that its tags are looked up in the list from then on.
"""

from collections.abc import Collection, Mapping

from swrhook.errors import Kind, SwrError, TagNotShown
from swrhook.swr.tags import NO_DIGEST
from swrhook.syncs.decisions import DigestLookup
from swrhook.wording.message import say
from swrhook.worker.gateway import GatewaySession

# Up to this many tags are read one by one. Listing would take fewer requests for more tags, but
# its pages bring the whole manifests of other tags, too.
MAX_SINGLE_READS = 2

_NO_DIGEST_REMEDY = say(
    "SWR shows no digest here, so swrhook cannot prove what the tag holds: compare it by hand, and"
    " report it with the answer of `check --online`"
)

Repository = tuple[str, str, str]  # region, organization, name


def look_up(
    session: GatewaySession, region: str, namespace: str, repository: str, tags: Collection[str]
) -> dict[str, DigestLookup]:
    """Return the digest of each tag, None if it does not exist, or the error if it is unreadable.

    Raises NoCapacity.
    """
    path = (region, namespace, repository)
    if len(tags) > MAX_SINGLE_READS or not session.has_show_tag(region):
        return _list_first(session, path, tags)
    shown = {tag: _show(session, path, tag) for tag in tags}
    unexplained = {tag: error for tag, error in shown.items() if isinstance(error, TagNotShown)}
    if not unexplained:
        return shown
    listed = _list(session, path, unexplained)
    if any(_proves_lack(error, listed[tag]) for tag, error in unexplained.items()):
        session.record_no_show_tag(region)
    return shown | listed


def _list_first(
    session: GatewaySession, path: Repository, tags: Collection[str]
) -> dict[str, DigestLookup]:
    """List the tags, and show those that are listed without a digest."""
    region = path[0]
    lookups = _list(session, path, tags)
    for tag, lookup in lookups.items():
        is_hidden = isinstance(lookup, SwrError) and lookup.code == NO_DIGEST
        if is_hidden and session.has_show_tag(region):
            digest = _show(session, path, tag)
            lookups[tag] = digest if isinstance(digest, str) else lookup
            if isinstance(digest, TagNotShown) and digest.lacks_operation:
                session.record_no_show_tag(region)
    return lookups


def _proves_lack(error: TagNotShown, listed: DigestLookup) -> bool:
    """Return whether ShowRepoTag's answer, beside the list's, shows that the region lacks it."""
    return error.lacks_operation or (error.code != NO_DIGEST and isinstance(listed, str))


def _list(
    session: GatewaySession, path: Repository, tags: Collection[str]
) -> dict[str, DigestLookup]:
    try:
        digests = session.list_tags(*path, tags)
    except SwrError as exc:
        return dict.fromkeys(tags, exc)
    return {tag: _listed(path[0], tag, digests) for tag in tags}


def _listed(region: str, tag: str, digests: Mapping[str, str | None]) -> DigestLookup:
    """Return what a list says about a tag."""
    if tag in digests and digests[tag] is None:
        message = say("%(region)s lists the tag %(tag)s without a digest", region=region, tag=tag)
        return SwrError(Kind.CONFIGURATION, NO_DIGEST, message, remedy=_NO_DIGEST_REMEDY)
    return digests.get(tag)


def _show(session: GatewaySession, path: Repository, tag: str) -> DigestLookup:
    try:
        return session.show_tag(*path, tag)
    except SwrError as exc:
        return exc
