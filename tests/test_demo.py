"""The demonstration ends with every expected sync verified, and says what it shows."""

import json

from click.testing import CliRunner

from swrhook import config
from swrhook.cli.demo import demo
from swrhook.demo.scene import EXPECTED, REGIONS, SECRETS, configuration, requests_to_send


def test_the_demonstration_ends_by_itself_with_all_verified() -> None:
    shown = CliRunner().invoke(demo, ["--once"])

    assert shown.exit_code == 0, shown.output
    assert f"{EXPECTED} of {EXPECTED} syncs are verified." in shown.output
    for answer in ("202 accepted", "200 duplicate", "200 ignored"):
        assert answer in shown.output


def test_its_configuration_is_valid_without_a_warning_and_without_a_secret() -> None:
    text = configuration("http://127.0.0.1:1", dict.fromkeys(REGIONS, "http://127.0.0.1:2"))
    read = config.parse(
        text.encode(), file="demo", environ=SECRETS, read_file=config.read_secret_file
    )

    assert read.warnings == ()
    assert read.literal_secrets == ()


def test_it_speaks_for_three_kinds_of_senders() -> None:
    sent = requests_to_send()

    assert {"harbor", "registry", "ci"} == {request.sender for request in sent}
    assert all(json.loads(request.body) for request in sent)
