"""Every request of the shared corpus is read as its meta file expects."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

from swrhook.dialects import DIALECTS
from swrhook.errors import Ignored, NothingUsable, Undecodable, UnknownShape
from swrhook.model import Announcement
from swrhook.senders.delivery import Delivery
from swrhook.swr_names import is_digest

REPOSITORY = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("SWRHOOK_CORPUS") or REPOSITORY.parent / "shared" / "payloads")


def cases() -> Iterator[Any]:
    metas = [meta for name in DIALECTS for meta in sorted(CORPUS.glob(f"{name}/*.meta.json"))]
    for meta in metas:
        yield pytest.param(meta, id=f"{meta.parent.name}-{meta.name.removesuffix('.meta.json')}")
    if not metas:
        absent = pytest.mark.skip(reason=f"no corpus at {CORPUS}: set SWRHOOK_CORPUS")
        yield pytest.param(CORPUS, id="absent", marks=absent)


def as_sent(meta: Path, statement: dict[str, Any]) -> Delivery:
    """Return the request as sent: for a form, the file has only the value of the form's field."""
    body = meta.with_name(meta.name.replace(".meta.json", ".json")).read_bytes()
    encoding, _, field = statement.get("wire_encoding", "").partition(":")
    if encoding == "form":
        body = f"{field}={quote_plus(json.dumps(json.loads(body)))}".encode()
    headers = {name.lower(): value for name, value in statement["headers"].items()}
    return Delivery(headers, body)


def as_expected(announcement: Announcement) -> dict[str, str | None]:
    first, slash, rest = announcement.name.partition("/")
    return {
        "namespace": first if slash else None,
        "repository": rest if slash else first,
        "tag": announcement.tag,
        "digest": announcement.digest,
    }


@pytest.mark.parametrize("meta", list(cases()))
def test_a_request_of_the_corpus_is_read_as_expected(meta: Path) -> None:
    statement = json.loads(meta.read_text("utf-8"))
    delivery = as_sent(meta, statement)
    parse = DIALECTS[meta.parent.name]
    if statement.get("invalid_json"):
        with pytest.raises(Undecodable):
            parse(delivery)
    elif not statement["expect"]:
        with pytest.raises((Ignored, NothingUsable, UnknownShape)):
            parse(delivery)
    else:
        # A short digest, as upstream tests have them, counts as not sent.
        expected = [
            {**push, "digest": push["digest"] if is_digest(push["digest"] or "") else None}
            for push in statement["expect"]
        ]
        assert expected == [as_expected(read) for read in parse(delivery).announcements]
