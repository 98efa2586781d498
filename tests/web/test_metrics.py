import re
from datetime import timedelta
from pathlib import Path

import sqlalchemy

from swrhook.syncs.states import Event
from swrhook.worker.gateway import Endpoint
from tests.exposition import everything
from tests.web.harness import EAST, HONG_KONG, WebHarness

TEXT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")


def read_samples(harness: WebHarness) -> dict[str, float]:
    """Return what /metrics shows, by name and labels."""
    answer = harness.client().get("/metrics")
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_open_syncs_are_counted_by_state_and_target_region(harness: WebHarness) -> None:
    ended = harness.push("team/web:v1", EAST, HONG_KONG).syncs[0]
    harness.push("team/web:v2", EAST, HONG_KONG)
    harness.happen(ended.id, Event.VERIFY_WITHOUT_CALL)

    samples = {
        name: value for name, value in read_samples(harness).items() if "swrhook_open" in name
    }

    assert samples == {
        'swrhook_open_syncs{state="pending",target_region="ap-southeast-1"}': 2.0,
        'swrhook_open_syncs{state="pending",target_region="cn-east-3"}': 1.0,
    }


def test_the_oldest_pending_sync_has_its_age(harness: WebHarness) -> None:
    harness.push("team/web:v1", ago=timedelta(hours=2))
    harness.push("team/web:v2", ago=timedelta(hours=1))

    samples = read_samples(harness)

    assert samples["swrhook_oldest_pending_sync_seconds"] >= 7200
    assert samples["swrhook_most_overdue_sync_seconds"] >= 7200


def test_an_empty_ledger_has_no_age(harness: WebHarness) -> None:
    samples = read_samples(harness)

    assert (
        samples["swrhook_oldest_pending_sync_seconds"],
        samples["swrhook_most_overdue_sync_seconds"],
        samples["swrhook_ledger_readable"],
    ) == (0.0, 0.0, 1.0)


def test_an_unreadable_ledger_hides_no_other_metric(harness: WebHarness) -> None:
    with harness.database.write() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE syncs"))

    samples = read_samples(harness)

    assert samples["swrhook_ledger_readable"] == 0.0
    assert "swrhook_oldest_pending_sync_seconds" not in samples
    assert "swrhook_configuration_is_current" in samples


def test_the_answer_is_in_the_text_format_of_prometheus(harness: WebHarness) -> None:
    answer = harness.client().get("/metrics")

    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"


def test_regions_show_rate_and_circuit_breakers(harness: WebHarness) -> None:
    harness.endpoints = [Endpoint("cn-east-3", 2.5, {"look_target": True, "sync_images": False})]
    harness.metrics.swr_requests.labels("cn-east-3", "look_target", "transient").inc()
    harness.metrics.postponed.labels("cn-east-3", "breaker").inc()

    samples = {
        name: value
        for name, value in read_samples(harness).items()
        if 'region="cn-east-3"' in name and "_coverage_" not in name
    }

    assert {name: value for name, value in samples.items() if "_created" not in name} == {
        'swrhook_pace_per_second{region="cn-east-3"}': 2.5,
        'swrhook_breaker_open{operation="look_target",region="cn-east-3"}': 1.0,
        'swrhook_breaker_open{operation="sync_images",region="cn-east-3"}': 0.0,
        'swrhook_postponed_total{reason="breaker",region="cn-east-3"}': 1.0,
        "swrhook_swr_requests_total"
        '{operation="look_target",outcome="transient",region="cn-east-3"}': 1.0,
    }


def test_every_metric_is_documented_with_its_type_and_labels(harness: WebHarness) -> None:
    text = harness.client().get("/metrics").text + everything().text().decode()
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \|", TEXT, re.MULTILINE)
    families = re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE)
    # prometheus_client adds `_created`, the time at which a counter began.
    ours = [(name, kind) for name, kind in families if not name.endswith("_created")]

    assert sorted(set(ours)) == sorted(documented)
