"""/api/v1/coverage, the page of the dashboard and the metrics: the stored sums, and the gaps."""

from typing import Any

import pytest

from tests.web.coverage import seed_coverage
from tests.web.harness import OPERATE, READ, WebHarness, signed_in


@pytest.fixture(autouse=True)
def compared(harness: WebHarness) -> None:
    seed_coverage(harness)


def get(harness: WebHarness, query: str = "") -> Any:
    return harness.client(READ).get(f"/api/v1/coverage{query}").get_json()


def test_the_counts_and_the_oldest_gaps_are_shown(harness: WebHarness) -> None:
    body = get(harness)
    (item,) = body["items"]

    names = ("rule", "region", "wanted", "present", "on_the_way", "missing", "changed", "unknown")
    assert [item[name] for name in names] == ["all", "cn-east-3", 3, 1, 1, 1, 0, 0]
    assert item["oldest_observation"] == item["oldest_gap"] == item["gaps"][0]["since"]
    assert [(gap["image"], gap["kind"], gap["on_the_way"]) for gap in item["gaps"]] == [
        ("team/web:v2", "missing", False),
        ("team/web:v3", "changed", True),
    ]
    assert body["discovery"] == {
        "organizations": 1,
        "repositories": 1,
        "waiting": 1,
        "problems": [
            {
                "region": "cn-north-4",
                "namespace": "closed",
                "problem": "its repositories cannot be listed",
                "since": item["oldest_gap"],
            }
        ],
    }


def test_filters_and_pages(harness: WebHarness) -> None:
    assert get(harness, "?rule=other")["items"] == []
    assert len(get(harness, "?rule=all&region=cn-east-3&gaps=1")["items"][0]["gaps"]) == 1
    assert (get(harness, "?limit=1")["next"], get(harness, "?cursor=1")["items"]) == (None, [])
    assert harness.client(READ).get("/api/v1/coverage?gaps=1001").status_code == 422


def test_the_page_names_what_is_missing_and_what_could_not_be_listed(harness: WebHarness) -> None:
    page = signed_in(harness, READ).get("/coverage").text

    assert "team/web:v2" in page
    assert "missing" in page
    assert "cn-north-4/closed" in page
    assert signed_in(harness, READ).get("/coverage?rule=x&from=zz").status_code == 200


def test_the_metrics_count_by_rule_and_region(harness: WebHarness) -> None:
    text = harness.client(READ).get("/metrics").text

    key = 'rule="all",state="missing",target_region="cn-east-3"'
    assert f"swrhook_coverage_tags{{{key}}} 1.0" in text


def test_a_backfill_takes_organizations_and_names_what_it_is_about(harness: WebHarness) -> None:
    client = harness.client(OPERATE)

    def begin(**body: object) -> Any:
        return client.post("/api/v1/backfill", json=body)

    scope = {"namespaces": ["team-*"], "region": None, "target_region": None, "rules": ["all"]}
    repair = begin(repositories=["team-*/*"], rule="all").get_json()
    assert (repair["state"], repair["scope"]) == ("discovering", scope)
    assert begin(new_region="cn-east-3").get_json()["scope"]["target_region"] == "cn-east-3"
    assert begin(all=True, start=True).get_json()["repositories"] is None
    refused: list[dict[str, object]] = [
        {},
        {"repositories": ["team", "team/web"]},
        {"repositories": ["team/web"], "all": True},
        {"repositories": ["Team"]},
        {"repositories": ["team"], "sender": "ci"},
        {"new_region": "ap-southeast-1"},
        {"all": True, "region": "cn-east-3"},
    ]
    assert [begin(**body).status_code for body in refused] == [422] * len(refused)
