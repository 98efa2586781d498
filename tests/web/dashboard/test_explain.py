from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from swrhook.usecases.explain.model import ExplainedSender
from swrhook.web.dashboard.analysis import group_equal
from tests.web.harness import OPERATE, WebHarness, signed_in


@pytest.fixture
def client(harness: WebHarness) -> FlaskClient:
    return signed_in(harness, OPERATE)


def test_a_tag_is_explained_rule_by_rule(harness: WebHarness, client: FlaskClient) -> None:
    [sync] = harness.push("team/web:v1").syncs
    page = client.get("/explain?image=team/web:v1").text

    assert "namespace &#34;team&#34; matches &#34;team&#34;" in page
    assert f'href="/syncs/{sync.id}"' in page
    assert "cn-east-3/team: sync" in page


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("image=team/app:other", "What the current rules do"),
        ("image=nonsense", "alert"),
        ("image=team/web:v1&sender=nobody", "No sender is named nobody."),
        ("", "Explain</button>"),
    ],
)
def test_an_invalid_query_shows_the_reason(client: FlaskClient, query: str, text: str) -> None:
    answer = client.get(f"/explain?{query}")

    assert answer.status_code == 200
    assert text in answer.text


def test_equal_answers_of_several_senders_are_shown_once() -> None:
    one = ExplainedSender("one", "cn-north-4", True, "it matches", [], 0)  # noqa: FBT003
    two, other = replace(one, sender="two"), replace(one, sender="other", matched=False)

    assert group_equal([one, other, two]) == [(["one", "two"], one), (["other"], other)]
