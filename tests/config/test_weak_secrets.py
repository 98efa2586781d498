"""Secrets that are short enough to be guessed, and tokens written as their hash."""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from swrhook.auth import SCHEMES
from swrhook.config.model import AccessToken
from tests.config.conftest import Mistakes, Read

WithAuth = Callable[[str], str]
WEAK = (
    'is shorter than 16 characters: make one with "openssl rand -hex 24", or write'
    ' "allow_weak: true" beside it'
)
MORE = {
    "basic": "username: u, ",
    "header": "header: X-Key, ",
    "hmac": "header: X-Sig, ",
}
TOKEN = "an-operators-token-of-24"
DIGEST = sha256(TOKEN.encode()).hexdigest()


def with_token(small: str, keys: str) -> str:
    return f"{small}access: {{tokens: [{{name: ops, role: operate, {keys}}}]}}\n"


@pytest.mark.parametrize("name", sorted(n for n in SCHEMES if "secrets" in SCHEMES[n].required))
def test_every_scheme_refuses_a_short_secret_unless_it_is_allowed(
    name: str, with_auth: WithAuth, read: Read, mistakes: Mistakes
) -> None:
    auth = f"{{scheme: {name}, {MORE.get(name, '')}secrets: whsec_c2hvcnQ=}}"
    long = auth.replace("c2hvcnQ=", "bG9uZ2VyIHRoYW4gdGhhdA==")
    if name == "path":  # a URL has no such characters
        auth, long = auth.replace("=", ""), long.replace("=", "")

    (mistake,) = mistakes(with_auth(auth))
    assert mistake.endswith(f"senders.harbor.auth.secrets: {WEAK}")
    read(with_auth(f"{auth[:-1]}, allow_weak: true}}"))
    read(with_auth(long))


@pytest.mark.parametrize(
    ("secrets", "paths"),
    [
        ("[0123456789abcdef, 0123456789abcde]", ["secrets[1]"]),
        ("{value: short, not_after: 2027-01-31T00:00:00Z}", ["secrets.value"]),
        ("[{value: short}, tiny, {value: 0123456789abcdef}]", ["secrets[0].value", "secrets[1]"]),
    ],
)
def test_each_short_secret_is_reported_and_not_shown(
    secrets: str, paths: list[str], with_auth: WithAuth, mistakes: Mistakes
) -> None:
    lines = mistakes(with_auth(f"{{scheme: bearer, secrets: {secrets}, allow_weak: false}}"))

    assert [line.partition(": senders.harbor.auth.")[2] for line in lines] == [
        f"{path}: {WEAK}" for path in paths
    ]


def test_a_short_secret_from_the_environment_is_reported(
    small: str, mistakes: Mistakes, environ: dict[str, str]
) -> None:
    environ["TOKEN"] = "sesame"

    (mistake,) = mistakes(small)
    assert "senders.harbor.auth.secrets[0]: is shorter than 16 characters" in mistake
    assert "sesame" not in mistake


def test_a_short_token_is_refused_unless_it_is_allowed(
    small: str, read: Read, mistakes: Mistakes
) -> None:
    (mistake,) = mistakes(with_token(small, "token: short"))

    assert mistake.endswith(f"access.tokens[0].token: {WEAK}")
    assert read(with_token(small, "token: short, allow_weak: true")).access.tokens


def test_a_token_is_kept_as_its_hash_however_it_is_written(small: str, read: Read) -> None:
    end = datetime(2027, 1, 31, tzinfo=UTC)
    for written in (TOKEN, f"sha256:{DIGEST}", f"sha256:{DIGEST.upper()}"):
        keys = f"token: '{written}', not_after: 2027-01-31T00:00:00Z"
        [token] = read(with_token(small, keys)).access.tokens

        assert token == AccessToken("ops", "operate", bytes.fromhex(DIGEST), end)


def test_the_hash_of_a_token_is_no_secret_in_the_file(small: str, read: Read) -> None:
    hashed = read(with_token(small, f"token: 'sha256:{DIGEST}'"))
    written_out = read(with_token(small, f"token: {TOKEN}"))

    assert list(hashed.literal_secrets) == []
    assert list(written_out.literal_secrets) == ["access.tokens[0].token"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            f"token: 'sha256:{DIGEST[1:]}'",
            'token: must have 64 hex digits after "sha256:", as from "printf %s TOKEN | sha256sum"',
        ),
        (
            f"token: 'sha256:{sha256().hexdigest()}'",
            "token: is the hash of nothing: was the token's variable empty?",
        ),
        (f"token: {TOKEN}, not_after: tomorrow", 'not_after: "tomorrow" is not a time like'),
        (f"token: {TOKEN}, namespaces: []", "namespaces: is an empty list"),
        (f"token: {TOKEN}, namespaces: ['a/*']", 'namespaces[0]: "a/*" matches no name'),
        (
            f"token: {TOKEN}}}, {{name: twin, role: read, token: 'sha256:{DIGEST}'",
            "tokens[1].token: is the same as access.tokens[0]'s: it must be unique",
        ),
    ],
)
def test_a_mistake_in_a_token_is_reported(
    small: str, mistakes: Mistakes, keys: str, message: str
) -> None:
    (mistake,) = mistakes(with_token(small, keys))

    assert message in mistake
    assert TOKEN not in mistake


def test_a_token_may_be_limited_to_organizations(small: str, read: Read) -> None:
    keys = f"token: {TOKEN}, namespaces: [team-a, 'team-b-*']"
    [limited] = read(with_token(small, keys)).access.tokens
    [unlimited] = read(with_token(small, f"token: {TOKEN}")).access.tokens

    assert limited.namespaces is not None
    assert [name in limited.namespaces for name in ("team-a", "team-b-1", "team-b", "c")] == [
        True,
        True,
        False,
        False,
    ]
    assert unlimited.namespaces is None
