import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from swrhook.errors import Kind, SwrError
from swrhook.ledger.database import Database
from swrhook.ledger.observations import keep_observations
from swrhook.ledger.queries.pagination import lowest_id
from swrhook.ledger.tables import syncs
from swrhook.model import Outcome
from swrhook.service.health import Health
from swrhook.syncs.observations import Place, TagObservation
from swrhook.syncs.states import Event
from swrhook.web.dashboard.labels import OUTCOMES, STATES
from swrhook.web.dashboard.repositories import MOST_TAGS, to_cell
from tests.web.harness import (
    ADMIN,
    EAST,
    HONG_KONG,
    NOW,
    OPERATE,
    READ,
    SECRET,
    WebHarness,
    form_key,
    image_entry,
    signed_in,
)

REFUSED = SwrError(Kind.CONFIGURATION, "SVCSTG.SWR.403", "not ours", remedy="create it")
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


@pytest.fixture
def harness(database: Database) -> WebHarness:
    harness = WebHarness(database)
    harness.own_web()  # with no overview in its cache
    return harness


@pytest.fixture
def client(harness: WebHarness) -> FlaskClient:
    return signed_in(harness, OPERATE)


def press(client: FlaskClient, path: str) -> Any:
    return client.post(path, data={"form_key": form_key(client.get("/"))})


def reject(harness: WebHarness, image: str, **more: Any) -> str:
    [sync] = harness.push(image, **more).syncs
    harness.happen(sync.id, Event.CLAIM)
    harness.happen(sync.id, Event.REJECT, REFUSED)
    return sync.id


def test_without_problems_nothing_needs_attention(harness: WebHarness, client: FlaskClient) -> None:
    harness.push("team/web:v1")

    assert "Nothing needs attention" in client.get("/").text


def test_the_documentation_of_the_settings_is_linked(
    harness: WebHarness, client: FlaskClient
) -> None:
    assert "Documentation</a>" not in client.get("/").text

    url = "https://docs.example.com/swrhook"
    options = replace(harness.config.options, documentation=url)
    harness.config = replace(harness.config, options=options)

    assert f'<a href="{url}">Documentation</a>' in client.get("/").text


def test_what_has_no_reason_says_none_of_it(harness: WebHarness, client: FlaskClient) -> None:
    harness.push("team/web:v1")

    for path in ("/deliveries", "/syncs", "/explain?image=team/web:v1"):
        assert "None" not in client.get(path).text


def test_held_up_syncs_are_shown_with_the_reason(harness: WebHarness, client: FlaskClient) -> None:
    harness.push("team/web:v1")
    [held_up] = harness.push("team/web:v2").syncs
    reason = "circuit breaker open for cn-north-4 (look_source): 5 requests in a row failed"
    values = {"failing_since": NOW, "reason": reason}
    with harness.database.write() as connection:
        connection.execute(update(syncs).where(syncs.c.id == held_up.id).values(**values))

    overview = client.get("/").text

    assert "1 thing needs attention" in overview
    assert "1 tag is held up on the way to cn-east-3." in overview
    assert "Why: circuit breaker open for cn-north-4" in overview


def test_a_failed_sync_without_a_newer_one_needs_attention(
    harness: WebHarness, client: FlaskClient
) -> None:
    reject(harness, "team/web:v1")
    reject(harness, "team/web:v2")
    reject(harness, "team/web:v3", ago=timedelta(days=8))
    harness.push("team/web:v2", digest=None)

    overview = client.get("/").text
    assert "1 tag is rejected in cn-east-3" in overview
    assert "Why: not ours." in overview
    page = client.get("/syncs?show=rejected&standing=1&since=7d").text
    assert ("team/web<b>:v1</b>" in page, "team/web<b>:v2</b>" in page) == (True, False)


