"""Refusals of credentials and projects, and the fingerprints by which the ledger has them."""

import hashlib
import threading
from datetime import timedelta
from typing import Any

import pytest

from swrhook.config.model import KeyCredentials, PasswordCredentials, TokenCredentials
from swrhook.errors import Kind, SwrError
from swrhook.swr.auth import lockout
from swrhook.swr.auth.lockout import (
    AccountLocked,
    CredentialRefused,
    LockoutGuard,
    ProjectRefused,
    fingerprint,
)
from tests.factories import FakeClock
from tests.swr.clients import DEMO, NOW, MemoryOfRefused


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


def guard(store: MemoryOfRefused, clock: FakeClock) -> LockoutGuard:
    """Return the guard of a process of its own."""
    return LockoutGuard(DEMO, "https://iam.example", store, clock)


def test_a_lock_that_a_wrong_clock_recorded_ends_with_the_correction() -> None:
    store = MemoryOfRefused()
    ahead = FakeClock(NOW + timedelta(days=365))
    guard(store, ahead).record(AccountLocked(Kind.AUTHENTICATION, "locked", "locked"))
    with pytest.raises(SwrError):
        guard(store, ahead).check()

    guard(store, FakeClock(NOW)).check()


def denied() -> ProjectRefused:
    return ProjectRefused(Kind.AUTHENTICATION, "HTTP.401", "Unauthorized.")


def refusal_code(guard: LockoutGuard, project: str) -> str | None:
    try:
        guard.check(project)
    except SwrError as exc:
        return exc.code
    return None


def test_a_refusal_of_a_project_suspects_the_credential_for_a_minute() -> None:
    store, clock = MemoryOfRefused(), FakeClock(NOW)
    guard(store, clock).record(denied(), "west")
    process = guard(store, clock)
    assert [refusal_code(process, name) for name in ("west", "east")] == ["refused", "refused"]

    clock.advance(minutes=1)

    assert [refusal_code(process, name) for name in ("west", "east")] == ["refused_project", None]


def test_a_login_for_another_project_clears_the_suspicion() -> None:
    store, clock = MemoryOfRefused(), FakeClock(NOW)
    process = guard(store, clock)
    process.record(denied(), "west")

    process.record_success()

    assert [refusal_code(process, name) for name in ("west", "east")] == ["refused_project", None]
    clock.advance(minutes=30)
    assert refusal_code(process, "west") is None


def test_a_second_project_that_is_refused_confirms_the_suspicion() -> None:
    store, clock = MemoryOfRefused(), FakeClock(NOW)
    process = guard(store, clock)
    process.record(denied(), "west")
    clock.advance(minutes=1)

    process.record(denied(), "east")

    clock.advance(days=1)
    codes = [refusal_code(guard(store, clock), name) for name in ("west", "east", "south")]
    assert codes == ["refused"] * 3


def test_the_same_project_that_is_refused_again_confirms_nothing() -> None:
    store, clock = MemoryOfRefused(), FakeClock(NOW)
    process = guard(store, clock)
    process.record(denied(), "west")
    clock.advance(minutes=30)
    process.record(denied(), "west")

    assert refusal_code(process, "east") is None


def test_beside_a_recent_login_a_refusal_is_about_its_project_alone() -> None:
    store, clock = MemoryOfRefused(), FakeClock(NOW)
    process = guard(store, clock)
    process.record_success()
    clock.advance(minutes=9)

    for project in ("west", "east"):
        process.record(denied(), project)

    codes = [refusal_code(process, name) for name in ("west", "east", "south")]
    assert codes == ["refused_project", "refused_project", None]


def test_an_old_login_proves_nothing_about_a_new_refusal() -> None:
    store, clock = MemoryOfRefused(), FakeClock(NOW)
    process = guard(store, clock)
    process.record_success()
    clock.advance(hours=23)

    process.record(denied(), "west")

    assert refusal_code(process, "east") == "refused"


@pytest.mark.parametrize(
    ("after", "needed"), [(timedelta(minutes=29), False), (timedelta(minutes=30), True)]
)
def test_a_project_needs_proof_when_it_might_be_tried_again(
    after: timedelta, *, needed: bool
) -> None:
    store, clock = MemoryOfRefused(), FakeClock(NOW)
    guard(store, clock).record(denied(), "west")
    clock.time += after

    assert guard(store, clock).needs_proof("west") is needed
    assert not guard(store, clock).needs_proof("east")


def test_a_wrong_key_is_refused_for_every_project() -> None:
    store, clock = MemoryOfRefused(), FakeClock(NOW)
    process = guard(store, clock)
    process.record_success()

    process.record(CredentialRefused(Kind.AUTHENTICATION, "IAM.0062", "Incorrect password."), "w")

    assert [refusal_code(process, name) for name in ("w", "e", "")] == ["refused"] * 3


def test_a_project_has_a_fingerprint_of_its_own() -> None:
    fingerprints = {
        fingerprint(DEMO, "https://iam.example", project) for project in ("", "west", "east")
    }

    assert len(fingerprints) == 3
