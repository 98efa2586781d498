import socket

from click.testing import CliRunner

from swrhook.cli.demo import demo
from swrhook.demo.scene import EXPECTED


def test_the_demonstration_ends_with_all_syncs_verified() -> None:
    result = CliRunner().invoke(demo, ["--once"])

    assert result.exit_code == 0, result.output
    assert f"{EXPECTED} of {EXPECTED} syncs are verified." in result.output
    for answer in ("202 accepted", "200 duplicate", "200 ignored"):
        assert answer in result.output


def test_a_chosen_port_that_is_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(demo, ["--once", "--port", str(port)])

    message = f"port {port} cannot be used (Address already in use): choose another --port"
    assert (result.exit_code, result.stderr) == (1, f"The demonstration failed: {message}\n")
