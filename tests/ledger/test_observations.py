"""What is kept of a place: its last observation, and since when it holds what it holds."""

from datetime import datetime, timedelta
from typing import NamedTuple

from swrhook.ledger.database import Database
from swrhook.ledger.observations import find_observations, keep_observations
from swrhook.ledger.queries.syncs import find_sync
from swrhook.ledger.queries.views import ListedDrift
from swrhook.ledger.tables import observations
from swrhook.model import State
from swrhook.syncs.observations import DriftKind, Place, TagObservation
from tests.factories import LANE, MINUTE, NOW, A, B, everything, put

PLACE = Place("cn-east-3", "team", "web/shop", "v1")
ONE, TWO = "01KB3Y6Q3Z0X4W1V7S5R2N8M9P", "01KB3Y6Q3Z0X4W1V7S5R2N8M9Q"


class Kept(NamedTuple):
    digest: str | None
    observed_at: datetime
    since: datetime
    sync: str | None


def see(database: Database, digest: str | None, at: datetime, sync: str | None = None) -> Kept:
    with database.write() as connection:
        keep_observations(connection, [TagObservation(PLACE, digest, at, sync)])
    [row] = everything(database, observations)
    return Kept(*(row[name] for name in Kept._fields))


def drift(database: Database, sync_id: str) -> ListedDrift | None:
    with database.read() as connection:
        listed = find_sync(connection, sync_id)
    assert listed is not None
    return listed.drift


def test_a_place_nobody_has_looked_at_is_not_known(database: Database) -> None:
    with database.read() as connection:
        assert find_observations(connection, [PLACE]) == {}


def test_the_same_digest_is_there_since_it_was_first_seen(database: Database) -> None:
    see(database, A, NOW, ONE)

    assert see(database, A, NOW + MINUTE) == Kept(A, NOW + MINUTE, NOW, ONE)


def test_what_has_changed_is_there_since_it_was_seen(database: Database) -> None:
    see(database, A, NOW, ONE)

    assert see(database, None, NOW + MINUTE) == Kept(None, NOW + MINUTE, NOW + MINUTE, None)
    assert see(database, None, NOW + 2 * MINUTE).since == NOW + MINUTE
    assert see(database, B, NOW + 3 * MINUTE, TWO) == Kept(
        B, NOW + 3 * MINUTE, NOW + 3 * MINUTE, TWO
    )


def test_a_look_that_began_earlier_but_ended_later_changes_nothing(database: Database) -> None:
    see(database, A, NOW)

    assert see(database, None, NOW - MINUTE) == Kept(A, NOW, NOW, None)


def test_an_observation_by_a_clock_that_was_wrong_is_replaced(database: Database) -> None:
    see(database, A, NOW + timedelta(days=400))

    assert see(database, B, NOW) == Kept(B, NOW, NOW, None)


def test_many_places_are_kept_at_once(database: Database) -> None:
    places = [Place("cn-east-3", "team", "web/shop", f"v{number}") for number in range(300)]
    with database.write() as connection:
        keep_observations(connection, [TagObservation(place, A, NOW) for place in places])

    with database.read() as connection:
        assert find_observations(connection, places).keys() == set(places)


def test_a_verified_sync_whose_target_holds_its_digest_has_no_drift(database: Database) -> None:
    sync = put(database, State.VERIFIED, LANE, called_digest=A, verified_at=NOW)
    see(database, A, NOW + MINUTE)

    assert drift(database, sync.id) is None


def test_a_verified_sync_whose_tag_is_gone_says_since_when(database: Database) -> None:
    sync = put(database, State.VERIFIED, LANE, called_digest=A, verified_at=NOW)
    see(database, A, NOW)
    see(database, None, NOW + MINUTE)
    see(database, None, NOW + 2 * MINUTE)

    assert drift(database, sync.id) == ListedDrift(DriftKind.MISSING, NOW + MINUTE, None)


def test_drift_names_the_sync_that_has_copied_another_digest(database: Database) -> None:
    sync = put(database, State.VERIFIED, LANE, called_digest=A, verified_at=NOW)
    see(database, B, NOW + MINUTE, TWO)

    assert drift(database, sync.id) == ListedDrift(
        DriftKind.CHANGED, NOW + MINUTE, f"the sync {TWO} has copied it"
    )


def test_what_was_seen_before_the_verification_is_no_drift(database: Database) -> None:
    see(database, None, NOW - MINUTE)
    sync = put(database, State.VERIFIED, LANE, called_digest=A, verified_at=NOW)

    assert drift(database, sync.id) is None


def test_only_verified_syncs_have_drift(database: Database) -> None:
    sync = put(database, State.UNVERIFIED, LANE, called_digest=A)
    see(database, None, NOW + MINUTE)

    assert drift(database, sync.id) is None
