"""The strict reading of requests to SWR: everything is refused that the reference does not allow.

Sources: SWR API reference, «Manually Synchronizing Images», «Querying Image Tags», «Querying
Image Synchronization Jobs», «Error Codes».
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from swrhook import swr_names
from swrhook.simulator import errors
from swrhook.simulator.app import parse_json
from swrhook.simulator.jobs import Image, Window
from swrhook.simulator.model import Target
from swrhook.simulator.tagstore import Page

MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What the body of sync_images asks for."""

    tags: tuple[str, ...]
    target: Target


def image(region: str, namespace: str, repository: str) -> Image:
    """Read the path of an image, in which `$` stands for `/`."""
    organization(namespace)
    name = repository.replace("$", "/")
    if not swr_names.is_repository(name):
        raise errors.swr(400, "4001029", "Invalid image name.")
    return Image(region, namespace, name)


def organization(name: str) -> str:
    """Read the name of an organization."""
    if not swr_names.is_namespace(name):
        raise errors.swr(400, "4001028", "Invalid organization name.")
    return name


def tag(name: str) -> str:
    """Read a tag."""
    if not swr_names.is_tag(name):
        raise errors.swr(400, "4009021", "Invalid image tag.")
    return name


def json_object(content_type: str, charset: str, content: bytes) -> Mapping[str, object]:
    """Read a body that must be a JSON object, and be declared as JSON in UTF-8."""
    if content_type != "application/json" or charset.lower() not in ("", "utf-8", "utf8"):
        raise errors.swr(400, "4001018", "Invalid request body type.")
    try:
        body = parse_json(content)
    except ValueError as exc:
        raise errors.swr(400, "4000014", "Invalid API parameters.") from exc
    if not isinstance(body, dict):
        raise errors.swr(400, "4000014", "Invalid API parameters.")
    return body


def sync_request(body: Mapping[str, object]) -> SyncRequest:
    """Read the body of sync_images; a key that it does not know is ignored, as by the service."""
    tags = body.get("imageTag")
    if not isinstance(tags, list) or not tags:
        raise errors.swr(400, "4001014", "Mandatory parameters must be configured: imageTag.")
    if not all(isinstance(name, str) for name in tags):
        raise errors.swr(400, "4000014", "Invalid API parameters: imageTag.")
    return SyncRequest(tuple(tag(name) for name in tags), target(body))


def target(body: Mapping[str, object]) -> Target:
    """Read where a synchronization is to go."""
    namespace, region = text(body, "remoteNamespace"), text(body, "remoteRegionId")
    override = flag(body, "override")
    return Target(region, organization(namespace), override=override)


def text(body: Mapping[str, object], key: str) -> str:
    """Read a mandatory text."""
    value = body.get(key)
    if value is None or value == "":
        raise errors.swr(400, "4001014", f"Mandatory parameters must be configured: {key}.")
    if not isinstance(value, str):
        raise errors.swr(400, "4000014", f"Invalid API parameters: {key}.")
    return value


def flag(body: Mapping[str, object], key: str) -> bool:
    """Read an optional boolean, false when absent."""
    value = body.get(key, False)
    if not isinstance(value, bool):
        raise errors.swr(400, "4000014", f"Invalid API parameters: {key}.")
    return value


def query(args: Mapping[str, str], *known: str) -> Mapping[str, str]:
    """Read query parameters, be they plain or in `filter`, which wins: `a::1|b::2`."""
    if "filter" not in args:
        return args
    pairs = [pair.partition("::") for pair in args["filter"].split("|")]
    if not all(separator and key in known for key, separator, _ in pairs):
        raise errors.swr(400, "4001025", "Invalid parameters: filter.")
    return {key: value for key, _, value in pairs}


def window(args: Mapping[str, str], *, mandatory: bool = False) -> Window:
    """Read `limit` and `offset`, which go together."""
    if not mandatory and "limit" not in args and "offset" not in args:
        return Window(0, 100)
    offset, limit = _number(args, "offset"), _number(args, "limit")
    if not 1 <= limit <= MAX_LIMIT:
        raise errors.swr(400, "4001025", "Invalid parameters: limit.")
    return Window(offset, limit)


def order(args: Mapping[str, str], *columns: str) -> tuple[str, bool]:
    """Read `order_column` and `order_type`, which go together; True is descending."""
    column, kind = args.get("order_column"), args.get("order_type")
    if column is None and kind is None:
        return columns[0], True
    if column not in columns or kind not in ("asc", "desc"):
        raise errors.swr(400, "4001096", "param order column error")
    return column, kind == "desc"


def page(args: Mapping[str, str]) -> Page:
    """Read the query of the listing of tags."""
    args = query(args, "limit", "offset", "order_column", "order_type", "tag")
    wanted, (column, descending) = window(args), order(args, "updated_at", "tag")
    return Page(
        offset=wanted.offset,
        limit=wanted.limit,
        tag=args.get("tag", ""),
        order=cast("Literal['updated_at', 'tag']", column),
        descending=descending,
    )


def _number(args: Mapping[str, str], key: str) -> int:
    value = args.get(key, "")
    if not (value.isascii() and value.isdigit() and len(value) < 10):  # noqa: PLR2004
        raise errors.swr(400, "4001025", f"Invalid parameters: {key}.")
    return int(value)
