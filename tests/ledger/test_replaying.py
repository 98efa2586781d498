from dataclasses import replace
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config

import swrhook.ledger
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.queries.deliveries import kept_delivery
from swrhook.ledger.tables import deliveries, pushes
from swrhook.model import Outcome
from tests.ledger.parts import A, entry, everything, push, write

MIGRATIONS = Path(swrhook.ledger.__file__).parent / "migrations"


def test_a_ledger_of_the_first_revision_keeps_its_deliveries(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    engine = sqlalchemy.create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            sqlalchemy.text(
                "INSERT INTO deliveries (id, sender, dialect, outcome, received_at, headers,"
                " rules_version) VALUES ('1', 'ci', 'generic', 'ignored', 0, '{}', 'v')"
            )
        )
    engine.dispose()

    database = open_database(url)
    [row] = everything(database, deliveries)
    database.close()

    assert (row["id"], row["sender"], row["replayed_from"]) == ("1", "ci", None)


def test_everything_that_a_replay_needs_is_kept(database: Database) -> None:
    one = push("v1", A, "event")
    headers = {"x-github-event": "package"}
    recorded = write(database, entry(one, headers=headers, external_id="42")).receipts[0]

    with database.read() as connection:
        kept = kept_delivery(connection, recorded.delivery)

    assert kept is not None
    assert (headers, b"the body", "42", [one]) == (
        kept.headers,
        kept.body,
        kept.external_id,
        kept.pushes,
    )
    assert Outcome.ACCEPTED is kept.outcome


def test_an_id_that_is_none_keeps_nothing(database: Database) -> None:
    with database.read() as connection:
        assert kept_delivery(connection, "none") is None


def test_an_event_belongs_to_its_first_push(database: Database) -> None:
    original = entry(push("v1", A, "event"))
    first = write(database, original).receipts[0]
    again = replace(original, replayed_from=first.delivery)
    second, third = write(database, again, original).receipts

    keys = [row["event_key"] for row in everything(database, pushes)]
    assert [second.outcome, third.outcome] == [Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert (first.delivery, second.syncs) == (third.delivery, third.syncs)
    assert len([key for key in keys if key is not None]) == 1


def test_a_replay_repeats_itself_alone(database: Database) -> None:
    first = write(database, entry(push("v1", A))).receipts[0]
    twice = entry(push("v1", A), replace(push("v1", A), pushed_at=entry().received_at))
    second = write(database, replace(twice, replayed_from=first.delivery)).receipts[0]

    assert (second.outcome, len(second.syncs)) == (Outcome.ACCEPTED, 1)
    assert first.syncs != second.syncs
