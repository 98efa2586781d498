import re
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from swrhook.errors import KeysUnavailable, Refused, Unauthenticated, Unconfirmed
from swrhook.model import DeliveryEntry, Receipt
from swrhook.web import create_web
from swrhook.web.problems import STATUSES, refusal
from tests.web.harness import ADMIN, OPERATE, READ, SECRET, WebHarness, signed_in


def problem(answer: TestResponse) -> tuple[int, str]:
    """Return the status and detail of a problem, whose every member is checked."""
    body = answer.get_json(force=True)
    status = answer.status_code
    assert answer.content_type == "application/problem+json"
    assert list(body)[:4] == ["type", "title", "status", "detail"]
    assert ("about:blank", HTTPStatus(status).phrase, status) == tuple(body.values())[:3]
    return status, body["detail"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/v1/nothing", "/hooks/", "/api/v1/syncs/"]
)
def test_404(harness: WebHarness, path: str) -> None:
    assert problem(harness.client().get(path))[0] == 404


def test_404_of_an_object_names_its_kind(harness: WebHarness) -> None:
    client = harness.client()

    assert problem(client.get("/api/v1/syncs/x")) == (404, "there is no sync with this id")
    assert problem(client.get("/api/v1/deliveries/x")) == (404, "there is no delivery with this id")


@pytest.mark.parametrize(
    "path", ["/api/v1/deliveries", "/healthz", "/metrics", "/api/openapi.json"]
)
def test_405_names_what_is_allowed(harness: WebHarness, path: str) -> None:
    answer = harness.client().delete(path)

    assert problem(answer)[0] == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("path", ["/api/v1/syncs", "/metrics", "/api/openapi.json"])
def test_401(harness: WebHarness, path: str) -> None:
    assert problem(harness.client(token=None).get(path))[0] == 401


def test_403_names_the_role_that_is_needed(harness: WebHarness) -> None:
    web = harness.own_web()
    web.add_url_rule("/api/v1/new", view_func=lambda: "", methods=["POST"])
    answer = web.test_client().post("/api/v1/new", headers={"Authorization": f"Bearer {READ}"})

    assert problem(answer) == (403, "the token's role is read, this needs operate")


def test_422(harness: WebHarness) -> None:
    answer = harness.client().get("/api/v1/syncs?limit=0&cursor=x")

    assert problem(answer) == (422, "the request has invalid parameters")
    assert sorted(r.partition(":")[0] for r in answer.get_json()["reasons"]) == ["cursor", "limit"]


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/hooks/ci", "PATCH is not supported here: use POST"),
        ("/api/v1/syncs", "PATCH is not supported here: use GET or POST"),
        ("/ap/v1", "there is no such route: /api/docs describes the API, docs/api.md every route"),
    ],
)
def test_a_request_that_no_route_takes_is_told_what_to_do(
    harness: WebHarness, path: str, detail: str
) -> None:
    assert problem(harness.client().patch(path))[1] == detail


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        ([], ["body: must be a JSON object."]),
        (
            {"image": "a/b:1", "source_region": "c", "targets": [5]},
            ["targets: must be a JSON object."],
        ),
    ],
)
def test_a_body_of_another_type_is_named_as_the_body(
    harness: WebHarness, body: object, reasons: list[str]
) -> None:
    answer = harness.client(OPERATE).post("/api/v1/syncs", json=body)

    assert answer.get_json()["reasons"] == reasons


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_415_a_body_that_is_not_called_json_is_not_left_out(
    harness: WebHarness, media_type: str | None
) -> None:
    client = harness.client(OPERATE)
    answer = client.post("/api/v1/reconcile", data='{"report": true}', content_type=media_type)

    text = "send JSON, with the header Content-Type: application/json"
    assert problem(answer) == (415, text)
    assert client.get("/api/v1/reconcile").get_json()["items"] == []


def test_a_body_may_be_left_out_where_no_member_is_required(harness: WebHarness) -> None:
    assert harness.client(OPERATE).post("/api/v1/reconcile").status_code == 202


