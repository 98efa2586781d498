"""Schemes with a shared secret accept it, and nothing else."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from swrhook.auth import Authenticate, Secret
from swrhook.auth.hmac_signature import hmac
from swrhook.auth.shared_secret import basic, bearer, header, none, path
from swrhook.errors import Unauthenticated
from swrhook.senders.delivery import Delivery

NOW = datetime(2026, 7, 3, 12, tzinfo=UTC)
SECRET = Secret(b"heron-market")
ACCENTED = Secret("crème-brûlée".encode())


def accepts(authenticate: Authenticate, delivery: Delivery, now: datetime = NOW) -> bool:
    try:
        authenticate(delivery, now)
    except Unauthenticated:
        return False
    return True


def sent(value: str, name: str = "authorization") -> Delivery:
    return Delivery({name: value}, b"body")


def in_base64(credentials: bytes) -> Delivery:
    return sent(f"Basic {b64encode(credentials).decode()}")


def as_wsgi(text: str, encoding: str) -> str:
    """Return a header as a WSGI server hands it over."""
    return text.encode(encoding).decode("latin-1")


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("heron-market", True),
        ("Bearer heron-market", True),
        ("bearer heron-market", True),
        ("Basic heron-market", False),
        ("heron-market ", False),
        ("heron-marke", False),
        ("Heron-Market", False),
        ("Bearer ", False),
        ("", False),
    ],
)
def test_authorization_accepts_the_secret_alone_or_as_a_bearer_token(
    value: str, *, accepted: bool
) -> None:
    assert accepts(header("Authorization", [SECRET]), sent(value)) == accepted


def test_a_secret_that_contains_its_scheme_is_compared_as_a_whole() -> None:
    authenticate = header("Authorization", [Secret(b"Bearer heron-market")])
    assert accepts(authenticate, sent("Bearer heron-market"))
    assert not accepts(authenticate, sent("heron-market"))


def test_another_header_accepts_only_the_secret_alone() -> None:
    authenticate = header("X-Registry-Token", [SECRET])
    assert accepts(authenticate, sent("heron-market", "x-registry-token"))
    assert not accepts(authenticate, sent("Bearer heron-market", "x-registry-token"))
    assert not accepts(authenticate, sent("heron-market"))


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("Bearer heron-market", True),
        ("BEARER  heron-market", True),
        ("heron-market", False),
        ("Bearer", False),
        ("Bearer heron-market, Bearer x", False),
        ("Token heron-market", False),
    ],
)
def test_bearer_accepts_the_secret_as_a_bearer_token(value: str, *, accepted: bool) -> None:
    assert accepts(bearer([SECRET]), sent(value)) == accepted


@pytest.mark.parametrize(
    ("delivery", "accepted"),
    [
        (in_base64(b"ci:heron-market"), True),
        (in_base64(b"other:heron-market"), False),
        (in_base64(b"ci:"), False),
        (in_base64(b"ci"), False),
        (in_base64(b"heron-market"), False),
        (in_base64(b":heron-market"), False),
        (sent("Basic"), False),
        (sent("Basic Y2k6aGVyb24tbWFya2V"), False),
        (sent("Basic Y2k6*aGVyb24tbWFya2V0"), False),
        (sent("Basic ===="), False),
        (sent("Basic \xe9\xe9\xe9\xe9"), False),
        (sent("Basic Y2k6 aGVyb24="), False),
        (sent("Bearer Y2k6aGVyb24tbWFya2V0"), False),
        (sent(""), False),
    ],
)
def test_basic_accepts_the_user_with_the_secret(delivery: Delivery, *, accepted: bool) -> None:
    assert accepts(basic("ci", [SECRET]), delivery) == accepted


def test_a_password_may_contain_a_colon() -> None:
    assert accepts(basic("ci", [Secret(b"a:b")]), in_base64(b"ci:a:b"))


@pytest.mark.parametrize(
    ("secret", "accepted"),
    [("heron-market", True), ("heron-marke", False), ("", False), (None, False)],
)
def test_path_accepts_the_secret_in_the_url(secret: str | None, *, accepted: bool) -> None:
    assert accepts(path([SECRET]), Delivery({}, b"", secret)) == accepted


def test_none_accepts_every_request() -> None:
    assert accepts(none(), Delivery({}, b""))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_secret_that_is_not_ascii_is_accepted_in_either_encoding(encoding: str) -> None:
    plain = as_wsgi("crème-brûlée", encoding)
    assert accepts(header("X-Token", [ACCENTED]), sent(plain, "x-token"))
    assert accepts(header("Authorization", [ACCENTED]), sent(f"Bearer {plain}"))
    assert accepts(bearer([ACCENTED]), sent(f"Bearer {plain}"))
    assert accepts(basic("é", [ACCENTED]), in_base64("é:crème-brûlée".encode(encoding)))


def test_a_path_that_is_not_ascii_is_accepted() -> None:
    assert accepts(path([ACCENTED, Secret("密钥".encode())]), Delivery({}, b"", "crème-brûlée"))
    assert accepts(path([ACCENTED, Secret("密钥".encode())]), Delivery({}, b"", "密钥"))


BUILDERS: list[tuple[Callable[[list[Secret]], Authenticate], Callable[[str], Delivery]]] = [
    (lambda secrets: header("X-Token", secrets), lambda value: sent(value, "x-token")),
    (lambda secrets: header("Authorization", secrets), sent),
    (bearer, lambda value: sent(f"Bearer {value}")),
    (lambda secrets: basic("", secrets), lambda value: in_base64(f":{value}".encode())),
    (path, lambda value: Delivery({}, b"", value)),
]


@pytest.mark.parametrize(("build", "send"), BUILDERS)
def test_every_secret_is_accepted_until_it_expires(
    build: Callable[[list[Secret]], Authenticate], send: Callable[[str], Delivery]
) -> None:
    authenticate = build([Secret(b"old", not_after=NOW), Secret(b"new")])
    just_before = NOW - timedelta(microseconds=1)
    assert accepts(authenticate, send("old"), just_before)
    assert accepts(authenticate, send("new"), just_before)
    assert not accepts(authenticate, send("old"), NOW)
    assert accepts(authenticate, send("new"), NOW)


@pytest.mark.parametrize(("build", "send"), BUILDERS)
def test_an_empty_secret_is_never_accepted(
    build: Callable[[list[Secret]], Authenticate], send: Callable[[str], Delivery]
) -> None:
    assert not accepts(build([Secret(b"")]), send(""))
    assert not accepts(build([]), send(""))
    assert not accepts(build([Secret(b"")]), Delivery({}, b""))


@pytest.mark.parametrize(("build", "send"), BUILDERS)
def test_a_refusal_contains_no_secret(
    build: Callable[[list[Secret]], Authenticate], send: Callable[[str], Delivery]
) -> None:
    with pytest.raises(Unauthenticated, match="is missing or not accepted") as refusal:
        build([SECRET])(send("guess"), NOW)
    assert "heron" not in str(refusal.value)
    assert "guess" not in str(refusal.value)


def test_an_empty_key_signs_nothing() -> None:
    unsigned = Delivery(
        {"x-sig": "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"}, b""
    )
    assert not accepts(hmac("X-Sig", [Secret(b"")]), unsigned)


def test_the_repr_of_a_secret_does_not_contain_it() -> None:
    assert "heron" not in repr(SECRET)
