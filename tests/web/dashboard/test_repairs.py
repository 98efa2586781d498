"""The pages of repairs: begin one, see its plan, start and cancel it."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from swrhook.ledger.findings import store_findings
from swrhook.ledger.repairs import advance, claim_next
from swrhook.model import PlannedSync
from swrhook.syncs.reconciliation import Cost, Drift, Finding, Progress, Stage
from tests.factories import TARGET, A, push
from tests.web.harness import NOW, OPERATE, READ, WebHarness, form_key, signed_in, writes

# Later than a repair of this run is due.
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def client(harness: WebHarness) -> FlaskClient:
    return signed_in(harness, OPERATE)


def post(client: FlaskClient, path: str, **form: str) -> Any:
    return client.post(path, data={"form_key": form_key(client.get("/repairs")), **form})


def compare(harness: WebHarness, stage: Stage) -> None:
    """Let the repair find one tag missing and another one the same."""
    found = [
        Finding(PlannedSync(push(tag, A), TARGET, override=False, rule="all"), drift, None, missing)
        for tag, drift, missing in (("v1", Drift.MISSING, True), ("v2", Drift.SAME, False))
    ]
    with harness.database.write() as connection:
        claimed = claim_next(connection, LATER)
        assert claimed is not None
        repair, claim = claimed
        store_findings(connection, repair.id, found, latest=False)
        progress = Progress(stage, LATER, cost=Cost(1, 2), calls=3)
        assert advance(connection, claim, LATER, progress)


def test_a_backfill_shows_its_plan_and_starts_on_demand(
    harness: WebHarness, client: FlaskClient
) -> None:
    path = post(client, "/repairs", kind="backfill", repositories="team/web").location
    compare(harness, Stage.PLANNED)
    plan, same = client.get(path).text, client.get(f"{path}?drift=same").text

    assert "1 sync: 1 call of <code>sync_images</code>, and about 2 requests" in plan
    assert ("<b>:v1</b>" in plan, "<b>:v2</b>" in plan) == (True, False)
    assert ("<b>:v1</b>" in same, "<b>:v2</b>" in same) == (False, True)
    assert post(client, f"{path}/start").status_code == 303
    assert "its syncs are being recorded" in client.get(path).text
    assert post(client, f"{path}/cancel").status_code == 303
    assert post(client, f"{path}/start").status_code == 409
    assert [action for _, _, action, *_ in writes(harness)][:2] == [
        "POST /repairs/<repair_id>/start",
        "POST /repairs/<repair_id>/cancel",
    ]


def test_a_report_can_be_turned_into_a_repair(harness: WebHarness, client: FlaskClient) -> None:
    path = post(client, "/repairs", kind="reconcile", repositories="team/web").location
    compare(harness, Stage.DONE)
    report = client.get(path).text
    repair = client.get(
        post(client, "/repairs", kind="reconcile", repositories="team/web", repair="1").location
    ).text

    assert ("it only reports" in report, "Repair these" in report) == (True, True)
    assert "it only reports" not in repair
    assert client.get("/repairs?kind=backfill").text.count("reconcile, report only") == 0


def test_a_wrong_form_says_why_and_readers_have_no_form(
    harness: WebHarness, client: FlaskClient
) -> None:
    wrong = post(client, "/repairs", kind="backfill", repositories="team/WEB")
    unknown = post(client, "/repairs", kind="backfill", repositories="team/web", rule="other")
    reader = signed_in(harness, READ)

    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert "must be namespace/repository" in wrong.text
    assert "there is no rule other" in unknown.text
    assert "Compare" not in reader.get("/repairs").text
    form = {"form_key": form_key(reader.get("/syncs")), "kind": "reconcile"}
    assert reader.post("/repairs", data=form).status_code == 403
