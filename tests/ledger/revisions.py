"""Ledgers of any revision, made by Alembic."""

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from swrhook.ledger import migrate


def alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    return config


def make(url: str, revision: str, *statements: str) -> None:
    """Make a ledger as the version of that revision did."""
    engine = create_engine(url)
    with engine.begin() as connection:
        config = alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
