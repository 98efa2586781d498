"""The command line. A command is imported when it is used: `--help` stays quick."""

import click

from swrhook.cli.lazy import Command, LazyGroup

COMMANDS = {
    "serve": Command("swrhook.cli.serve", "Serve HTTP and work, with ./swrhook.yaml."),
    "check": Command(
        "swrhook.cli.check", "Check the configuration FILE and everything that it refers to."
    ),
    "simulator": Command(
        "swrhook.simulator.command", "Simulate IAM and SWR regions on this machine, until Ctrl-C."
    ),
    "demo": Command(
        "swrhook.demo.command",
        "Show swrhook at work: simulator, service, deliveries of several senders, every outcome.",
    ),
    "syncs": Command("swrhook.cli.syncs", "List syncs of a running server, newest first."),
    "deliveries": Command(
        "swrhook.cli.deliveries", "List deliveries of a running server, newest first."
    ),
    "replay": Command(
        "swrhook.cli.replay",
        "Read deliveries again, as the configuration is now; prints the new deliveries.",
    ),
}


@click.group(
    cls=LazyGroup,
    commands_of=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def main() -> None:
    """Turn push events into verified image tags in other SWR regions.

    syncs, deliveries and replay ask a running server: SWRHOOK_URL (default http://127.0.0.1:8080),
    with SWRHOOK_TOKEN, one of access.tokens in its configuration.
    """
