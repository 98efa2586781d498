"""The command `db`: upgrades, checks, backs up, copies and accepts the ledger."""

import os
import sys
from pathlib import Path

import click

from swrhook.cli.options import examples, text_option
from swrhook.cli.terminal import count_of, print_notice, progress_bar
from swrhook.errors import SwrhookError
from swrhook.ledger.database import accept_file, open_database, schema_of
from swrhook.ledger.sqlite import back_up
from swrhook.ledger.transfer import copy_ledger, count_rows
from swrhook.settings import Settings


class _LedgerGroup(click.Group):
    """A group that turns errors of the package into messages for the terminal."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except SwrhookError as exc:
            raise click.ClickException(str(exc)) from exc


@click.group(
    cls=_LedgerGroup, epilog=examples("python -m swrhook db check", "python -m swrhook db upgrade")
)
def db() -> None:
    """Upgrade, check, back up, copy or accept the ledger, swrhook's database.

    SWRHOOK_DATABASE_URL names the ledger. The service upgrades the schema when it starts;
    `upgrade` does it beforehand, with the service stopped or, on PostgreSQL, still running.
    """


@db.command()
def upgrade() -> None:
    """Upgrade the schema; does nothing if it is up to date."""
    url = _ledger_url()
    open_database(url, patience=0).close()
    click.echo(f"the ledger's schema is at revision {schema_of(url).current}")


@db.command()
def check() -> None:
    """Check whether the schema is this version's; changes nothing.

    Exit code 0 if the schema is up to date; otherwise 1, and a message says what to do.
    """
    schema = schema_of(_ledger_url())
    if schema.is_newer:
        click.echo(
            f"the ledger's schema is at revision {schema.current}, of a later version, and this "
            f"version ({schema.head}) can use it"
        )
        return
    if schema.is_usable:
        click.echo(f"the ledger's schema is at revision {schema.current}, as required")
        return
    print_notice(
        f"the ledger's schema is at revision {schema.current or 'none'}, this version requires "
        f"{schema.head}: run `python -m swrhook db upgrade`, or start the service, which does "
        "the same"
    )
    sys.exit(1)


@db.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Copy an SQLite ledger to a new FILE while the service runs.

    The copy is consistent and compact. A service started on it continues from the moment of the
    copy. For PostgreSQL use pg_dump: see docs/how-to/back-up-and-restore.md.
    """
    back_up(_ledger_url(), file)
    click.echo(f"the ledger was copied to {file}")


@db.command()
@text_option(
    "--from", "The SQLite ledger; default: SWRHOOK_DATABASE_URL.", name="source", metavar="URL"
)
@text_option("--to", "The empty PostgreSQL database.", name="target", metavar="URL", required=True)
def copy(source: str | None, target: str) -> None:
    """Copy an SQLite ledger to an empty PostgreSQL database, with the service stopped.

    Every row is copied and compared. If it is interrupted, run it again and it goes on. A password
    in PGPASSWORD is not shown in the list of processes.
    """
    source = source or _ledger_url()
    _require(source, "sqlite:", "--from must be sqlite:///FILE")
    _require(target, "postgresql", "--to must be postgresql+psycopg://…")
    schema_of(source)  # otherwise a file that is not there would be created
    with progress_bar("Copying rows", count_rows(source)) as progress:
        copies = copy_ledger(source, target, progress.advance)
    rows = sum(table.rows for table in copies)
    tables = count_of(len(copies), "table")
    click.echo(f"copied and compared {tables} with {count_of(rows, 'row')}")
    click.echo("now set SWRHOOK_DATABASE_URL to the new ledger, and start the service")


@db.command()
def accept() -> None:
    """Accept the SQLite ledger that is there now, with the service stopped.

    The service refuses to start when its ledger is gone, another one, or older than when it was
    last used. After you restored a backup on purpose, this command lets it start.
    """
    url = _ledger_url()
    is_there = accept_file(url)
    click.echo(
        "the ledger is accepted as it is: the service can start"
        if is_there
        else "there is no ledger: the next start of the service creates an empty one"
    )


def _require(url: str, beginning: str, message: str) -> None:
    if not url.startswith(beginning):
        raise click.UsageError(message)


def _ledger_url() -> str:
    environ = os.environ  # noqa: TID251  # a command reads the environment itself
    return Settings.from_environ(environ).database_url
