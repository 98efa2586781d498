"""Strict parsing of requests to SWR: whatever the reference does not allow raises Refusal.

Sources: SWR API reference, "Manually Synchronizing Images", "Querying Image Tags", "Querying
Image Synchronization Jobs", "Error Codes".
"""

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from flask import request

from swrhook import swr_names
from swrhook.simulator import errors
from swrhook.simulator.app import parse_json, region
from swrhook.simulator.errors import Refusal
from swrhook.simulator.jobs import Image
from swrhook.simulator.model import RESERVED_ORGANIZATIONS, Target
from swrhook.simulator.tagstore import Page, Window

MAX_LIMIT = 1000


def image(namespace: str, repository: str) -> Image:
    """Return the image of this region that a path names; `$` in the path means `/`."""
    organization(namespace)
    name = repository.replace("$", "/")
    if not swr_names.is_repository(name):
        raise errors.swr("4001029")
    return Image(region(), namespace, name)


def organization(name: str) -> str:
    """Return a valid name of an organization."""
    if not swr_names.is_namespace(name):
        raise errors.swr("4001028")
    return name


def tag(name: str) -> str:
    """Return a valid tag."""
    if not swr_names.is_tag(name):
        raise errors.swr("4009021")
    return name


def json_body() -> Mapping[str, object]:
    """Return the request's body, which must be a JSON object and declared as JSON in UTF-8."""
    charset = request.mimetype_params.get("charset", "")
    if request.mimetype != "application/json" or charset.lower() not in ("", "utf-8", "utf8"):
        raise errors.swr("4001018")
    try:
        body = parse_json(request.get_data())
    except ValueError as exc:
        raise errors.swr("4000014") from exc
    if not isinstance(body, dict):
        raise errors.swr("4000014")
    return body


def sync_request(body: Mapping[str, object]) -> tuple[Sequence[str], Target]:
    """Parse the tags and the target of sync_images; like the service, ignore unknown keys."""
    tags = body.get("imageTag")
    if not isinstance(tags, list) or not tags:
        raise errors.swr("4001014", "Mandatory parameters must be configured: imageTag.")
    if not all(isinstance(name, str) for name in tags):
        raise errors.swr("4000014", "Invalid API parameters: imageTag.")
    return [tag(name) for name in tags], target(body)


def target(body: Mapping[str, object]) -> Target:
    """Parse the target of a synchronization."""
    namespace, region = text(body, "remoteNamespace"), text(body, "remoteRegionId")
    override = flag(body, "override")
    return Target(region, organization(namespace), override=override)


def text(body: Mapping[str, object], key: str) -> str:
    """Return a mandatory, non-empty text."""
    value = body.get(key)
    if value is None or value == "":
        raise errors.swr("4001014", f"Mandatory parameters must be configured: {key}.")
    if not isinstance(value, str):
        raise errors.swr("4000014", f"Invalid API parameters: {key}.")
    return value


def flag(body: Mapping[str, object], key: str) -> bool:
    """Return an optional boolean, False when absent."""
    value = body.get(key, False)
    if not isinstance(value, bool):
        raise errors.swr("4000014", f"Invalid API parameters: {key}.")
    return value


def new_organization(name: str) -> str:
    """Return the name of an organization that may be created."""
    if name in RESERVED_ORGANIZATIONS:
        raise errors.swr("4001028", "Invalid organization name: it is reserved.")
    return organization(name)


def query(args: Mapping[str, str], *keys: str) -> Mapping[str, str]:
    """Return query parameters, from `filter` (`a::1|b::2`) if it is present.

    Only `keys` are allowed in `filter`.
    """
    if "filter" not in args:
        return args
    pairs = [pair.partition("::") for pair in args["filter"].split("|")]
    if not all(separator and key in keys for key, separator, _ in pairs):
        raise invalid("filter")
    return {key: value for key, _, value in pairs}


def window(args: Mapping[str, str], *, mandatory: bool = False) -> Window:
    """Parse `limit` and `offset`; a `limit` without `offset` is ignored, as by the service."""
    if not mandatory and "offset" not in args:
        return Window()
    offset, limit = _number(args, "offset"), _number(args, "limit")
    if not 1 <= limit <= MAX_LIMIT:
        raise invalid("limit")
    return Window(offset, limit)


def order(args: Mapping[str, str], *columns: str) -> tuple[str, bool]:
    """Parse `order_column` and `order_type`, which must be used together; True is descending."""
    column, kind = args.get("order_column"), args.get("order_type")
    if column is None and kind is None:
        return columns[0], True
    if column not in columns or kind not in ("asc", "desc"):
        raise errors.swr("4001096")
    return column, kind == "desc"


def page(args: Mapping[str, str]) -> Page:
    """Parse the query of a list of tags."""
    args = query(args, "limit", "offset", "order_column", "order_type", "tag")
    part, (column, descending) = window(args), order(args, "updated_at", "tag")
    column = cast("Literal['updated_at', 'tag']", column)
    return Page(part.offset, part.limit, args.get("tag", ""), column, descending)


def invalid(key: str) -> Refusal:
    """Return the refusal of a query parameter."""
    return errors.swr("4001025", f"Invalid parameters: {key}.")


def _number(args: Mapping[str, str], key: str) -> int:
    value = args.get(key, "")
    if not (value.isascii() and value.isdigit() and len(value) < 10):  # noqa: PLR2004
        raise invalid(key)
    return int(value)
