"""The dialect of a message in an envelope is detected."""

import json
from typing import Any

import pytest

from swrhook.dialects import DIALECTS
from swrhook.errors import UnknownShape
from swrhook.senders.delivery import Delivery
from swrhook.senders.dialect_detection import (
    DIALECT_BY_EVENT_TYPE,
    DIALECT_BY_HEADER,
    DIALECT_BY_SHAPE,
    detect,
    read,
)
from tests.dialects.recordings import recordings

# What is known of these is the other's format.
ALIKE = {"huawei-swr-ee": "harbor", "tencent": "harbor", "gitlab": "distribution"}
# These say nothing that others do not say too, or say what their user wants.
UNTOLD = frozenset({"cloudevents", "generic", "mapping"})
HEADERS_LOST = "headers_lost_on_the_way"  # and nothing else in it is the sender's own
TOLD = [
    pytest.param(recording, id=f"{recording.dialect}-{recording.case}")
    for recording in recordings()
    if recording.dialect not in UNTOLD
    and recording.case != HEADERS_LOST
    and recording.expected.get("pushes")
]


@pytest.mark.parametrize("recording", TOLD)
def test_the_dialect_of_a_recorded_push_is_detected(recording: Any) -> None:
    dialect = detect(recording.delivery.headers, json.loads(recording.delivery.body))
    assert ALIKE.get(recording.dialect, recording.dialect) == dialect


@pytest.mark.parametrize(
    ("document", "dialect"),
    [
        ({"specversion": "1.0", "type": "harbor.artifact.pushed"}, "harbor"),
        ({"specversion": "1.0", "type": "cr:Artifact:PushCompleted"}, "aliyun"),
        ({"specversion": "1.0", "type": "com.amazon.ecr.image.push"}, "ecr"),
        ({"specversion": "1.0", "type": "x", "source": "HC.OBS"}, "huawei-eventgrid"),
        ({"specversion": "1.0", "type": "x"}, "cloudevents"),
        ({"context": {"type": "dev.cdevents.artifact.published.0.2.0"}}, "cdevents"),
        ({"events": []}, "distribution"),
        ({"events": [{"action": "push", "target": {}}]}, "distribution"),
        ({"events": [None, {"specversion": "1.0"}]}, "huawei-eventgrid"),
        ({"message": {"data": "e30=", "messageId": "1"}}, "gcr"),
        ({"action": "DELETE", "digest": "a/b@sha256:0"}, "gcr"),
        ({"detail-type": "ECR Image Action"}, "ecr"),
        ({"type": "pushImage", "event_data": {}}, "harbor"),
        ({"push_data": {}, "repository": {"repo_full_name": "a/b"}}, "aliyun"),
        ({"push_data": {}, "repository": {"repo_name": "a/b"}}, "dockerhub"),
        ({"updated_tags": ["1"]}, "quay"),
        ({"docker_url": "quay.io/a/b", "repository": "a/b"}, "quay"),
        ({"action": "push", "target": {"repository": "a"}}, "acr"),
        ({"action": "CREATED", "repositoryName": "a"}, "nexus"),
        ({"repository": "a/b", "tags": ["1"]}, "generic"),
        ({"images": ["a/b:1"]}, "generic"),
        ({"image.name": "a/b:1"}, "generic"),
    ],
)
def test_the_dialect_of_a_shape_is_detected(document: Any, dialect: str) -> None:
    assert detect({}, document) == dialect


@pytest.mark.parametrize("document", [None, [], {}, 1, "x", {"events": [1]}, {"events": {}}])
def test_any_other_document_is_an_unknown_shape(document: Any) -> None:
    with pytest.raises(UnknownShape, match="cannot be detected"):
        detect({}, document)


@pytest.mark.parametrize(("header", "dialect"), DIALECT_BY_HEADER)
def test_a_product_specific_header_decides_before_the_body(header: str, dialect: str) -> None:
    assert detect({header: "x"}, {"image": "a/b:1"}) == dialect


def test_giteas_header_decides_before_githubs() -> None:
    assert detect({"x-github-event": "package", "x-gitea-event": "package"}, {}) == "gitea"


@pytest.mark.parametrize(("start", "dialect"), DIALECT_BY_EVENT_TYPE)
def test_a_binary_cloudevent_is_detected_by_its_type_header(start: str, dialect: str) -> None:
    assert detect({"ce-type": f"{start}x"}, {"image": "a/b:1"}) == dialect


def test_a_message_is_read_with_the_detected_dialect() -> None:
    delivery = Delivery({}, b'{"image": "moor/dunlin:9"}')
    assert DIALECTS["generic"](delivery) == read(delivery, DIALECTS)


def test_a_message_in_a_dialect_missing_from_the_table_is_quarantined() -> None:
    with pytest.raises(UnknownShape, match="the dialect generic, which cannot be read"):
        read(Delivery({}, b'{"image": "moor/dunlin:9"}'), {})


def test_an_unusable_message_in_an_envelope_is_quarantined() -> None:
    with pytest.raises(UnknownShape, match="has no tag"):
        read(Delivery({}, b'{"image": "moor/dunlin"}'), DIALECTS)


def test_every_detectable_dialect_is_in_the_table() -> None:
    named = {dialect for _, dialect in (*DIALECT_BY_HEADER, *DIALECT_BY_EVENT_TYPE)} | {
        dialect for dialect, _ in DIALECT_BY_SHAPE
    }
    assert named | {"cloudevents", "gcr", "huawei-eventgrid"} <= set(DIALECTS)
