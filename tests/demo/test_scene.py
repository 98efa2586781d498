import json

from swrhook import config
from swrhook.demo.scene import REGIONS, SECRETS, configuration, requests_to_send


def test_the_configuration_has_no_warning_and_no_literal_secret() -> None:
    text = configuration("http://127.0.0.1:1", dict.fromkeys(REGIONS, "http://127.0.0.1:2"))
    parsed = config.parse(
        text.encode(), file="demo", environ=SECRETS, read_file=config.read_secret_file
    )

    assert parsed.warnings == ()
    assert parsed.literal_secrets == ()


def test_three_kinds_of_senders_deliver_json() -> None:
    requests = requests_to_send()

    assert {request.sender for request in requests} == {"harbor", "registry", "ci"}
    assert all(json.loads(request.body) for request in requests)