def test_a_verified_sync_whose_image_is_gone_is_marked(
    harness: WebHarness, client: FlaskClient
) -> None:
    [sync] = harness.push("team/web:v1").syncs
    harness.happen(sync.id, Event.VERIFY_WITHOUT_CALL)
    with harness.database.write() as connection:
        place = Place("cn-east-3", "team", "web", "v1")
        keep_observations(connection, [TagObservation(place, None, NOW + timedelta(hours=1))])

    paths = (f"/syncs/{sync.id}", "/syncs", "/repositories")
    pages = {path: client.get(path).text for path in paths}

    assert [path for path, page in pages.items() if "missing now" not in page] == []
    assert "The target does not hold the tag any more, since" in pages[f"/syncs/{sync.id}"]
    assert "Last observed" in pages[f"/syncs/{sync.id}"]


def test_a_sync_in_progress_for_too_long_is_late(harness: WebHarness, client: FlaskClient) -> None:
    harness.push("team/web:v1")
    harness.push("team/web:v2")
    with harness.database.write() as connection:
        old = lowest_id(NOW - timedelta(hours=1))
        connection.execute(update(syncs).where(syncs.c.tag == "v1").values(id=old))
    page = client.get("/").text
    [path] = re.findall(r'href="(/syncs[^"]*cursor=[^"]*)"', page)
    late = client.get(path.replace("&amp;", "&")).text

    assert "1 tag is late for cn-east-3: pending for more than 10 min" in page
    assert ("<b>:v1</b>" in late, "<b>:v2</b>" in late) == (True, False)


def test_an_invalid_file_and_an_unready_process_need_attention(harness: WebHarness) -> None:
    health = Health(
        checks={"ledger": lambda: "the disk is full"},
        notes={"configuration": lambda: "the file is wrong"},
    )
    harness.own_web(replace(harness.context, health=health))
    page = signed_in(harness, READ).get("/").text

    assert "This process is not ready: ledger: the disk is full" in page
    assert "Configuration: the file is wrong" in page


def test_a_silent_sender_needs_attention(harness: WebHarness) -> None:
    silent = replace(harness.config.senders["ci"], expect_every=timedelta(hours=1))
    harness.config = replace(harness.config, senders={"ci": silent})
    harness.push("team/web:v1", ago=timedelta(hours=3))

    assert "ci is silent" in signed_in(harness, READ).get("/").text


@pytest.mark.parametrize("path", ["/", "/syncs", "/deliveries", "/repositories", "/rules"])
def test_every_page_works_with_an_empty_ledger(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


def test_every_state_and_outcome_has_a_label(harness: WebHarness) -> None:
    spec = harness.client().get("/api/openapi.json").get_json()["components"]["schemas"]

    assert set(spec["Sync"]["properties"]["state"]["enum"]) == set(STATES)
    assert set(spec["Delivery"]["properties"]["outcome"]["enum"]) == set(OUTCOMES)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["v1", "v2"]),
        ("show=failing", ["v1"]),
        ("show=open", ["v2"]),
        ("image=team/web:v2", ["v2"]),
        ("region=ap-southeast-1", ["v2"]),
        ("since=1h&namespace=team", ["v1"]),
        ("show=&region=&image=&since=&namespace=", ["v1", "v2"]),
    ],
)
def test_syncs_are_filtered(
    harness: WebHarness, client: FlaskClient, query: str, shown: Sequence[str]
) -> None:
    reject(harness, "team/web:v1")
    harness.push("team/web:v2", HONG_KONG)
    page = client.get(f"/syncs?{query}").text

    assert list(shown) == [tag for tag in ("v1", "v2") if f"<b>:{tag}</b>" in page]


