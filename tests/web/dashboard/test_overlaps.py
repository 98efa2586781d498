"""The dashboard shows where SWR's own rules overlap with those of swrhook."""

import pytest
from flask.testing import FlaskClient

from swrhook.ledger.auto_sync_overlaps import replace_overlaps
from swrhook.ledger.database import Database
from swrhook.model import Target
from swrhook.syncs.auto_sync import AutoSync, Overlap, OverlapKind
from swrhook.syncs.reconciliation import RepositoryRef
from tests.web.harness import NOW, READ, WebHarness, signed_in


@pytest.fixture
def harness(database: Database) -> WebHarness:
    harness = WebHarness(database)
    harness.own_web()  # with no overview in its cache
    return harness


@pytest.fixture
def client(harness: WebHarness) -> FlaskClient:
    return signed_in(harness, READ)


def see(harness: WebHarness, repository: str, kind: OverlapKind) -> None:
    overlap = Overlap(AutoSync(Target("cn-east-3", "team"), override=True), kind, "web-rule")
    with harness.database.write() as connection:
        ref = RepositoryRef("cn-north-4", "team", repository)
        replace_overlaps(connection, ref, [overlap], NOW)


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        ([OverlapKind.DUPLICATE], "synchronization duplicates the rules: cn-north-4/team/app0"),
        (
            [OverlapKind.DUPLICATE, OverlapKind.OVERRIDE],
            "synchronization contradicts the rules: cn-north-4/team/app1",
        ),
    ],
)
def test_the_overview_names_one_overlap_the_worst_first(
    harness: WebHarness, client: FlaskClient, kinds: list[OverlapKind], text: str
) -> None:
    for number, kind in enumerate(kinds):
        see(harness, f"app{number}", kind)
    page = client.get("/").text

    assert text in page
    assert 'href="/rules#automatic"' in page


def test_the_page_of_rules_lists_them(harness: WebHarness, client: FlaskClient) -> None:
    assert "automatic synchronization" not in client.get("/rules").text

    see(harness, "app", OverlapKind.OVERRIDE)
    page = client.get("/rules").text

    assert "cn-north-4/team/app" in page
    assert "override: SWR itself synchronizes it to cn-east-3/team, overriding," in page
