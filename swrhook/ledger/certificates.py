"""Certificates of SNS and SMN that were fetched once, for processes that start later.

Without them, a new process would have to fetch them while made-up messages use up the fetches.
"""

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from swrhook import logs
from swrhook.clock import Clock
from swrhook.ledger.database import Database
from swrhook.ledger.service_tables import certificates
from swrhook.ledger.sql import put

# Certificates to keep: a vendor has one or two at a time in each region.
_MOST = 100


@dataclass(frozen=True, slots=True)
class KeptCertificates:
    """The certificates in the ledger, by their URLs. An unusable ledger keeps none."""

    database: Database
    clock: Clock

    def load(self, url: str) -> bytes | None:
        """Return a certificate, or None."""
        query = select(certificates.c.content).where(certificates.c.url == url)
        try:
            with self.database.read() as connection:
                return connection.scalar(query)
        except (SQLAlchemyError, OSError) as exc:
            logs.failure("certificate.not_loaded", exc)
            return None

    def save(self, url: str, content: bytes) -> None:
        """Keep a certificate."""
        newest = select(certificates.c.url).order_by(certificates.c.fetched_at.desc()).limit(_MOST)
        values = {"content": content, "fetched_at": self.clock.now()}
        try:
            with self.database.write() as connection:
                put(connection, certificates, {"url": url}, values)
                connection.execute(delete(certificates).where(certificates.c.url.not_in(newest)))
        except (SQLAlchemyError, OSError) as exc:
            logs.failure("certificate.not_saved", exc)