@pytest.mark.parametrize(
    "path",
    ["/syncs?show=x", "/syncs?since=yesterday", "/repositories?since=x", "/deliveries?outcome=x"],
)
def test_an_invalid_filter_shows_the_reason(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert "The filter is invalid" in answer.text


@pytest.mark.parametrize(
    "path", ["/syncs", "/deliveries", "/repositories", "/explain", "/rules", "/notifications"]
)
def test_a_page_chooses_no_value_of_a_repeated_parameter(client: FlaskClient, path: str) -> None:
    answer = client.get(f"{path}?image=team/a&image=team/b")

    assert answer.status_code == 422
    assert "image: may be given only once." in answer.text


def test_lists_come_in_pages(harness: WebHarness, client: FlaskClient) -> None:
    for number in range(51):
        harness.push(f"team/web:v{number}")
    first = client.get("/syncs?region=cn-east-3").text
    [following] = [part.split('"')[0] for part in first.split('href="') if "cursor=" in part]
    second = client.get(following.replace("&amp;", "&")).text

    assert ("<b>:v0</b>" in first, "<b>:v0</b>" in second) == (False, True)


@pytest.mark.parametrize("path", ["/syncs/unknown", "/deliveries/unknown"])
def test_an_unknown_id_is_a_404_page(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.content_type) == (404, "text/html; charset=utf-8")
    assert "old ones are deleted" in answer.text


def test_the_buttons_retry_and_cancel(harness: WebHarness, client: FlaskClient) -> None:
    sync = reject(harness, "team/web:v1")
    assert "Retry" in client.get(f"/syncs/{sync}").text

    answer = press(client, f"/syncs/{sync}/retry")
    page = client.get(answer.location).text
    assert (answer.status_code, "Restarted with the current rules" in page) == (303, True)
    assert ("Retry</button>" in page, "Cancel this sync" in page) == (False, True)

    page = client.get(press(client, f"/syncs/{sync}/cancel").location).text
    assert "cancelled by an operator" in page
    assert press(client, f"/syncs/{sync}/cancel").status_code == HTTPStatus.CONFLICT


def test_the_button_replays_a_delivery(harness: WebHarness, client: FlaskClient) -> None:
    hook = harness.client(SECRET)
    delivery = hook.post("/hooks/ci", json={"image": "team/web:v1"}).get_json()["delivery"]

    answer = press(client, f"/deliveries/{delivery}/replay")
    page = client.get(answer.location).text
    assert answer.status_code == 303
    assert f'It is a replay of <a href="/deliveries/{delivery}"' in page


def test_the_role_read_has_no_buttons_and_cannot_use_them(harness: WebHarness) -> None:
    sync = reject(harness, "team/web:v1")
    delivery = harness.push("team/web:v2").delivery
    reader = signed_in(harness, READ)

    for path in (f"/syncs/{sync}", f"/deliveries/{delivery}"):
        assert [
            part.partition("</button>")[0].rpartition(">")[2]
            for part in reader.get(path).text.partition("<footer")[0].split("<button")[1:]
        ] == ["Sign out"]
    for path in (f"/syncs/{sync}/retry", f"/deliveries/{delivery}/replay", f"/syncs/{sync}/cancel"):
        assert press(reader, path).status_code == 403


def test_a_pressed_button_is_in_the_audit_log(harness: WebHarness, client: FlaskClient) -> None:
    sync = reject(harness, "team/web:v1")
    press(client, f"/syncs/{sync}/retry")

    [write, *_] = harness.client(ADMIN).get("/api/v1/audit").get_json()["items"]
    assert (
        write["token"],
        write["action"],
        write["object"],
    ) == ("ops", "POST /syncs/<sync_id>/retry", sync)


def test_hostile_text_is_escaped(harness: WebHarness, client: FlaskClient) -> None:
    sync = reject(harness, "team/web:v1")
    with harness.database.write() as connection:
        hostile = dict.fromkeys(("tag", "reason", "error_message", "rule", "sender"), HOSTILE)
        connection.execute(update(syncs).values(**hostile))
    quarantined = replace(
        image_entry("team/web:v1", outcome=Outcome.QUARANTINED, reason=HOSTILE),
        body=HOSTILE.encode(),
        headers={"user-agent": HOSTILE},
    )
    delivery = harness.record(quarantined).delivery

    for path in ("/", f"/syncs/{sync}", "/syncs", "/deliveries", f"/deliveries/{delivery}"):
        page = client.get(path).text
        assert ("<script>alert" in page, "<img src=x" in page) == (False, False)
    assert "&lt;script&gt;" in page


def test_the_matrix_has_the_newest_tags_of_each_repository(harness: WebHarness) -> None:
    for number in range(MOST_TAGS + 2):
        harness.push(f"team/web:v{number}", EAST, HONG_KONG)
    harness.push("team/jobs:1")
    page = signed_in(harness, READ).get("/repositories").text

    assert page.index("image=team/jobs") < page.index("image=team/web")
    assert 'aria-label="v6 in ap-southeast-1/team-hk: pending"' in page
    assert ('aria-label="v1 in' in page, "2 more tags" in page) == (False, True)


def test_the_rules_are_shown_as_in_the_file(client: FlaskClient) -> None:
    page = client.get("/rules").text

    assert "1 rule in use" in page
    assert "when:\n  namespace: team\nsync:\n- region: cn-east-3\n  namespace: team" in page
    assert "No matching rules" in client.get("/rules?name=other").text


def test_an_internal_error_is_a_page_without_a_traceback(harness: WebHarness) -> None:
    client = signed_in(harness, READ)
    with harness.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE syncs RENAME TO gone")
    answer = client.get("/syncs")

    assert (answer.status_code, answer.content_type) == (500, "text/html; charset=utf-8")
    assert "its log has the details" in answer.text
    assert "gone" not in answer.text


def test_syncs_are_found_by_a_part_of_their_image(harness: WebHarness, client: FlaskClient) -> None:
    harness.push("team/web:v1")
    harness.push("team/api:v1")

    page = client.get("/syncs?image=web").text

    assert ("team/web<b>:v1</b>" in page, "team/api<b>:v1</b>" in page) == (True, False)


def test_the_strip_shows_which_share_arrived(harness: WebHarness, client: FlaskClient) -> None:
    for number in range(3):
        [sync] = harness.push(f"team/web:v{number}").syncs
        harness.happen(sync.id, Event.VERIFY_WITHOUT_CALL)
    reject(harness, "team/web:v9")

    page = client.get("/").text

    assert "<b>75 %</b>" in page
    assert "3 of 4" in page


def test_one_cause_in_two_regions_is_one_alert(harness: WebHarness, client: FlaskClient) -> None:
    for sync in harness.push("team/web:v1", EAST, HONG_KONG).syncs:
        harness.happen(sync.id, Event.CLAIM)
        harness.happen(sync.id, Event.REJECT, REFUSED)

    page = client.get("/").text

    assert "1 thing needs attention" in page
    assert "2 tags are rejected in ap-southeast-1 and cn-east-3" in page


def test_a_sender_whose_last_delivery_was_not_understood_is_not_well(
    harness: WebHarness, client: FlaskClient
) -> None:
    harness.push("team/web:v1")
    harness.push("team/web:v2", outcome=Outcome.QUARANTINED)

    page = client.get("/").text

    assert "not understood</span>" in page


def test_repositories_are_downloaded_as_csv(harness: WebHarness, client: FlaskClient) -> None:
    harness.push("team/web:v1")
    harness.push("team/api:v1")

    answer = client.get("/repositories.csv?image=web")

    assert answer.content_type == "text/csv"
    heading, row = answer.text.splitlines()
    assert heading.startswith("source_region,namespace,repository,tag,digest")
    assert row.startswith("cn-north-4,team,web,v1,")
    assert client.get("/repositories.csv?since=x").status_code == 400


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\uff1d1+1", "\uff20SUM(A1)"]


def test_a_cell_is_never_a_formula() -> None:
    assert to_cell("=1+1") == "'=1+1"
    for formula in FORMULAS:
        for text in (formula, f"refused;{formula}", f"refused\t{formula}", f"refused\n{formula}"):
            # With semicolons or tabs as separators, as in many countries.
            cells = re.split(r"[;\t\r\n]", to_cell(text))
            assert [cell for cell in cells if re.match(r"[=+\-@\uff1d\uff20]", cell)] == []
