"""SWR's repositories and tags, to be read.

Source: SWR API reference, «Image Repository Management» and «Image Tag Management».
"""

import hashlib
import json
from functools import lru_cache
from typing import Any, cast

from flask import Blueprint, Response, request

from swrhook.simulator import errors, request_validation
from swrhook.simulator.app import answer, known_image, region, state, swr_timestamp
from swrhook.simulator.jobs import Image
from swrhook.simulator.model import DEMO, Json, Tag, identifier
from swrhook.simulator.tagstore import Page, TagStore

images = Blueprint("images", __name__)
_REPO = "/namespaces/<namespace>/repos/<repository>"
_SIZE = 1_304_902


@images.get(f"{_REPO}/tags")
def tags(namespace: str, repository: str) -> Response:
    """List the tags of a repository, a page at a time."""
    image = request_validation.image(region(), namespace, repository)
    page = request_validation.page(request.args)
    listing = known_image(image).page(namespace, image.repository, page)
    content_range = f"{page.offset}-{len(listing.tags)}/{listing.total}"
    # «Tag» with a capital, here alone.
    found = [_tag(tag) | {"Tag": tag.name, "deleted": None} for tag in listing.tags]
    return answer(found, headers={"Content-Range": content_range})


@images.get(f"{_REPO}/tags/<name>")
def tag(namespace: str, repository: str, name: str) -> Response:
    """Show one tag."""
    image = request_validation.image(region(), namespace, repository)
    found = known_image(image).tag(namespace, image.repository, request_validation.tag(name))
    if found is None:
        raise errors.swr(404, "4040048", "The image tag was not found.")
    return answer({"tag": found.name} | _tag(found))


@images.get(_REPO)
def repo(namespace: str, repository: str) -> Response:
    """Show one repository; its tags are not in it."""
    image = request_validation.image(region(), namespace, repository)
    store = known_image(image)
    return answer(_repo(image) | _times(store, image, "created", "updated") | _creator())


@images.get("/repos")
def repos() -> Response:
    """List the repositories of this region, with their tags."""
    keys = ("namespace", "name", "category", "limit", "offset", "order_column", "order_type")
    args = request_validation.query(request.args, *keys)
    window = request_validation.window(args)
    column, descending = request_validation.order(args, "updated_time", "name", "tag_count")
    store = state().store(region())
    found = [
        _listed(store, Image(region(), namespace, name))
        for namespace, name in store.repositories()
        if args.get("namespace") in (None, namespace) and args.get("name", "") in name
    ]
    key = {"updated_time": "updated_at", "name": "name", "tag_count": "num_images"}[column]
    found.sort(key=lambda item: cast("Any", item[key]), reverse=descending)
    shown = found[window.offset : window.offset + window.limit]
    content_range = f"{window.offset}-{len(shown)}/{len(found)}"
    total: dict[str, Json] = {"total_range": len(found)}
    return answer([item | total for item in shown], headers={"Content-Range": content_range})


def _tag(tag: Tag) -> dict[str, Json]:
    path = f"{tag.namespace}/{tag.repository}:{tag.name}"
    image_id = _image_id(tag.digest)
    return {
        "id": tag.id,
        "repo_id": _number(tag.namespace, tag.repository),
        "image_id": image_id,
        "manifest": _manifest(image_id, index=tag.index),
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
def _manifest(image_id: str, *, index: bool) -> str:
    part = {"digest": f"sha256:{image_id}"}
    return json.dumps({"schemaVersion": 2} | ({"manifests": [part]} if index else {"config": part}))


def _repo(image: Image) -> dict[str, Json]:
    path = f"{image.namespace}/{image.repository}"
    return {
        "id": _number(path),
        "ns_id": _number(image.namespace),
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


def _creator() -> dict[str, Json]:
    return {"creator_id": DEMO.id, "creator_name": DEMO.name}


def _times(store: TagStore, image: Image, created: str, updated: str) -> dict[str, Json]:
    """Tell a repository's size, and its times under the names that the operation has for them."""
    tags = store.page(
        image.namespace, image.repository, Page(limit=request_validation.MAX_LIMIT)
    ).tags
    now = state().clock()
    return {
        "num_images": len(tags),
        "size": _SIZE * len(tags),
        created: swr_timestamp(min((tag.created for tag in tags), default=now)),
        updated: swr_timestamp(max((tag.updated for tag in tags), default=now)),
    }


def _listed(store: TagStore, image: Image) -> dict[str, Json]:
    tags = store.page(
        image.namespace, image.repository, Page(limit=request_validation.MAX_LIMIT)
    ).tags
    listed: dict[str, Json] = {
        "namespace": image.namespace,
        "domain_name": DEMO.domain,
        "logo": "",
        "status": False,
        "tags": [tag.name for tag in tags],
    }
    return _repo(image) | listed | _times(store, image, "created_at", "updated_at")


def _number(*parts: str) -> int:
    return int(identifier(*parts)[:7], 16)
