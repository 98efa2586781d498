"""A configuration that is only read fetches no keys."""

import pytest

from swrhook.auth import NO_KEYS
from swrhook.errors import KeysUnavailable, Unconfirmed
from tests.auth.messages import ARN, SNS_CONFIRM, SNS_URL


def test_no_keys_are_fetched_for_a_configuration_that_is_only_read() -> None:
    with pytest.raises(KeysUnavailable):
        NO_KEYS.certificate(SNS_URL, ARN)
    with pytest.raises(KeysUnavailable):
        NO_KEYS.signing_key("https://issuer.example.com", "a")
    with pytest.raises(Unconfirmed):
        NO_KEYS.confirm_subscription(SNS_CONFIRM, ARN)
