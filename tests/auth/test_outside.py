"""What may be named outside, and who answers where nothing is fetched."""

import pytest

from swrhook.auth import NOWHERE
from swrhook.auth.pinned_urls import is_certificate, is_confirmation
from swrhook.errors import KeysUnavailable, Unconfirmed
from tests.auth.parts import SMN_CONFIRM, SMN_URL, SNS_CONFIRM, SNS_URL


def test_nowhere_has_no_keys() -> None:
    with pytest.raises(KeysUnavailable):
        NOWHERE.certificate(SNS_URL)
    with pytest.raises(KeysUnavailable):
        NOWHERE.signing_key("https://issuer.example.com", "a")
    with pytest.raises(Unconfirmed):
        NOWHERE.visit(SNS_CONFIRM)


def test_an_address_is_pinned_for_one_purpose() -> None:
    certificates, confirmations = [SNS_URL, SMN_URL], [SNS_CONFIRM, SMN_CONFIRM]

    assert all(map(is_certificate, certificates))
    assert all(map(is_confirmation, confirmations))
    assert not any(map(is_certificate, [*confirmations, "", "https://example.com/"]))
    assert not any(map(is_confirmation, [*certificates, "", "https://example.com/"]))
