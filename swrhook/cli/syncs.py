"""The command `syncs`: lists syncs."""

from datetime import UTC, datetime, timedelta

from swrhook.cli.client import Item, QueryValue
from swrhook.cli.lists import print_list
from swrhook.cli.options import choice_option, command, list_options, text_option
from swrhook.cli.tables import ID_COLUMN, Column, Resource, age_column
from swrhook.model import State
from swrhook.syncs.observations import DriftKind
from swrhook.units import format_span


def image_of(item: Item) -> str:
    """Return the image of a sync or of a compared tag."""
    return f"{item['namespace']}/{item['repository']}:{item['tag']}"


def target_name(item: Item) -> str:
    """Return the target of a sync or of a compared tag."""
    return f"{item['target_region']}/{item['target_namespace']}"


def _reason(item: Item) -> str:
    """Return the reason of the state, the remedy of its error, and how old the proof is."""
    remedy = (item["error"] or {}).get("remedy")
    return "; ".join(text for text in (describe_proof(item), item["reason"], remedy) if text)


def describe_proof(item: Item) -> str:
    """Return when the target of a verified sync was last observed, and how it differs now."""
    if item["state"] != State.VERIFIED or item["observed_at"] is None:
        return ""
    age = datetime.now(UTC) - datetime.fromisoformat(item["observed_at"])
    drift = item["drift"]
    if drift is None:
        return f"last observed {format_span(age)} ago"
    what = "missing" if drift["kind"] == DriftKind.MISSING else f"now {item['observed_digest']}"
    why = f", {drift['why']}" if drift["why"] else ""
    since = short_time(drift["since"])
    return f"{what} since {since}{why}; last observed {format_span(age)} ago"


def short_time(time: str) -> str:
    """Return an RFC 3339 time in UTC without fractions of a second."""
    return f"{time[:19]}Z"


IMAGE_COLUMN = Column("image", image_of)
TARGET_COLUMN = Column("target", target_name)
SYNCS = Resource(
    "/api/v1/syncs",
    "sync",
    "syncs",
    (
        ID_COLUMN,
        age_column("created_at"),
        Column("state", styled=True),
        IMAGE_COLUMN,
        TARGET_COLUMN,
        Column("why", _reason, spare=2, prose=True),
    ),
)


@command(
    "python -m swrhook syncs --state rejected --state exhausted --since 24h",
    "python -m swrhook syncs --image team-a/web/shop:1.4.2",
    "python -m swrhook syncs --delivery 01KB3Y6Q3Z6B1D8F2G4H5J7K9M --all",
    "python -m swrhook syncs --region cn-east-3 --all --json | jq -r .reason",
)
@choice_option("--state", State, "Only syncs in this state. Repeatable.", multiple=True)
@text_option("--region", "Only syncs to this region.")
@text_option("--namespace", "Only syncs to this organization.")
@text_option("--image", "Only syncs of this image at the source.", metavar="NS/REPO[:TAG]")
@text_option("--delivery", "Only syncs of this delivery.", metavar="ID")
@text_option("--rule", "Only syncs that this rule selected.", metavar="NAME")
@list_options
def syncs(*, everything: bool, watch: timedelta | None, as_json: bool, **query: QueryValue) -> None:
    """List syncs, newest first."""
    print_list(SYNCS, query, everything=everything, watch=watch, as_json=as_json)
