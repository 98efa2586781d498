"""The command line: `python -m swrhook COMMAND`.

This module imports nothing heavy, so that `--help` stays fast: `COMMANDS` repeats the first
sentence of each command's help.
"""

import click

from swrhook.cli.lazy_group import Command, LazyGroup
from swrhook.cli.options import examples

COMMANDS = {
    "serve": Command("swrhook.cli.processes", "Run the service: HTTP server and sync workers."),
    "worker": Command(
        "swrhook.cli.processes", "Run sync workers only, on PostgreSQL; receives no deliveries."
    ),
    "db": Command("swrhook.cli.db", "Upgrade, check or back up the ledger, swrhook's database."),
    "check": Command(
        "swrhook.cli.check", "Check the configuration FILE and everything it refers to."
    ),
    "simulator": Command(
        "swrhook.cli.simulator", "Simulate IAM and SWR regions on this machine, until Ctrl-C."
    ),
    "demo": Command(
        "swrhook.cli.demo",
        "Run a demonstration: simulator, service, deliveries from several senders, all outcomes.",
    ),
    "syncs": Command("swrhook.cli.syncs", "List syncs, newest first."),
    "deliveries": Command("swrhook.cli.deliveries", "List deliveries, newest first."),
    "explain": Command("swrhook.cli.explain", "Explain why IMAGE:TAG was, or was not, replicated."),
    "whatif": Command(
        "swrhook.cli.whatif", "Show what the rules in NEWFILE would have done with past pushes."
    ),
    "wait": Command(
        "swrhook.cli.wait",
        "Wait until IMAGE is verified at every target, as the last step of a job.",
    ),
    "retry": Command(
        "swrhook.cli.sync_actions", "Restart ended syncs under the current rules; prints them."
    ),
    "cancel": Command(
        "swrhook.cli.sync_actions", "Cancel syncs that are not verified; prints them."
    ),
    "backfill": Command(
        "swrhook.cli.backfill", "Sync the tags that repositories had before the rules."
    ),
    "reconcile": Command(
        "swrhook.cli.reconcile", "Compare sources with targets and repair the differences."
    ),
    "replay": Command(
        "swrhook.cli.replay",
        "Process deliveries again with the current configuration; prints the new ones.",
    ),
}


@click.group(
    cls=LazyGroup,
    commands_of=COMMANDS,
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
