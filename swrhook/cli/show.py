"""The command `show`: a sync or a delivery, whole."""

import json

import click

from swrhook.cli.client import Client, Item, Unknown, connect
from swrhook.cli.deliveries import DELIVERIES
from swrhook.cli.facts import describe_time, print_facts, print_section
from swrhook.cli.options import LARGEST_PAGE, command, id_argument, json_option
from swrhook.cli.syncs import SYNCS, describe_proof, image_of, short_time, target_name
from swrhook.cli.tables import print_table
from swrhook.cli.terminal import print_notice


@command(
    "python -m swrhook show 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
    "python -m swrhook show 01KB3Y6Q3Z6B1D8F2G4H5J7K9M --json | jq .delivery",
)
@id_argument
@json_option("Print JSON: an object with `sync`, or with `delivery`, and what belongs to it.")
def show(id_: str, *, as_json: bool) -> None:
    """Show the sync or the delivery with this ID in full.

    Of a sync: its state with the reason and the remedy, what happened step by step, and the newest
    sync of the same tag to each other target. Of a delivery: what it announced, and its syncs.
    """
    shown = _read(connect(), id_)
    if as_json:
        click.echo(json.dumps(shown))
    elif "sync" in shown:
        _print_sync(shown)
    else:
        _print_delivery(shown)


def _read(client: Client, id_: str) -> Item:
    try:
        return client.show(f"{SYNCS.item_path(id_)}/timeline")
    except Unknown:
        pass
    try:
        delivery = client.show(DELIVERIES.item_path(id_))
    except Unknown:
        raise click.ClickException(f"there is no sync and no delivery with the id {id_}") from None
    limit = min(delivery.get("syncs_total", 0), LARGEST_PAGE) or None
    page = SYNCS.page(client, {"delivery": id_, "limit": limit})
    return {"delivery": delivery, "syncs": page["items"]}


def _print_sync(shown: Item) -> None:
    sync = shown["sync"]
    error = sync["error"] or {}
    code = f"{error['message']} ({error['code']})" if error else None
    override = "yes" if sync["override"] else "no"
    print_facts(
        [
            ("sync", sync["id"]),
            ("state", sync["state"]),
            ("why", code or sync["reason"]),
            ("remedy", error.get("remedy")),
            ("drift", describe_proof(sync) if sync["drift"] else None),
            ("image", image_of(sync)),
            ("target", f"{target_name(sync)}, override: {override}"),
            ("digest", sync["digest"]),
            ("source", f"{sync['source_region']}, from the sender {sync['sender']}"),
            ("rule", f"{sync['rule']}, in configuration {sync['rules_version']}"),
            ("delivery", sync["delivery"]),
            ("calls", str(sync["attempts"])),
            ("created", describe_time(sync["created_at"])),
            ("verified", describe_time(sync["verified_at"])),
            ("last observed", _observation(sync)),
        ]
    )
    steps = [(_step_time(step), _step_text(step)) for step in shown["steps"]]
    print_section("timeline")
    print_facts(steps)
    if shown["others"]:
        print_section("newest sync of the tag to each other target")
        print_table(SYNCS.columns, shown["others"])


def _print_delivery(shown: Item) -> None:
    delivery, syncs = shown["delivery"], shown["syncs"]
    print_facts(
        [
            ("delivery", delivery["id"]),
            ("outcome", delivery["outcome"]),
            ("why", delivery["reason"]),
            ("received", describe_time(delivery["received_at"])),
            ("sender", f"{delivery['sender']}, dialect {delivery['dialect']}"),
            ("external id", delivery["external_id"]),
            ("replay of", delivery["replayed_from"]),
            ("repeats", delivery["original"]),
            ("from", delivery["client_address"]),
            ("answered", _answer(delivery)),
            ("images", str(delivery["pushes_total"])),
            ("syncs", str(delivery["syncs_total"])),
        ]
    )
    if delivery["pushes"]:
        print_section("images")
        print_facts(
            [(push["image"], push["digest"] or "without a digest") for push in delivery["pushes"]]
        )
    if syncs:
        print_section("syncs")
        print_table(SYNCS.columns, syncs)
    if len(syncs) < delivery["syncs_total"]:
        print_notice(f"There are more: swrhook syncs --delivery {delivery['id']} --all")


def _answer(delivery: Item) -> str | None:
    if delivery["answered"] is None:
        return None
    took = "" if delivery["took_ms"] is None else f", recorded in {delivery['took_ms']} ms"
    return f"{delivery['answered']}{took}"


def _observation(sync: Item) -> str | None:
    if sync["observed_at"] is None:
        return None
    digest = sync["observed_digest"] or "no such tag"
    what = "this digest" if digest == sync["digest"] else digest
    return f"{describe_time(sync['observed_at'])}: {what}"


def _step_time(step: Item) -> str:
    return short_time(step["at"]) if step["at"] else ""


def _step_text(step: Item) -> str:
    return f"{step['title']}: {step['text']}" if step["text"] else str(step["title"])