def test_no_route_ignores_a_parameter_that_it_does_not_know(harness: WebHarness) -> None:
    client = harness.client(ADMIN)
    paths = client.get("/api/openapi.json").get_json()["paths"]
    answers = {
        (method, path): client.open(f"{re.sub(r'{.*?}', 'x', path)}?nonsense=1", method=method)
        for path, methods in paths.items()
        for method in methods.keys() & {"get", "post"}
    }

    assert {
        operation: answer.get_json()
        for operation, answer in answers.items()
        if problem(answer)[0] != 422
    } == {}


def test_no_route_chooses_one_of_a_parameters_values(harness: WebHarness) -> None:
    client = harness.client(ADMIN)
    paths = client.get("/api/openapi.json").get_json()["paths"]
    single = [
        (re.sub(r"{.*?}", "x", path), parameter["name"])
        for path, methods in paths.items()
        for parameter in methods.get("get", {}).get("parameters", ())
        if parameter["in"] == "query" and parameter["schema"]["type"] != "array"
    ]
    answers = {(path, name): client.get(f"{path}?{name}=1&{name}=1") for path, name in single}

    assert ("/api/v1/explain", "image") in answers
    assert {
        (path, name): answer.get_json()
        for (path, name), answer in answers.items()
        if answer.status_code != 422
        or answer.get_json()["reasons"] != [f"{name}: may be given only once."]
    } == {}


def test_an_unknown_parameter_is_named(harness: WebHarness) -> None:
    answer = harness.client().get("/api/v1/senders?limit=1")

    assert problem(answer) == (422, "the request has invalid parameters")
    assert answer.get_json()["reasons"] == ["limit: Unknown field."]


def test_500_of_the_api_exposes_no_details(harness: WebHarness) -> None:
    client = harness.client()
    with harness.database.write() as connection:
        connection.execute(text("DROP TABLE syncs"))

    status, detail = problem(client.get("/api/v1/syncs"))

    assert (status, detail) == (500, "an error in swrhook itself; its log has the details")


def test_500_of_a_hook_is_a_problem_too(harness: WebHarness) -> None:
    class Broken:
        def record(self, _entry: DeliveryEntry) -> Receipt:
            raise RuntimeError("a defect")

    web = create_web(replace(harness.context, recorder=Broken()))
    answer = web.test_client().post(
        "/hooks/ci",
        json={"image": "team/web:v1"},
        headers={"Authorization": f"Bearer {SECRET}"},
    )

    assert problem(answer)[0] == 500


def below(kind: type[Refused]) -> Iterator[type[Refused]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from below(inner)


def test_every_refusal_has_a_status_and_its_own_code() -> None:
    kinds = list(below(Refused))

    assert set(kinds) == set(STATUSES)
    assert len(kinds) == len({kind.code for kind in kinds} - {Refused.code})


@pytest.mark.parametrize("kind", [KeysUnavailable, Unconfirmed])
def test_a_temporary_refusal_is_503_with_retry_after(kind: type[Refused]) -> None:
    answer = refusal(kind("issuer.example.com: no answer in time"))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_an_unauthenticated_delivery_is_401() -> None:
    answer = refusal(Unauthenticated("the token is not genuine"))

    assert (answer.status_code, answer.headers.get("Retry-After")) == (401, None)


class Silent:
    """Says that the database does not answer."""

    def check(self) -> str:
        return self.silence()

    def silence(self) -> str:
        return "the database has not answered for 4 seconds"


@pytest.mark.parametrize("path", ["/api/v1/syncs", "/api/v1/stats"])
def test_while_the_database_is_silent_requests_are_503(harness: WebHarness, path: str) -> None:
    harness.database.set_watch(Silent())
    answer = harness.client().get(path)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "ledger" in answer.get_json()["detail"]


def test_while_the_database_is_silent_the_dashboard_says_so(harness: WebHarness) -> None:
    client = signed_in(harness, READ)
    harness.database.set_watch(Silent())
    answer = client.get("/")

    assert answer.status_code == 503
    assert "the database has not answered for 4 seconds" in answer.text
