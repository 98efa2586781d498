"""Certificates in the ledger outlive the process that fetched them."""

from swrhook.ledger.certificates import KeptCertificates
from swrhook.ledger.database import Database
from tests.factories import MINUTE, NOW, FakeClock


def test_a_certificate_is_kept_by_its_url(database: Database) -> None:
    KeptCertificates(database, FakeClock(NOW)).save("https://a/1.pem", b"old")
    KeptCertificates(database, FakeClock(NOW)).save("https://a/1.pem", b"new")

    other = KeptCertificates(database, FakeClock(NOW))
    assert other.load("https://a/1.pem") == b"new"
    assert other.load("https://a/2.pem") is None


def test_only_the_newest_certificates_are_kept(database: Database) -> None:
    clock = FakeClock(NOW)
    kept = KeptCertificates(database, clock)
    for number in range(101):
        clock.time = NOW + number * MINUTE
        kept.save(f"https://a/{number}.pem", b"x")

    assert kept.load("https://a/0.pem") is None
    assert kept.load("https://a/1.pem") == b"x"
