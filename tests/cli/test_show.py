"""`show`: a sync or a delivery."""

import json

from swrhook.errors import Kind, SwrError
from swrhook.syncs.states import Event
from tests.cli.conftest import Run
from tests.web.harness import EAST, HONG_KONG, WebHarness


def test_a_sync_has_its_remedy_its_timeline_and_the_other_targets(
    harness: WebHarness, run: Run
) -> None:
    east, hong_kong = harness.push("team/web:v1", EAST, HONG_KONG).syncs
    error = SwrError(Kind.PERMANENT, "SWR.404", "no such organization", remedy="make it")
    harness.happen(east.id, Event.REJECT_BEFORE_CALL, error)

    shown = run("show", east.id).stdout
    as_json = json.loads(run("show", east.id, "--json").stdout)

    facts = dict(line.split("\t")[:2] for line in shown.splitlines() if "\t" in line)
    assert (facts["state"], facts["why"]) == ("rejected", "no such organization (SWR.404)")
    assert facts["remedy"] == "make it"
    assert [title in shown for title in ("Received: ", "Matched: ", "Rejected: ")] == [True] * 3
    assert f"\n{hong_kong.id}\t" in shown
    assert as_json == harness.client().get(f"/api/v1/syncs/{east.id}/timeline").get_json()
    assert as_json["sync"]["error"]["remedy"] == "make it"


def test_a_delivery_has_its_images_and_syncs(harness: WebHarness, run: Run) -> None:
    receipt = harness.push("team/web:v1", EAST, HONG_KONG)

    shown = run("show", receipt.delivery).stdout.splitlines()
    as_json = json.loads(run("show", receipt.delivery, "--json").stdout)

    assert f"delivery\t{receipt.delivery}" == shown[0]
    assert [line.split("\t")[0] for line in shown if "team/web:v1" in line] == [
        "team/web:v1",
        *sorted((sync.id for sync in receipt.syncs), reverse=True),
    ]
    assert as_json["delivery"]["id"] == receipt.delivery
    assert len(as_json["syncs"]) == 2


def test_an_image_without_a_digest_is_listed(harness: WebHarness, run: Run) -> None:
    delivery = harness.push("team/web:v1", digest=None).delivery

    assert "team/web:v1\twithout a digest" in run("show", delivery).stdout.splitlines()


def test_an_unknown_id_is_one_message(run: Run) -> None:
    result = run("show", "nothing")

    message = "Error: there is no sync and no delivery with the id nothing\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)
