"""What is kept of a request suffices to read it again, and proves nothing."""

from dataclasses import replace

import pytest

from swrhook.dialects import DIALECTS
from swrhook.errors import SwrhookError
from swrhook.model import Reading
from swrhook.senders import envelopes
from swrhook.senders.delivery import KEPT_HEADERS, Delivery
from tests.dialects.recordings import Recording, every_recording

# Parts of the names of headers in which senders prove themselves.
PROOFS = ("auth", "signature", "token", "secret", "key", "cookie")


def read(recording: Recording, delivery: Delivery) -> Reading | str:
    try:
        return envelopes.read(delivery, DIALECTS[recording.dialect])
    except SwrhookError as exc:
        return f"{type(exc).__name__}: {exc}"


@every_recording
def test_the_kept_headers_suffice_to_read_a_request_again(recording: Recording) -> None:
    sent = recording.delivery
    kept = {name: value for name, value in sent.headers.items() if name in KEPT_HEADERS}

    assert read(recording, sent) == read(recording, replace(sent, headers=kept))


@pytest.mark.parametrize("name", sorted(KEPT_HEADERS))
def test_no_kept_header_is_a_proof(name: str) -> None:
    assert name == name.lower()
    assert [proof for proof in PROOFS if proof in name.replace("idempotency-key", "")] == []
