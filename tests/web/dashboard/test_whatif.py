from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.harness import OPERATE, READ, WebHarness, form_key, signed_in


@pytest.fixture
def client(harness: WebHarness) -> FlaskClient:
    return signed_in(harness, OPERATE)


def compare(client: FlaskClient, **form: Any) -> str:
    form |= {"form_key": form_key(client.get("/what-if"))}
    return client.post("/what-if", data=form, content_type="multipart/form-data").text


def test_the_role_read_can_compare_rules(harness: WebHarness) -> None:
    harness.push("team/web:v1")
    rule = "{name: other, when: {namespace: nobody}, sync: [{region: cn-east-3, namespace: x}]}"
    rules = f"rules: [{rule}]"
    client = signed_in(harness, READ)

    for fields in ({"candidate": rules}, {"file": (BytesIO(rules.encode()), "new.yaml")}):
        page = compare(client, since="24h", **fields)
        assert "0 gained, 1 lost, 0 with another override" in page
        assert "team/web:v1" in page


def test_an_invalid_candidate_stays_in_the_form_with_its_errors(client: FlaskClient) -> None:
    page = compare(client, candidate="rules: <script>")

    assert "The candidate is invalid" in page
    assert "rules: &lt;script&gt;</textarea>" in page
