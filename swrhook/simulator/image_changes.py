"""Creating and deleting SWR's repositories and tags.

Source: SWR API reference, "Creating (Deleting) an Image Repository", "Creating an Image Tag" and
"Deleting an Image with a Specified Tag".
"""

from flask import Blueprint, Response

from swrhook.simulator import errors, request_validation
from swrhook.simulator.app import region, require_image, require_organization, state
from swrhook.simulator.model import SeedTag
from swrhook.simulator.state import ReadOnlyRegion
from swrhook.simulator.tagstore import StoredTags

image_changes = Blueprint("image_changes", __name__)
_REPOS = "/namespaces/<namespace>/repos"
_REPO = f"{_REPOS}/<repository>"
_CATEGORIES = frozenset(
    {"app_server", "linux", "framework_app", "database", "lang", "other", "windows", "arm"}
)


@image_changes.post(_REPOS)
def create_repo(namespace: str) -> Response:
    """Create an empty repository; its category and description are not kept."""
    body = request_validation.json_body()
    image = request_validation.image(namespace, request_validation.text(body, "repository"))
    if "is_public" not in body:
        raise errors.swr("4001014", "Mandatory parameters must be configured: is_public.")
    request_validation.flag(body, "is_public")
    if body.get("category", "other") not in _CATEGORIES:
        raise errors.swr("4000014", "Invalid API parameters: category.")
    require_organization(namespace)
    if not _store().add_repository(namespace, image.repository, at=state().clock.now()):
        raise errors.swr("4090006")
    return Response(status=200)


@image_changes.delete(_REPO)
def delete_repo(namespace: str, repository: str) -> Response:
    """Delete a repository that has no tags."""
    image = request_validation.image(namespace, repository)
    require_image(image)
    if not _store().remove_repository(namespace, image.repository):
        raise errors.swr("4060012")
    return Response(status=204)


@image_changes.post(f"{_REPO}/tags")
def create_tag(namespace: str, repository: str) -> Response:
    """Give the image of a tag another tag in the same repository."""
    body = request_validation.json_body()
    image = request_validation.image(namespace, repository)
    source, destination = (
        request_validation.tag(request_validation.text(body, key))
        for key in ("source_tag", "destination_tag")
    )
    override = request_validation.flag(body, "override")
    store = require_image(image)
    original = store.tag(namespace, image.repository, source)
    if original is None:
        raise errors.swr("4040048")
    if store.tag(namespace, image.repository, destination) is not None and not override:
        raise errors.swr("4090006")
    names = (region(), namespace, image.repository, destination)
    _store().put(SeedTag(*names, original.digest, original.index), at=state().clock.now())
    return Response(status=201)


@image_changes.delete(f"{_REPO}/tags/<name>")
def delete_tag(namespace: str, repository: str, name: str) -> Response:
    """Delete one tag."""
    image = request_validation.image(namespace, repository)
    tag = require_image(image).tag(namespace, image.repository, request_validation.tag(name))
    if tag is None:
        raise errors.swr("4040048")
    _store().remove(tag)
    return Response(status=204)


def _store() -> StoredTags:
    try:
        return state().writable(region())
    except ReadOnlyRegion as exc:
        raise errors.swr("5000002", str(exc)) from exc
