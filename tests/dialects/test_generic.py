"""The generic dialect: promises to callers that the recordings do not cover."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from swrhook.dialects import generic
from swrhook.errors import Ignored, NothingUsable
from swrhook.model import Reading
from swrhook.senders.delivery import Delivery

DIGEST = "sha256:" + "0d" * 32
OTHER = "sha256:" + "1e" * 32


def read(document: Any, **headers: str) -> Reading:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return generic.parse(Delivery(sent, json.dumps(document).encode()))


def images(document: Any) -> list[str]:
    return [f"{a.name}:{a.tag}" for a in read(document).announcements]


def reasons(document: Any) -> tuple[str, ...]:
    with pytest.raises(NothingUsable) as refusal:
        read(document)
    return tuple(refusal.value.reasons)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"image": "a/b:1", "tag": "2"}, ["a/b:1", "a/b:2"]),
        ({"image": "a/b:1", "tags": ["1", "latest"]}, ["a/b:1", "a/b:latest"]),
        ({"image": "a/b", "tags": "1, 2\n3,,"}, ["a/b:1", "a/b:2", "a/b:3"]),
        ({"image": "a/b", "images": ["c/d"], "tag": "1"}, ["a/b:1", "c/d:1"]),
        ({"images": "a/b:1\nc/d:2"}, ["a/b:1", "c/d:2"]),
        ({"image": "a/b", "tags": ["x.example/a/b:1", "x.example/a/b:2"]}, ["a/b:1", "a/b:2"]),
        ({"image": "a/b", "tags": ["x.example/a/b:1", "2"]}, ["a/b:1", "a/b:2"]),
        ({"image": "a/b:1", "repository": "https://git.example/a/b"}, ["a/b:1"]),
        ({"namespace": "a", "repo": "b", "name": "nightly", "tag": "1"}, ["a/b:1"]),
        ({"namespace": "a", "repository": "b/c", "tag": "1"}, ["a/b/c:1"]),
        ({"namespace": "a", "repository": "x.example/b/c:1"}, ["b/c:1"]),
        ({"namespace": "a", "name": "b", "tag": "1"}, ["a/b:1"]),
        ({"namespace": "a", "name": "b/c", "tag": "1"}, ["b/c:1"]),
        ({"name": "job 7", "repository": "a/b", "tag": "1"}, ["a/b:1"]),
        ({"ref": "x.example:5000/a/b:1"}, ["a/b:1"]),
        ({"image": "b:1"}, ["b:1"]),
        ("a/b:1", ["a/b:1"]),
        ([["a/b:1"], "a/b:2"], ["a/b:2"]),
        ({"namespace": "a", "images": [{"organization": "c", "image": "b:1"}]}, ["c/b:1"]),
        ({"name": "nightly", "images": [{"image": "a/b:1"}]}, ["a/b:1"]),
        ({"image": "a/b:1", "images": [{"image": "a/b:2"}]}, ["a/b:1", "a/b:2"]),
        ([{"images": [{"image": "a/b:1"}, "a/b:2"]}], ["a/b:2", "a/b:1"]),
    ],
)
def test_images_can_be_named_in_many_ways(document: Any, expected: list[str]) -> None:
    assert images(document) == expected


def test_a_digest_in_the_image_takes_precedence() -> None:
    document = {"images": [f"a/b:1@{OTHER}", "a/b:2", "a/b:3@sha256:short"], "digest": DIGEST}
    assert [a.digest for a in read(document).announcements] == [OTHER, DIGEST, DIGEST]


def test_the_time_is_read() -> None:
    (read_one,) = read({"image": "a/b:1", "timestamp": "2026-07-03T12:00:00Z"}).announcements
    assert datetime(2026, 7, 3, 12, tzinfo=UTC) == read_one.pushed_at


@pytest.mark.parametrize(
    ("ids", "headers", "expected"),
    [
        ({"event_id": "e", "id": "i"}, {"idempotency_key": "k"}, "e"),
        ({"id": "i"}, {"idempotency_key": "k"}, "i"),
        ({"id": 7}, {}, "7"),
        ({"id": True}, {}, None),
        ({"id": 1 << 64}, {}, None),
        ({"event_id": ""}, {"idempotency_key": "k", "webhook_id": "w"}, "k"),
        ({}, {"webhook_id": "w"}, "w"),
        ({}, {"webhook_id": "\0"}, None),
    ],
)
def test_the_callers_event_id_is_kept(
    ids: dict[str, Any], headers: dict[str, str], expected: str | None
) -> None:
    reading = read({"image": "a/b:1", **ids}, **headers)
    assert reading.external_id == expected
    assert [a.event_id for a in reading.announcements] == [expected]


def test_an_array_has_the_id_in_the_header_and_items_may_have_their_own() -> None:
    reading = read(["a/b:1", {"id": "two", "image": "a/b:2"}], idempotency_key="k")
    assert reading.external_id == "k"
    assert [a.event_id for a in reading.announcements] == ["k", "two"]


@pytest.mark.parametrize("status", ["success", "Succeeded", " PASSED ", "ok", "completed", None])
def test_a_success_is_read(status: str | None) -> None:
    assert images({"image": "a/b:1", "status": status}) == ["a/b:1"]


@pytest.mark.parametrize("status", ["failure", "running", "", 0, True, [], "x" * 2000])
def test_any_other_status_is_ignored_and_named(status: Any) -> None:
    with pytest.raises(Ignored, match=r"^status .* is not a success \(completed, ok, passed"):
        read({"image": "a/b:1", "status": status})


def test_objects_in_images_inherit_the_status() -> None:
    with pytest.raises(Ignored, match='object 1 of `images`: status "failed"'):
        read({"status": "failed", "images": [{"image": "a/b:1"}]})


def test_unusable_items_are_reported_beside_usable_ones() -> None:
    reading = read([{"image": "a/b:1"}, {"image": "a/b"}, {"image": "a/c:1", "status": "failed"}])
    no_tag, failed = reading.skipped
    assert no_tag.startswith('item 2: "a/b" has no tag, and none is assumed')
    assert failed.startswith('item 3: status "failed" is not a success')


@pytest.mark.parametrize(
    ("document", "start"),
    [
        ({}, 'no image is named: send {"image": "organization/repository:tag"} or {"namespace"'),
        ({"repository": " "}, "`repository` is empty: send"),
        ({"images": []}, "`images` is empty: send"),
        (7, "this is a number, which names no image: send"),
        ({"image": {"name": "a"}}, "`image` holds an object: write it as a string in quotes"),
        ({"image": "a/b", "tag": ["a/../x:1"]}, '"a/../x" is not a repository name'),
        ({"image": "a/b", "tag": "../x"}, '"a/b": "../x" is not a tag: 1 to 128 letters'),
        ({"image": "a/b:é"}, '"a/b": "é" is not a tag: 1 to 128 letters'),
        ({"image": f"a/b:{'x' * 129}"}, '"a/b": "xxx'),
        ({"image": "a//b:1"}, '"a//b" is not a repository name: at most 255 lower-case letters'),
        ({"image": ":1"}, '"" is not a repository name'),
        ({"image": f"{'a' * 256}:1"}, '"aaa'),
        ({"image": "A/b:1"}, '"A/b" is not a repository name: write it in lower case'),
        ({"one": {"image.name": "a/b"}}, 'target "one": "a/b" has no tag'),
    ],
)
def test_a_caller_is_told_what_to_send(document: Any, start: str) -> None:
    (reason,) = reasons(document)
    assert reason.startswith(start)


def test_a_bake_target_that_was_not_pushed_is_reported() -> None:
    built = {"containerimage.config.digest": DIGEST}
    reading = read({"buildx.build.warnings": [], "a": {"image.name": "a/b:1"}, "b": built})
    (reason,) = reading.skipped
    assert reason.startswith('target "b": no image is named: send')


def test_the_number_of_reasons_is_limited() -> None:
    texts = reasons([f"a/b{n}" for n in range(100)])
    assert len(texts) == 21
    assert texts[-1] == "and 80 more"


def test_the_number_of_images_times_tags_is_limited() -> None:
    names = [f"a/b{n}" for n in range(300)]
    assert reasons({"images": names, "tags": names}) == (
        "more than 50,000 images: send several requests",
    )
