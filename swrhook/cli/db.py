"""The command `db`: the ledger's schema and its backup, apart from any service."""

import os
from pathlib import Path

import click

from swrhook.cli.terminal import examples
from swrhook.errors import SwrhookError
from swrhook.ledger.database import open_database, schema_of
from swrhook.ledger.sqlite import back_up
from swrhook.settings import Settings


@click.group(epilog=examples("python -m swrhook db check", "python -m swrhook db upgrade"))
def db() -> None:
    """Bring the ledger's schema up to date, check it, or back the ledger up.

    The ledger is SWRHOOK_DATABASE_URL. Each start brings it up to date by itself: `upgrade` does
    it before, with the service stopped or, on PostgreSQL, still running.
    """


@db.command()
def upgrade() -> None:
    """Bring the schema up to date; a ledger that is so already stays as it is."""
    try:
        database = open_database(_url(), patience=0)
    except SwrhookError as exc:
        raise click.ClickException(str(exc)) from exc
    database.close()
    click.echo(f"the ledger's schema is at revision {schema_of(_url()).wanted}")


@db.command()
@click.pass_context
def check(context: click.Context) -> None:
    """Say whether this version can use the ledger as it is; changes nothing.

    Ends with 0 when the schema is up to date, else with 1 and what to do.
    """
    try:
        schema = schema_of(_url())
    except SwrhookError as exc:
        raise click.ClickException(str(exc)) from exc
    if not schema.is_current:
        click.echo(
            f"the ledger's schema is at revision {schema.current or 'none'}, this version wants "
            f"{schema.wanted}: run `python -m swrhook db upgrade`, or start the service, which "
            "does the same",
            err=True,
        )
        context.exit(1)
    click.echo(f"the ledger's schema is at revision {schema.current}, as this version wants it")


@db.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Copy a ledger on SQLite into a new FILE, while the service runs.

    The copy is whole as of one moment, and compact. A service that is started on it goes on from
    there. For PostgreSQL there is pg_dump: see docs/operating.md.
    """
    try:
        back_up(_url(), file)
    except SwrhookError as exc:
        raise click.ClickException(str(exc)) from exc
    click.echo(f"the ledger is copied into {file}")


def _url() -> str:
    try:
        return Settings.from_environ(os.environ).database_url  # noqa: TID251  # a start of its own
    except SwrhookError as exc:
        raise click.ClickException(str(exc)) from exc
