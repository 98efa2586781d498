"""The body of a webhook fits its published schema, and its signature the standard."""

import json
from datetime import timedelta

import jsonschema
import pytest

from swrhook.auth.secrets import Secret
from swrhook.auth.standard_webhooks import signing_key, standard_webhooks
from swrhook.errors import Unauthenticated
from swrhook.notifications.cloudevents import sign, to_body
from swrhook.notifications.model import Notice, Notification, Topic
from swrhook.notifications.parts import to_part
from swrhook.senders.delivery import Delivery
from tests.factories import NOW
from tests.programs import ROOT

SCHEMA = json.loads((ROOT / "docs" / "notification.schema.json").read_text())
SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AVAILABLE = Notice(
    Topic.AVAILABLE,
    "team/web:v1",
    NOW,
    {"image": "team/web:v1", "digest": None, "targets": ["cn-east-3/team"]},
    {"sync": "01A"},
)
QUARANTINED = Notice(Topic.QUARANTINED, "ci", NOW, {"sender": "ci"}, {"delivery": "01D"})


def message(*notices: Notice) -> Notification:
    return Notification("01N", "deploys", NOW, [to_part(notice) for notice in notices])


@pytest.mark.parametrize("notices", [(AVAILABLE,), (AVAILABLE, QUARANTINED)])
def test_a_body_fits_the_published_schema(notices: tuple[Notice, ...]) -> None:
    body = json.loads(to_body(message(*notices), "https://s.example.com"))

    jsonschema.validate(body, SCHEMA)
    assert body["type"] == ("swrhook.available" if len(notices) == 1 else "swrhook.digest")


def test_the_schema_has_every_topic() -> None:
    types = SCHEMA["properties"]["type"]["enum"]

    assert set(types) == {f"swrhook.{topic}" for topic in Topic} | {"swrhook.digest"}


def test_an_available_image_is_the_subject() -> None:
    event = json.loads(to_body(message(AVAILABLE), None))

    assert (event["subject"], event["source"]) == ("team/web:v1", "urn:swrhook")
    assert event["data"]["parts"][0]["link"] is None


def test_a_receiver_accepts_the_signature_and_no_other() -> None:
    body = to_body(message(AVAILABLE), None)
    headers = sign("01N", body, signing_key(SECRET), NOW)
    authenticate = standard_webhooks([Secret(SECRET)], timedelta(minutes=5))

    authenticate(Delivery(headers, body), NOW)
    with pytest.raises(Unauthenticated):
        authenticate(Delivery(headers, body + b" "), NOW)
