from collections.abc import Iterator
from pathlib import Path

import pytest

from swrhook import simulator
from tests.programs import TOKEN, Served, configuration

SOURCE, TARGET = "cn-north-4", "cn-east-3"
SECRET = "a-secret-of-the-senders"
ENVIRON = {"SENDER_SECRET": SECRET, "SWR_PASSWORD": "demo", "OPERATOR_TOKEN": TOKEN}


@pytest.fixture
def swr() -> Iterator[simulator.RunningSimulator]:
    """The regions, with the organization `team` and the tags v0 to v9 of team/app."""
    with simulator.start([SOURCE, TARGET], delay=0.1) as running:
        running.state.create_organization(TARGET, "team")
        for number in range(10):
            running.state.seed(SOURCE, "team", "app", f"v{number}")
        yield running


@pytest.fixture
def service(tmp_path: Path, swr: simulator.RunningSimulator) -> Iterator[Served]:
    """The service, configured for two senders and not started."""
    served = Served(tmp_path, ENVIRON)
    served.configure(document(swr))
    yield served
    served.close()


def document(swr: simulator.RunningSimulator, **settings: object) -> dict[str, object]:
    """Return a configuration without a secret in it: the ledger keeps it."""
    auth = {"scheme": "bearer", "secrets": ["${SENDER_SECRET}"]}
    senders = {
        name: {"dialect": dialect, "region": SOURCE, "auth": auth}
        for name, dialect in (("ci", "generic"), ("harbor", "harbor"))
    }
    rule = {
        "name": "all",
        "when": {"namespace": "team"},
        "sync": [{"region": TARGET, "namespace": "team"}],
    }
    whole = configuration(swr.iam_url, swr.endpoints, senders, [rule])
    whole["settings"] |= settings
    whole["swr"]["credentials"]["password"] = "${SWR_PASSWORD}"
    whole["access"]["tokens"][0]["token"] = "${OPERATOR_TOKEN}"
    return whole
