"""`notify` against a served API, with a notifier that delivers to a real receiver."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from swrhook.auth.standard_webhooks import signing_key
from swrhook.config.model import Notify, WebhookChannel
from swrhook.metrics import Metrics
from swrhook.service.notifier import Notifier
from tests.channels.receiver import Receiver, receive
from tests.cli.conftest import Run
from tests.web.harness import OPERATE, WebHarness

KEY = signing_key(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@pytest.fixture
def receiver(harness: WebHarness) -> Iterator[Receiver]:
    """The receiver of the channel cd, beside a channel that nobody serves."""
    with receive() as receiver:
        channels = {
            "cd": WebhookChannel("cd", receiver.url, KEY),
            "dead": WebhookChannel("dead", "http://127.0.0.1:9/", KEY),
        }
        harness.config = replace(harness.config, notify=Notify(None, channels))
        notifier = Notifier(
            harness.database, harness, harness.context.clock, Metrics(), interval=0.05
        )
        notifier.start()
        yield receiver
        notifier.stop()


@pytest.mark.usefixtures("receiver")
def test_a_test_exits_with_0_if_the_channel_accepts_it(run: Run, receiver: Receiver) -> None:
    result = run("notify", "test", "cd", "--json", SWRHOOK_TOKEN=OPERATE)

    assert (result.exit_code, json.loads(result.stdout)["state"]) == (0, "sent")
    assert len(receiver.requests) == 1


@pytest.mark.usefixtures("receiver")
def test_a_test_of_all_channels_exits_with_1_if_one_fails(run: Run) -> None:
    result = run("notify", "test", SWRHOOK_TOKEN=OPERATE)

    assert result.exit_code == 1
    assert "cannot be reached: ConnectionError" in result.stdout


@pytest.mark.usefixtures("receiver")
def test_the_list_shows_what_was_told(run: Run) -> None:
    run("notify", "test", "cd", SWRHOOK_TOKEN=OPERATE)

    result = run("notify", "list", "--channel", "cd", "--state", "sent")

    assert (result.exit_code, "a test of the channel cd, by ops" in result.stdout) == (0, True)


def test_without_channels_a_test_says_so(run: Run) -> None:
    result = run("notify", "test", SWRHOOK_TOKEN=OPERATE)

    assert (result.exit_code, "no channel is configured" in result.stderr) == (1, True)
