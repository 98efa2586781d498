"""Fingerprints of credentials, by which the ledger stores refusals."""

import hashlib
import threading
from typing import Any

import pytest

from swrhook.config.model import KeyCredentials, PasswordCredentials, TokenCredentials
from swrhook.swr.auth import lockout
from swrhook.swr.auth.lockout import fingerprint
from tests.swr.clients import DEMO


def test_the_fingerprint_of_a_password_depends_on_every_part() -> None:
    same = fingerprint(PasswordCredentials("u", "d", "p"), "https://iam.example")
    others = {
        fingerprint(PasswordCredentials("v", "d", "p"), "https://iam.example"),
        fingerprint(PasswordCredentials("u", "e", "p"), "https://iam.example"),
        fingerprint(PasswordCredentials("u", "d", "q"), "https://iam.example"),
        fingerprint(PasswordCredentials("u", "d", "p"), "https://iam.other"),
    }

    assert same == fingerprint(PasswordCredentials("u", "d", "p"), "https://iam.example")
    assert len(others - {same}) == 4
    # The ledger holds it: it may never change.
    assert same == "e41438aae626488f920dd171cc89dd9bc89d968d498d24b0dc60cdb860048e61"


def test_the_fingerprint_of_a_key_depends_on_every_part() -> None:
    iam = "https://iam.example"
    same = fingerprint(KeyCredentials("a", "s"), iam)
    others = {
        fingerprint(KeyCredentials("b", "s"), iam),
        fingerprint(KeyCredentials("a", "t"), iam),
        fingerprint(KeyCredentials("a", "s", "token"), iam),
        fingerprint(KeyCredentials("a", "s"), "https://iam.other"),
        fingerprint(DEMO, iam),
    }

    assert len(others - {same}) == 5
    # The ledger holds it: it may never change.
    assert same == "eb9f5d52f14d3af815484ae7a15105c067fb6812ed76b18ff2acb96f7fccc008"


@pytest.mark.parametrize(
    "credentials", [KeyCredentials("ahead", "s"), PasswordCredentials("a", "h", "p")]
)
def test_a_precomputed_fingerprint_is_computed_only_once(
    credentials: KeyCredentials | PasswordCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []
    scrypt = hashlib.scrypt

    def counting(*arguments: Any, **more: Any) -> bytes:
        computed.append(arguments)
        return scrypt(*arguments, **more)

    monkeypatch.setattr(hashlib, "scrypt", counting)
    lockout.precompute_fingerprint(credentials)
    for thread in threading.enumerate():
        if thread.name == "credentials":
            thread.join()
    assert len(computed) == 1
    fingerprint(credentials, "https://iam.example")

    assert len(computed) == 1


def test_no_fingerprint_is_precomputed_for_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockout, "Thread", None)

    lockout.precompute_fingerprint(
        TokenCredentials("sesame")
    )  # begins no thread: it has none to begin
