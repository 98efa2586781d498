"""The command line: `python -m swrhook COMMAND`.

This module imports nothing heavy, so that `--help` stays fast: `COMMANDS` repeats the first
sentence of each command's help.
"""

from importlib import import_module

import click
from click.shell_completion import CompletionItem

from swrhook import __version__
from swrhook.cli.options import examples

COMMANDS = {
    "serve": "Run the service: HTTP server and sync workers.",
    "worker": "Run sync workers only, on PostgreSQL; receives no deliveries.",
    "db": "Upgrade, check, back up, copy or accept the ledger, swrhook's database.",
    "check": "Check the configuration FILE and everything it refers to.",
    "simulator": "Simulate IAM and SWR regions on this machine, until Ctrl-C.",
    "demo": (
        "Run a demonstration: simulator, service, deliveries from several senders, all outcomes."
    ),
    "syncs": "List syncs, newest first.",
    "show": "Show the sync or the delivery with this ID in full.",
    "deliveries": "List deliveries, newest first.",
    "senders": ("List the configured senders, with what they delivered in the last 24 hours."),
    "explain": "Explain why IMAGE:TAG was, or was not, replicated.",
    "whatif": "Show what the rules in NEWFILE would have done with past pushes.",
    "rules": "Show and accept changed rules that settings.reload_guard holds.",
    "wait": "Wait until IMAGE is verified at every target, as the last step of a job.",
    "available": (
        "Tell whether each IMAGE is at its targets now, asking SWR where that is not known."
    ),
    "order": "Sync IMAGE now, though no delivery announced it; prints the syncs.",
    "retry": "Restart ended syncs under the current rules; prints them.",
    "cancel": "Cancel syncs that are not verified; prints them.",
    "replay": "Process deliveries again with the current configuration; prints the new ones.",
    "pause": "Hold back the syncs of a region, a rule or a sender, or list the pauses.",
    "resume": "End a pause; the syncs that it held back continue in order.",
    "backfill": "Sync tags that repositories or organizations had before there were rules.",
    "reconcile": "Compare sources with targets and repair the differences.",
    "coverage": "Show how many of the tags that the rules select are at their targets.",
    "repairs": "List backfills and reconciles, newest first, or show one with its progress.",
    "notify": "Test the channels for notifications, and list the notifications.",
    "audit": "List who changed what over the API and the dashboard, newest first.",
    "import-autosync": "Print SWR's own automatic synchronization as rules for swrhook.yaml.",
    "completion": "Print the code with which SHELL completes commands, options and their values.",
}
# The other commands are in modules of their own names.
_MODULES = {
    "serve": "processes",
    "worker": "processes",
    "retry": "sync_actions",
    "cancel": "sync_actions",
    "pause": "pauses",
    "resume": "pauses",
    "repairs": "repair_list",
}
# These ask no server, so that an error of Python in them is one of swrhook.
LOCAL = frozenset(
    ("serve", "worker", "db", "check", "simulator", "demo", "import-autosync", "completion")
)


class _LazyGroup(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; return None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = import_module(f"swrhook.cli.{_MODULES.get(cmd_name, name)}")
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. An unknown one is an error that names the closest."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            from swrhook.config.diagnostics import did_you_mean  # noqa: PLC0415  # heavy

            ctx.fail(f'there is no command "{args[0]}": {did_you_mean(args[0], COMMANDS)}')
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command or an option. click's own method would import every command."""
        names = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> object:
        """Run a command. Its error may quote text that must not control the terminal."""
        try:
            return self._invoke(ctx)
        except click.ClickException as exc:
            from swrhook.cli.terminal import printable_lines  # noqa: PLC0415  # imports rich

            exc.message = printable_lines(exc.message)  # type: ignore[misc]  # click says Final
            raise

    def _invoke(self, ctx: click.Context) -> object:
        """Run a command; report an answer of the server that it cannot read."""
        try:
            return super().invoke(ctx)
        except (LookupError, TypeError, AttributeError, ValueError) as exc:
            if ctx.invoked_subcommand in LOCAL or isinstance(exc, UnicodeError):
                raise
            from swrhook.cli.client import UnexpectedAnswer  # noqa: PLC0415  # imports requests

            raise UnexpectedAnswer(exc) from exc

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands. click's own method would import every command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.version_option(__version__, prog_name="swrhook")
@click.group(
    cls=_LazyGroup,
    epilog=examples(
        "python -m swrhook check swrhook.yaml",
        "python -m swrhook syncs --state rejected --since 24h",
        "python -m swrhook explain team-a/web/shop:1.4.2",
        "python -m swrhook wait team-a/web/shop:1.4.2 --since 10m",
    ),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def main() -> None:
    """Turn push events into verified image tags in other SWR regions.

    Commands that need a server use SWRHOOK_URL (default http://127.0.0.1:8080) and SWRHOOK_TOKEN,
    one of access.tokens in the server's configuration. Exit code 0 means success, 1 a failure or
    a negative answer, 2 wrong usage.
    """
