"""Several web processes behind one address: whichever is asked for /metrics, it counts for all."""

from pathlib import Path

import requests

from tests.postgresql import new_database
from tests.programs import TOKEN, Served, configuration

SECRET = "a-secret-of-the-tests"
NOWHERE = "http://127.0.0.1:1"
SENT = 40


def test_every_process_shows_the_counters_of_all(tmp_path: Path) -> None:
    with new_database() as url:
        environ = {"SWRHOOK_DATABASE_URL": url, "WEB_CONCURRENCY": "2", "SWRHOOK_WORKERS": "0"}
        served = Served(tmp_path, environ)
        auth = {"scheme": "bearer", "secrets": [SECRET]}
        sender = {"dialect": "generic", "region": "cn-north-4", "auth": auth}
        regions = {"cn-north-4": NOWHERE, "cn-east-3": NOWHERE}
        rule = {"name": "all", "when": {}, "sync": [{"region": "cn-east-3", "namespace": "team"}]}
        served.configure(configuration(NOWHERE, regions, {"ci": sender}, [rule]))
        served.start()
        try:
            for number in range(SENT):
                deliver(served, number)
            counted = [scrape(served) for _ in range(12)]  # a new connection for each
            assert len(served.children()) == 2
        finally:
            served.close()

    line = 'swrhook_deliveries_total{outcome="accepted",sender="ci"}'
    assert {str(float(SENT))} == {lines[line] for lines in counted}
    assert {lines["swrhook_configuration_is_current"] for lines in counted} == {"1.0"}
    assert {lines["swrhook_ledger_readable"] for lines in counted} == {"1.0"}
    assert all(any(name.startswith("swrhook_build_info") for name in lines) for lines in counted)


def deliver(served: Served, number: int) -> None:
    answer = requests.post(
        f"{served.url}/hooks/ci",
        json={"image": f"team/web:v{number}"},
        headers={"Authorization": f"Bearer {SECRET}"},
        timeout=10,
    )
    assert answer.ok, answer.text


def scrape(served: Served) -> dict[str, str]:
    """Return the value of each line by what stands before it."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    text = requests.get(f"{served.url}/metrics", headers=headers, timeout=10).text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in lines}
