"""The kept headers are enough to read a request again, and contain no secret."""

from dataclasses import replace

import pytest

from swrhook.dialects import DIALECTS
from swrhook.errors import SwrhookError
from swrhook.model import Reading
from swrhook.senders import envelopes
from swrhook.senders.delivery import KEPT_HEADERS, Delivery
from tests.dialects.recordings import Recording, every_recording

# Parts of the names of headers that authenticate a sender.
SECRET_NAMES = ("auth", "sign", "token", "secret", "key", "cookie", "password")


def read(recording: Recording, delivery: Delivery) -> Reading | str:
    try:
        return envelopes.read(delivery, DIALECTS[recording.dialect])
    except SwrhookError as exc:
        return f"{type(exc).__name__}: {exc}"


@every_recording
def test_the_kept_headers_are_enough_to_read_a_request_again(recording: Recording) -> None:
    sent = recording.delivery
    kept = {name: value for name, value in sent.headers.items() if name in KEPT_HEADERS}

    assert read(recording, sent) == read(recording, replace(sent, headers=kept))


@pytest.mark.parametrize("name", sorted(KEPT_HEADERS))
def test_no_kept_header_authenticates_a_sender(name: str) -> None:
    assert name.lower() == name
    assert [part for part in SECRET_NAMES if part in name.replace("idempotency-key", "")] == []
