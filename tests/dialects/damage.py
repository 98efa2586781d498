"""Strategies: JSON of any shape, and recorded requests with damage."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from swrhook.senders.delivery import Delivery
from tests.dialects.recordings import Recording, recordings

DIGEST = "sha256:" + "5e" * 32
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1 << 70,
    10**4000,
    1e308,
    "",
    " ",
    ",",
    "\0",
    "\ud800",
    "a\udfffb:1",
    "é",
    "a" * 2000,
    "/" * 300,
    "a/b:c",
    f"a/b@{DIGEST}",
    DIGEST,
    "-",
    "0001-01-01T00:00:00+23:59",
    [],
    {},
    [[]],
    [None, {}, "x", 3],
    {"": {"\0": "\ud800"}},
]


def locations_in(document: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key or index) in a document."""
    locations: list[tuple[Any, Any]] = []
    pending = [document]
    while pending:
        inner = pending.pop()
        entries = inner.items() if isinstance(inner, dict) else enumerate(inner)
        for key, value in entries:
            locations.append((inner, key))
            if isinstance(value, dict | list):
                pending.append(value)
    return locations


RECORDED = [
    recording
    for recording in recordings()
    if "undecodable" not in recording.expected and recording.case != "byte_order_mark"
]
PUSHES = [recording for recording in RECORDED if "pushes" in recording.expected]
# Every key that a recording uses may turn up anywhere.
KEYS = sorted(
    {
        key
        for r in RECORDED
        for _, key in locations_in(json.loads(r.delivery.body))
        if isinstance(key, str)
    }
)

texts = st.text(st.characters(exclude_categories=()), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
keys = st.sampled_from(KEYS) | texts
values = st.sampled_from(ODD) | scalars
documents = st.recursive(
    values,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=25,
)
headers = st.dictionaries(
    st.sampled_from(["content-type", "idempotency-key", "webhook-id", "ce-type"]) | texts,
    texts,
    max_size=4,
)


def deep(value: Any, depth: int) -> Any:
    for level in range(depth):
        value = [value] if level % 2 else {"images": value}
    return value


def fresh(document: Any) -> Any:
    """Return a copy, because hypothesis draws the same object several times."""
    return json.loads(json.dumps(document))


def drop(container: Any, key: Any, _value: Any) -> None:
    del container[key]


def replace(container: Any, key: Any, value: Any) -> None:
    container[key] = value


def wrap(container: Any, key: Any, _value: Any) -> None:
    container[key] = [container[key]]


def bury(container: Any, key: Any, _value: Any) -> None:
    container[key] = deep(container[key], 150)


def duplicate(container: Any, key: Any, value: Any) -> None:
    if isinstance(container, list):
        container.insert(0, fresh(container[key]))
    else:
        container[f"{key}2"] = value


DAMAGES: list[Callable[[Any, Any, Any], None]] = [drop, replace, wrap, bury, duplicate]


def damaged_once(recording: Recording) -> Iterator[Delivery]:
    """Yield the recording with each kind of damage at each place, one at a time."""
    whole = json.loads(recording.delivery.body)
    damages = [(drop, None), (wrap, None), (bury, None), *((replace, odd) for odd in ODD)]
    for number in range(len(locations_in(whole))):
        for damage, odd in damages:
            document = fresh(whole)
            container, key = locations_in(document)[number]
            damage(container, key, odd)
            yield Delivery(recording.delivery.headers, json.dumps(document).encode())


@st.composite
def damaged_deliveries(draw: st.DrawFn) -> Delivery:
    """Draw a recording with keys dropped, replaced, wrapped, nested deeply or duplicated."""
    recording = draw(st.sampled_from(PUSHES))
    document = [json.loads(recording.delivery.body)]
    for _ in range(draw(st.integers(1, 4))):
        locations = locations_in(document)
        if locations:
            container, key = locations[draw(st.integers(0, len(locations) - 1))]
            draw(st.sampled_from(DAMAGES))(container, key, fresh(draw(documents)))
    body = json.dumps(document[0] if document else None).encode()
    return Delivery(recording.delivery.headers, body)


@st.composite
def damaged_bytes(draw: st.DrawFn) -> Delivery:
    """Draw a recording with bytes removed, inserted or repeated, which may duplicate keys."""
    recording = draw(st.sampled_from(recordings()))
    body = recording.delivery.body
    start = draw(st.integers(0, len(body)))
    stop = draw(st.integers(start, len(body)))
    middle = draw(
        st.sampled_from([b"", body[start:stop] * 2, b'"events": [],', b'"image": "a/b:1",'])
        | st.binary(max_size=8)
    )
    return Delivery(recording.delivery.headers, body[:start] + middle + body[stop:])


any_deliveries = st.builds(
    Delivery,
    headers,
    st.binary(max_size=200) | documents.map(lambda document: json.dumps(document).encode()),
)
