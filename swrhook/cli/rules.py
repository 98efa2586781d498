"""The command `rules`: shows and accepts changed rules that the reload guard holds."""

import json
from pathlib import Path

import click

from swrhook.cli.client import Client, Item, connect
from swrhook.cli.options import examples, json_option, yes_option
from swrhook.cli.terminal import print_notice, printable
from swrhook.cli.whatif import compared_tags, count_changes, print_changes, read_excerpt

_PENDING = "/api/v1/rules/pending"


@click.group(
    epilog=examples(
        "python -m swrhook rules pending",
        "python -m swrhook rules accept",
        "python -m swrhook rules accept --file swrhook.new.yaml --yes",
    )
)
def rules() -> None:
    """Show and accept changed rules that settings.reload_guard holds."""


@rules.command()
@json_option()
def pending(*, as_json: bool) -> None:
    """Show which rules are held, and what they would change."""
    rules_held = connect().page(_PENDING, {})["items"]
    if as_json:
        for item in rules_held:
            click.echo(json.dumps(item))
    elif not rules_held:
        print_notice("No rules are pending.")
    else:
        _print_all(rules_held)


@rules.command()
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    help="Accept the rules of this file, before its rollout.",
)
@yes_option
def accept(file: Path | None, *, yes: bool) -> None:
    """Let every process use the rules that are held, or those of a file. Needs the role admin.

    Of the file only rules, defaults, region names, and each sender's region and image are sent.
    """
    client = connect()
    if file is not None:
        body: Item = {"candidate": read_excerpt(file)}
        question = f"Let every process use the rules of {file}?"
    else:
        rules_held = client.page(_PENDING, {})["items"]
        if len(rules_held) != 1:
            raise click.ClickException(
                "no rules are pending"
                if not rules_held
                else "several processes have different files: make them the same, or use --file"
            )
        _print_all(rules_held)
        body = {"fingerprint": rules_held[0]["fingerprint"]}
        question = "Let every process use them?"
    if not yes:
        click.confirm(question, abort=True, err=True)
    _accept(client, body)


def _accept(client: Client, body: Item) -> None:
    answer = client.post("/api/v1/rules/accept", body)
    click.echo(printable(f"accepted {answer['fingerprint']}"))


def _print_all(rules_held: list[Item]) -> None:
    for item in rules_held:
        _print(item)


def _print(item: Item) -> None:
    effect = item["effect"]
    click.echo(
        printable(f"The rules of the file {item['version']} are held since {item['at'][:19]}Z.")
    )
    if effect is None:
        click.echo("Their effect could not be measured in time.")
        return
    click.echo(
        f"Of {compared_tags(effect)} announced in 7 days, with {effect['syncs']} syncs:"
        f" {count_changes(effect)}."
    )
    print_changes(effect)
