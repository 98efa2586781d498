"""Key sets and discovery documents are parsed in part or refused, for any bytes."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.errors import FetchFailed
from swrhook.sender_keys.jwks import read_jwks_url, read_signing_keys
from tests.auth.messages import ec_key, jwk, rsa_key

ISSUER = "https://issuer.example.com"


def keys(*published: Any) -> dict[str, str]:
    signing_keys = read_signing_keys(json.dumps({"keys": published}).encode(), ISSUER)
    return {key_id: key.algorithm_name or "" for key_id, key in signing_keys.items()}


def test_every_signing_key_is_read_with_its_id() -> None:
    assert keys(
        jwk(rsa_key(), "a"),
        jwk(rsa_key(), "b", alg="PS256"),
        {name: value for name, value in jwk(rsa_key(), "c").items() if name != "use"},
        jwk(ec_key(), "e"),
    ) == {"a": "RS256", "b": "PS256", "c": "RS256", "e": "ES256"}


@pytest.mark.parametrize(
    "odd",
    [
        jwk(rsa_key(), "b", use="enc"),
        jwk(rsa_key(), ""),
        jwk(rsa_key(), "b", alg="RSA-OAEP"),
        jwk(rsa_key(), "b", alg=7),
        jwk(rsa_key(), "b", alg=["RS256"]),
        jwk(rsa_key(), "b", n=7),
        jwk(rsa_key(), "b", n="!"),
        jwk(ec_key(), "b", crv="P-1"),
        {"kid": "b"},
        {"kid": "b", "kty": "oct", "k": "c2VjcmV0"},
        {"kid": "b", "kty": "RSA"},
        {"kid": "b", "kty": ["RSA"]},
        None,
        [],
        "x",
    ],
)
def test_an_unusable_key_does_not_affect_the_others(odd: Any) -> None:
    assert keys(odd, jwk(rsa_key(), "a")) == {"a": "RS256"}
    with pytest.raises(FetchFailed, match="contains no usable key"):
        keys(odd)


def test_the_jwks_url_comes_from_the_issuers_own_document() -> None:
    address = "https://keys.example.com/jwks"
    document = json.dumps({"issuer": ISSUER, "jwks_uri": address}).encode()

    assert address == read_jwks_url(document, ISSUER)
    with pytest.raises(FetchFailed, match="another issuer"):
        read_jwks_url(document, f"{ISSUER}/")


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b"\xff", b"[" * 9999, b'{"issuer": "https://issuer.example.com"}'],
)
def test_a_document_with_other_content_is_refused(document: bytes) -> None:
    with pytest.raises(FetchFailed, match=r"^https://issuer\.example\.com: "):
        read_jwks_url(document, ISSUER)
    with pytest.raises(FetchFailed, match=r"^https://issuer\.example\.com: "):
        read_signing_keys(document, ISSUER)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["RSA", "EC", "AQAB"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["keys", "kid", "kty", "alg", "use", "crv", "n", "e", "x", "y", "k"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(st.binary() | VALUES.map(lambda value: json.dumps({"keys": [value]}).encode()))
def test_any_document_is_parsed_or_refused(document: bytes) -> None:
    with suppress(FetchFailed):
        read_signing_keys(document, ISSUER)
    with suppress(FetchFailed):
        read_jwks_url(document, ISSUER)
