"""The command line. A command is imported when it is used: `--help` stays quick."""

import click

from swrhook.cli.lazy_group import Command, LazyGroup
from swrhook.cli.terminal import examples

COMMANDS = {
    "serve": Command("swrhook.cli.processes", "Serve HTTP and work, with ./swrhook.yaml."),
    "worker": Command(
        "swrhook.cli.processes", "Work on what others record, on PostgreSQL; serves no deliveries."
    ),
    "db": Command(
        "swrhook.cli.db", "Bring the ledger's schema up to date, check it, or back the ledger up."
    ),
    "check": Command(
        "swrhook.cli.check", "Check the configuration FILE and everything that it refers to."
    ),
    "simulator": Command(
        "swrhook.cli.simulator", "Simulate IAM and SWR regions on this machine, until Ctrl-C."
    ),
    "demo": Command(
        "swrhook.cli.demo",
        "Run swrhook against a simulator, with deliveries of several senders.",
    ),
    "syncs": Command("swrhook.cli.syncs", "List syncs of a running server, newest first."),
    "deliveries": Command(
        "swrhook.cli.deliveries", "List deliveries of a running server, newest first."
    ),
    "explain": Command("swrhook.cli.explain", "Say why IMAGE:TAG was, or was not, replicated."),
    "whatif": Command(
        "swrhook.cli.whatif",
        "Say what the rules in NEWFILE would have done with the pushes that came.",
    ),
    "wait": Command(
        "swrhook.cli.wait",
        "Wait until IMAGE is verified at every target, as the last step of a job.",
    ),
    "retry": Command(
        "swrhook.cli.sync_actions", "Begin ended syncs from new, as the rules are now; prints them."
    ),
    "cancel": Command("swrhook.cli.sync_actions", "End syncs that are not verified; prints them."),
    "backfill": Command(
        "swrhook.cli.backfill", "Sync the tags that were in repositories before the rules."
    ),
    "reconcile": Command(
        "swrhook.cli.reconcile", "Compare sources with targets, and mend what differs."
    ),
    "replay": Command(
        "swrhook.cli.replay",
        "Read deliveries again, as the configuration is now; prints the new deliveries.",
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

    Those that speak of a running server ask the one at SWRHOOK_URL (default http://127.0.0.1:8080),
    with SWRHOOK_TOKEN, one of access.tokens in its configuration. Commands end with 0 when all is
    well, 1 when it is not, 2 when they are used wrongly.
    """
