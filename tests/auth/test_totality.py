"""For any headers, body and path a scheme says yes, or raises Unauthenticated; nothing else."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swrhook.auth import SCHEMES, Secret
from swrhook.delivery import Delivery
from swrhook.errors import Unauthenticated

NOW = datetime(2026, 7, 3, 12, tzinfo=UTC)
SECRETS = [Secret(b"heron-market"), Secret("密钥é".encode()), Secret(b""), Secret(b"old", NOW)]
ARGUMENTS: dict[str, Any] = {"header": "X-Sig", "username": "ci", "secrets": SECRETS}

texts = st.text(st.characters(exclude_categories=()), max_size=40)
values = texts | st.builds(
    "{}{}{}".format, st.sampled_from(["Bearer ", "Basic ", "basic", "sha256="]), texts, texts
)
deliveries = st.builds(
    Delivery,
    st.dictionaries(st.sampled_from(["authorization", "x-sig"]) | texts, values, max_size=4),
    st.binary(max_size=40),
    st.none() | texts,
)


@pytest.mark.parametrize("name", SCHEMES)
@settings(deadline=None, max_examples=200)
@given(delivery=deliveries)
def test_any_request_is_accepted_or_unauthenticated(name: str, delivery: Delivery) -> None:
    scheme = SCHEMES[name]
    authenticate = scheme.build(**{key: ARGUMENTS[key] for key in scheme.required})
    with suppress(Unauthenticated):
        authenticate(delivery, NOW)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
@settings(deadline=None)
@given(delivery=deliveries)
def test_no_made_up_signature_is_accepted(encoding: str, delivery: Delivery) -> None:
    authenticate = SCHEMES["hmac"].build(**ARGUMENTS_OF_HMAC, encoding=encoding)
    with pytest.raises(Unauthenticated):
        authenticate(delivery, NOW)


ARGUMENTS_OF_HMAC = {"header": "X-Sig", "secrets": SECRETS, "algorithm": "sha512"}
