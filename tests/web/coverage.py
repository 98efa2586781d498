"""A ledger with coverage: a tag that is the same, one that is missing, and one on its way."""

from swrhook.ledger.coverage import replace_coverage
from swrhook.ledger.discovery import note_problem
from swrhook.model import PlannedSync, Push
from swrhook.syncs.coverage import measure
from swrhook.syncs.discovery import OrganizationRef
from swrhook.syncs.reconciliation import UNREADABLE, Drift, Finding, RepositoryRef
from tests.web.harness import DIGEST, EAST, NOW, WebHarness

SHOP = RepositoryRef("cn-north-4", "team", "web")


def seed_coverage(harness: WebHarness) -> None:
    """Record the coverage of a repository, and an organization that could not be listed."""
    drifts = {"v1": Drift.SAME, "v2": Drift.MISSING, "v3": Drift.DIVERGED}
    findings = [
        Finding(
            PlannedSync(
                Push("ci", SHOP.region, SHOP.namespace, SHOP.repository, tag, DIGEST),
                EAST,
                override=False,
                rule="all",
            ),
            drift,
            None,
            needs_sync=False,
            reason=UNREADABLE,
        )
        for tag, drift in drifts.items()
    ]
    with harness.database.write() as connection:
        routes = {gap.route for gap in measure(findings, (), NOW).gaps if gap.sync.push.tag == "v3"}
        replace_coverage(connection, SHOP, measure(findings, routes, NOW))
        closed = OrganizationRef("cn-north-4", "closed")
        note_problem(connection, closed, "its repositories cannot be listed", NOW)
