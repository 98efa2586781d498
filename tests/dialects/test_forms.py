"""JSON in a form field, as git forges send it, is read like plain JSON."""

from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swrhook.dialects import DIALECTS
from swrhook.errors import Ignored, Refused, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from tests.dialects.recordings import Recording, recordings

FORGES = ("gitea", "github")

every_forges_recording = pytest.mark.parametrize(
    "recording",
    [pytest.param(r, id=f"{r.dialect}-{r.case}") for r in recordings() if r.dialect in FORGES],
)


def answer(dialect: str, delivery: Delivery) -> Reading | str:
    try:
        return DIALECTS[dialect](delivery)
    except (Ignored, UnknownShape, Refused) as exc:
        return f"{type(exc).__name__}: {exc}"


@every_forges_recording
def test_a_form_from_a_git_forge_is_read_like_its_json(recording: Recording) -> None:
    sent = recording.delivery
    headers = {**sent.headers, "content-type": "application/x-www-form-urlencoded"}
    form = Delivery(headers, urlencode({"payload": sent.body}).encode())
    assert answer(recording.dialect, sent) == answer(recording.dialect, form)


@pytest.mark.parametrize("encode", [quote, quote_plus])
def test_a_space_in_a_form_may_be_a_plus_or_percent_20(encode: Callable[[str], str]) -> None:
    document = '{"a": "1 + 1 = 2 & é"}'
    body = f"payload={encode(document)}&other=%7B%7D".encode()
    assert payload.decode_form(body) == {"a": "1 + 1 = 2 & é"}


@pytest.mark.parametrize(
    "body", [b"payload=", b"payload=%", b"payload=%ff", b"payload=%7B", b"x=1"]
)
def test_a_form_without_json_is_undecodable(body: bytes) -> None:
    for dialect in FORGES:
        assert str(answer(dialect, Delivery({}, body))).startswith("Undecodable: the body is not ")


@settings(max_examples=200)
@given(field=st.binary(max_size=100))
def test_any_form_gives_a_reading_or_a_refusal(field: bytes) -> None:
    for dialect in FORGES:
        assert answer(dialect, Delivery({}, b"payload=" + field))
