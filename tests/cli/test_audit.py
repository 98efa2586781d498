"""`audit`: the log as a list, for administrators."""

from swrhook.cli.audit import audit
from tests.cli.conftest import Run
from tests.web.harness import ADMIN, WebHarness, order


def test_a_row_says_who_did_what_to_which_object(harness: WebHarness, run: Run) -> None:
    order(harness)

    heading, row = run("audit", "--token", "ops", SWRHOOK_TOKEN=ADMIN).stdout.splitlines()

    assert heading.split("\t") == ["age", "token", "role", "status", "action", "object"]
    assert row.split("\t")[1:] == ["ops", "operate", "202", "POST /api/v1/syncs", "team/web:v1"]


def test_others_are_refused_in_one_line(run: Run, url: str) -> None:
    result = run("audit")

    message = f"Error: {url}: the token's role is read, this needs admin (403)\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)


def test_every_parameter_of_the_api_is_an_option(harness: WebHarness) -> None:
    spec = harness.client().get("/api/openapi.json").get_json()
    parameters = {item["name"] for item in spec["paths"]["/api/v1/audit"]["get"]["parameters"]}

    assert parameters | {"everything", "watch", "as_json"} == {item.name for item in audit.params}
