from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.parts import OPERATE, READ, Parts, form_key, signed_in


@pytest.fixture
def client(parts: Parts) -> FlaskClient:
    return signed_in(parts, OPERATE)


def test_a_tag_is_explained_rule_by_rule(parts: Parts, client: FlaskClient) -> None:
    [sync] = parts.push("team/web:v1").syncs
    page = client.get("/explain?image=team/web:v1").text

    assert "namespace &#34;team&#34; matches &#34;team&#34;" in page
    assert f'href="/syncs/{sync.id}"' in page
    assert "cn-east-3/team: sync" in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("image=team/app:other", "What the current rules do"),
        ("image=nonsense", "alert"),
        ("image=team/web:v1&sender=nobody", "No sender is named nobody."),
        ("", "Explain</button>"),
    ],
)
def test_what_cannot_be_explained_is_said(client: FlaskClient, query: str, said: str) -> None:
    answer = client.get(f"/explain?{query}")

    assert answer.status_code == 200
    assert said in answer.text


def compare(client: FlaskClient, **form: Any) -> str:
    form |= {"form_key": form_key(client.get("/what-if"))}
    return client.post("/what-if", data=form, content_type="multipart/form-data").text


def test_other_rules_are_compared_by_who_may_read(parts: Parts) -> None:
    parts.push("team/web:v1")
    rule = "{name: other, when: {namespace: nobody}, sync: [{region: cn-east-3, namespace: x}]}"
    rules = f"rules: [{rule}]"
    client = signed_in(parts, READ)

    for given in ({"candidate": rules}, {"file": (BytesIO(rules.encode()), "new.yaml")}):
        page = compare(client, since="24h", **given)
        assert "0 gained, 1 lost, 0 with another override" in page
        assert "team/web:v1" in page


def test_a_candidate_that_is_wrong_is_explained_and_kept(client: FlaskClient) -> None:
    page = compare(client, candidate="rules: <script>")

    assert "The candidate is invalid" in page
    assert "rules: &lt;script&gt;</textarea>" in page
