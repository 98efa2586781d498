from typing import Any

import pytest
from flask.testing import FlaskClient

from swrhook.errors import Kind, SwrError
from swrhook.ledger.audit import AuditFilter, list_writes
from swrhook.syncs.states import Event
from swrhook.web.dashboard.selection import MOST_SELECTED
from tests.factories import all_syncs
from tests.web.harness import ADMIN, OPERATE, READ, WebHarness, form_key, signed_in

REFUSED = SwrError(Kind.CONFIGURATION, "SVCSTG.SWR.403", "not ours", remedy="create it")


@pytest.fixture
def client(harness: WebHarness) -> FlaskClient:
    return signed_in(harness, OPERATE)


def reject(harness: WebHarness, image: str) -> str:
    [sync] = harness.push(image).syncs
    harness.happen(sync.id, Event.CLAIM)
    harness.happen(sync.id, Event.REJECT, REFUSED)
    return sync.id


def submit(client: FlaskClient, form: str, **fields: Any) -> Any:
    data = {"form_key": form_key(client.get("/")), **fields}
    return client.post(form, data=data, follow_redirects=True)


def test_selected_syncs_are_retried_and_the_others_are_not(
    harness: WebHarness, client: FlaskClient
) -> None:
    first, second, third = (reject(harness, f"team/web:v{number}") for number in (1, 2, 3))

    page = submit(client, "/syncs/retry", sync=[first, third], path="/syncs?show=rejected")

    assert "2 syncs retried." in page.text
    assert page.request.path == "/syncs"
    assert page.request.args["show"] == "rejected"
    states = {sync.id: sync.state.value for sync in all_syncs(harness.database)}
    assert states == {first: "pending", second: "rejected", third: "pending"}


def test_only_the_last_change_is_told(harness: WebHarness, client: FlaskClient) -> None:
    first, second, third = (reject(harness, f"team/web:v{number}") for number in (1, 2, 3))

    shown = submit(client, "/syncs/retry", sync=[first, second], path="/syncs?show=rejected")
    page = submit(client, "/syncs/retry", sync=[third], path=shown.request.full_path)

    assert page.request.args.to_dict(flat=False) == {"show": ["rejected"], "done": ["retried.1.0"]}
    assert "1 sync retried." in page.text


def test_syncs_that_cannot_be_changed_are_counted(harness: WebHarness, client: FlaskClient) -> None:
    rejected = reject(harness, "team/web:v1")
    [pending] = harness.push("team/web:v2").syncs
    selected = [rejected, pending.id, "00000000000000000000000000"]

    page = submit(client, "/syncs/retry", sync=selected)

    assert "1 sync retried. 2 could not be" in page.text


def test_selected_syncs_are_cancelled(harness: WebHarness, client: FlaskClient) -> None:
    [pending] = harness.push("team/web:v1").syncs

    assert "1 sync cancelled." in submit(client, "/syncs/cancel", sync=[pending.id]).text
    assert [sync.state.value for sync in all_syncs(harness.database)] == ["cancelled"]


def test_a_change_of_selected_syncs_is_in_the_audit_log(
    harness: WebHarness, client: FlaskClient
) -> None:
    selected = [reject(harness, f"team/web:v{number}") for number in (1, 2)]
    submit(client, "/syncs/retry", sync=selected)

    with harness.database.read() as connection:
        writes = list_writes(connection, AuditFilter(action="POST /syncs/retry")).items
    assert {(write.token, write.object) for write in writes} == {("ops", id_) for id_ in selected}


def test_a_selection_is_bounded(harness: WebHarness, client: FlaskClient) -> None:
    [pending] = harness.push("team/web:v1").syncs
    made_up = [str(number) for number in range(MOST_SELECTED)]

    answer = submit(client, "/syncs/cancel", sync=[pending.id, *made_up])

    assert (answer.status_code, "at most 100 syncs" in answer.text) == (400, True)
    assert [sync.state.value for sync in all_syncs(harness.database)] == ["pending"]


@pytest.mark.parametrize("path", ["https://evil.example/x", "//evil.example", "/\\evil.example"])
def test_the_list_to_return_to_is_of_this_host(
    harness: WebHarness, client: FlaskClient, path: str
) -> None:
    data = {"form_key": form_key(client.get("/")), "sync": reject(harness, "team/web:v1")}

    answer = client.post("/syncs/retry", data={**data, "path": path})

    assert answer.headers["Location"] == "/syncs?done=retried.1.0"


def test_a_tag_is_ordered_by_hand(harness: WebHarness, client: FlaskClient) -> None:
    page = submit(client, "/syncs", image="team/web:v9", source_region="cn-north-4")

    assert "1 sync ordered." in page.text
    assert [sync.tag for sync in all_syncs(harness.database)] == ["v9"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image": "team/web"}, "namespace/repository:tag"),
        ({"image": "other/web:v1", "source_region": "cn-north-4"}, "no rule matches"),
        ({"image": "team/web:v1", "source_region": "moon"}, "not a region under swr.regions"),
    ],
)
def test_an_order_that_cannot_be_planned_says_why(
    client: FlaskClient, fields: dict[str, str], message: str
) -> None:
    assert message in submit(client, "/syncs", **fields).text


@pytest.mark.parametrize("path", ["/syncs", "/syncs/retry", "/syncs/cancel"])
def test_with_the_role_read_nothing_can_be_changed(harness: WebHarness, path: str) -> None:
    reader = signed_in(harness, READ)
    harness.push("team/web:v1")

    assert "formaction" not in reader.get("/syncs").text
    assert submit(reader, path).status_code == 403


@pytest.mark.parametrize("done", ["retried", "x.1.1", "retried.1", "retried.99999.1", "<b>.1.1"])
def test_a_made_up_note_is_not_shown(client: FlaskClient, done: str) -> None:
    answer = client.get("/syncs", query_string={"done": done})

    assert (answer.status_code, 'class="note good"' in answer.text) == (200, False)


def test_the_audit_log_is_for_administrators(harness: WebHarness, client: FlaskClient) -> None:
    selected = reject(harness, "team/web:v1")
    submit(client, "/syncs/retry", sync=[selected])
    admin = signed_in(harness, ADMIN)

    page = admin.get("/audit?token=ops").text

    assert selected in page
    assert 'href="/audit"' in page
    assert 'href="/audit"' not in client.get("/").text
    assert client.get("/audit").status_code == 403


def test_tokens_are_listed_by_name_only(client: FlaskClient) -> None:
    page = client.get("/tokens").text

    assert all(name in page for name in ("dashboard", "ops", "root"))
    assert not any(token in page for token in (READ, OPERATE, ADMIN))
