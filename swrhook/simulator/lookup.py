"""What several operations of SWR do alike: find what the path names, write a time."""

from datetime import datetime

from swrhook.simulator import refusals
from swrhook.simulator.jobs import Image
from swrhook.simulator.tagstore import TagStore
from swrhook.simulator.web import region, state


def known_organization(namespace: str) -> TagStore:
    """Give the tags of this region, in which the organization must exist."""
    store = state().store(region())
    if not store.has_organization(namespace):
        raise refusals.swr(404, "4040058", "The organization was not found.")
    return store


def known_image(image: Image) -> TagStore:
    """Give the tags of this region, in which the repository must exist."""
    store = known_organization(image.namespace)
    if not store.has_repository(image.namespace, image.repository):
        raise refusals.swr(404, "4040010", "The image was not found.")
    return store


def stamp(time: datetime) -> str:
    """Write a time as SWR does, in UTC and whole seconds."""
    # Half the time of strftime, and a listing of tags has two of them for each.
    return time.isoformat()[:19] + "Z"
