"""The command `simulator`: runs IAM and SWR regions on loopback until it is interrupted."""

import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import click
from rich.console import Console
from rich.table import Table

from swrhook import simulator as simulators
from swrhook.errors import BadRecording
from swrhook.simulator.launcher import REGIONS, RunningSimulator
from swrhook.simulator.model import DEMO, Scenario
from swrhook.simulator.scenario import Reader, ScenarioError
from swrhook.swr.recordings import Recording, read_recording

_LOGIN = (
    '{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"demo",'
    '"password":"demo","domain":{"name":"demo"}}}},"scope":{"project":{"name":"%s"}}}}'
)


@click.command(
    epilog="\b\nExamples:\n  python -m swrhook simulator --port 9100 --regions cn-north-4,cn-east-3"
)
@click.option(
    "--port",
    default=9100,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="IAM's port; 0 picks free ports.",
)
@click.option(
    "--regions",
    help=f"The regions; default {','.join(REGIONS)} or, with --recorded, those of the file.",
)
@click.option(
    "--mirror",
    "mirrors",
    multiple=True,
    metavar="REGION=REGISTRY_URL",
    help="Read this region's tags from a docker registry. Repeatable.",
)
@click.option(
    "--delay",
    default=0.5,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds until a synced tag appears at its target.",
)
@click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    help="A YAML or JSON file with organizations, tags, faults and settings.",
)
@click.option(
    "--recorded",
    type=click.Path(path_type=Path),
    help="Give the answers that `check --online --record` wrote.",
)
@click.option(
    "--seed", type=int, help="Random seed for faults that affect only a share of the calls."
)
@click.option("--bind", default="127.0.0.1", show_default=True, help="The address to listen on.")
def simulator(  # noqa: PLR0913, PLR0917 - an argument for each option
    port: int,
    regions: str | None,
    mirrors: Sequence[str],
    delay: float,
    scenario: Path | None,
    recorded: Path | None,
    seed: int | None,
    bind: str,
) -> None:
    """Simulate IAM and SWR regions on this machine, until Ctrl-C.

    IAM listens on --port, the regions on the ports after it. User, password and account are `demo`.
    """
    recording = _recording(recorded)
    names = _regions(regions) if regions else recording.regions or REGIONS
    try:
        running = simulators.start(
            names,
            port=port,
            bind=bind,
            delay=delay,
            mirror=_mirrors(mirrors, names),
            scenario=_scenario(scenario, names, seed),
            recorded=recording.exchanges,
        )
    except ScenarioError as exc:
        raise click.ClickException(str(exc)) from exc
    except (OSError, OverflowError) as exc:
        last = port + len(names)
        message = f"cannot listen on {bind}, ports {port} to {last}: {exc}"
        raise click.ClickException(message) from exc
    stop = Event()
    # Before the endpoints are printed, since their reader may stop the simulator at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with running:
        _print_endpoints(running)
        stop.wait()


def _recording(path: Path | None) -> Recording:
    try:
        return read_recording(path) if path else Recording([])
    except BadRecording as exc:
        raise click.ClickException(str(exc)) from exc


def _scenario(path: Path | None, regions: Sequence[str], seed: int | None) -> Scenario:
    scenario = Reader(regions).file(path) if path else Scenario()
    if seed is None:
        return scenario
    return replace(scenario, settings={**scenario.settings, "seed": seed})


def _regions(text: str) -> Sequence[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) != len(names):
        message = f"{text!r} is not a comma-separated list of different regions"
        raise click.BadParameter(message, param_hint="--regions")
    return names


def _mirrors(texts: Sequence[str], regions: Sequence[str]) -> dict[str, str]:
    mirrors: dict[str, str] = {}
    for text in texts:
        region, _, url = text.partition("=")
        if region not in regions or not url.startswith(("http://", "https://")):
            message = f"{text!r} is not REGION=http://… with one of {', '.join(regions)}"
            raise click.BadParameter(message, param_hint="--mirror")
        mirrors[region] = url
    return mirrors


def _print_endpoints(running: RunningSimulator) -> None:
    console = Console(soft_wrap=True, highlight=False)
    table = Table("service", "endpoint")
    table.add_row("IAM, control API at /_sim/", running.iam_url)
    for region, url in running.endpoints.items():
        table.add_row(f"SWR {region}", url)
    console.print(table)
    console.print(f"user [b]{DEMO.name}[/], password [b]{DEMO.password}[/], domain {DEMO.domain}")
    key = DEMO.key
    console.print(f"access key [b]{key.access}[/], secret [b]{key.secret}[/]")
    region = next(iter(running.endpoints))
    url = f"{running.iam_url}/v3/auth/tokens?nocatalog=true"
    console.print("To get a token (X-Subject-Token), for example:")
    command = f"curl -si {url} -H 'Content-Type: application/json' -d '{_LOGIN % region}'"
    console.print(command, markup=False)
    # A pipe is buffered, and its reader waits for the endpoints.
    console.file.flush()
