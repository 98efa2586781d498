"""Reading SWR's repositories and tags.

Source: SWR API reference, "Image Repository Management" and "Image Tag Management".
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, request

from swrhook.simulator import errors, request_validation
from swrhook.simulator.app import answer, answer_page, region, require_image, state, swr_timestamp
from swrhook.simulator.jobs import Image
from swrhook.simulator.model import DEMO, Json, Tag, numeric_id
from swrhook.simulator.state import TagStore
from swrhook.simulator.tagstore import Page

images = Blueprint("images", __name__)
_REPO = "/namespaces/<namespace>/repos/<repository>"
_SIZE = 1_304_902
_ARCHITECTURES = ("amd64", "arm64")


@images.get(f"{_REPO}/tags")
def tags(namespace: str, repository: str) -> Response:
    """List the tags of a repository, one page at a time."""
    image = request_validation.image(namespace, repository)
    page = request_validation.page(request.args)
    listing = require_image(image).page(namespace, image.repository, page)
    # Only this operation has "Tag" with a capital letter.
    items = [_tag(tag) | {"Tag": tag.name, "deleted": None} for tag in listing.items]
    return answer_page(items, offset=page.offset, total=listing.total)


@images.get(f"{_REPO}/tags/<name>")
def tag(namespace: str, repository: str, name: str) -> Response:
    """Show one tag."""
    image = request_validation.image(namespace, repository)
    tag = require_image(image).tag(namespace, image.repository, request_validation.tag(name))
    if tag is None:
        raise errors.swr("4040048")
    return answer({"tag": tag.name} | _tag(tag))


@images.get(_REPO)
def repo(namespace: str, repository: str) -> Response:
    """Show one repository, without its tags."""
    image = request_validation.image(namespace, repository)
    store = require_image(image)
    creator: dict[str, Json] = {"creator_id": DEMO.id, "creator_name": DEMO.name}
    return answer(_repo(image) | _size_and_times(store, image, "created", "updated") | creator)


@images.get("/repos")
def repos() -> Response:
    """List the repositories of this region, with their tags."""
    keys = ("namespace", "name", "category", "limit", "offset", "order_column", "order_type")
    args = request_validation.query(request.args, *keys)
    window = request_validation.window(args)
    column, descending = request_validation.order(args, "updated_time", "name", "tag_count")
    store = state().store(region())
    names = [
        (namespace, name)
        for namespace, name in store.repositories()
        if args.get("namespace") in (None, namespace) and args.get("name", "") in name
    ]
    names.sort(key=lambda pair: _ORDERS[column](store, *pair), reverse=descending)
    page = [
        _listed_repo(store, Image(region(), *pair)) | {"total_range": len(names)}
        for pair in window.select(names)
    ]
    return answer_page(page, offset=window.offset, total=len(names))


_ORDERS: Mapping[str, Callable[[TagStore, str, str], Any]] = {
    "updated_time": lambda store, namespace, name: store.times(namespace, name)[1],
    "name": lambda _store, _namespace, name: name,
    "tag_count": lambda store, namespace, name: store.page(namespace, name, Page(limit=1)).total,
}


def _tag(tag: Tag) -> dict[str, Json]:
    path = f"{tag.namespace}/{tag.repository}:{tag.name}"
    image_id = _image_id(tag.digest)
    return {
        "id": tag.id,
        "repo_id": numeric_id(tag.namespace, tag.repository),
        "image_id": image_id,
        "manifest": _manifest(tag.content, index=tag.index),
        "digest": tag.digest,
        "schema": 2,
        "path": f"swr.{region()}.myhuaweicloud.com/{path}",
        "internal_path": f"10.125.0.198:20202/{path}",
        "size": _SIZE,
        "is_trusted": False,
        "scanned": False,
        "created": swr_timestamp(tag.created),
        "updated": swr_timestamp(tag.updated),
        "domain_id": DEMO.domain_id,
        "tag_type": int(tag.index),
    }


@lru_cache(maxsize=16_384)
def _image_id(digest: str) -> str:
    return hashlib.sha256(digest.encode()).hexdigest()


@lru_cache(maxsize=16_384)
def _manifest(content: str, *, index: bool) -> str:
    if not index:
        return json.dumps({"schemaVersion": 2, "config": {"digest": _digest_of(content)}})
    images = [
        {
            "digest": _digest_of(content, architecture),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture in _ARCHITECTURES
    ]
    return json.dumps({"schemaVersion": 2, "manifests": images})


def _digest_of(content: str, part: str = "") -> str:
    return f"sha256:{_image_id(content + part)}"


def _repo(image: Image) -> dict[str, Json]:
    path = f"{image.namespace}/{image.repository}"
    return {
        "id": numeric_id(path),
        "ns_id": numeric_id(image.namespace),
        "name": image.repository,
        "category": "other",
        "description": "",
        "is_public": False,
        "num_download": 0,
        "url": "",
        "path": f"swr.{image.region}.myhuaweicloud.com/{path}",
        "internal_path": f"10.125.0.198:20202/{path}",
        "domain_id": DEMO.domain_id,
        "priority": 0,
    }


def _listed_repo(store: TagStore, image: Image) -> dict[str, Json]:
    page = Page(limit=request_validation.MAX_LIMIT)
    tags = store.page(image.namespace, image.repository, page).items
    details: dict[str, Json] = {
        "namespace": image.namespace,
        "domain_name": DEMO.domain,
        "logo": "",
        "status": False,
        "tags": [tag.name for tag in tags],
    }
    return _repo(image) | details | _size_and_times(store, image, "created_at", "updated_at")


def _size_and_times(store: TagStore, image: Image, created: str, updated: str) -> dict[str, Json]:
    """Return a repository's size and times, under the names that the operation has for them."""
    total = store.page(image.namespace, image.repository, Page(limit=1)).total
    created_at, updated_at = store.times(image.namespace, image.repository)
    return {
        "num_images": total,
        "size": _SIZE * total,
        created: swr_timestamp(created_at),
        updated: swr_timestamp(updated_at),
    }
