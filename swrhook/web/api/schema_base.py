"""What the description shows for each member and parameter: one story, told everywhere alike."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

_DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

EXAMPLES: Mapping[str, object] = {
    "image": "team-a/web/shop:1.4.2",
    "sender": "harbor-prod",
    "namespace": "team-a",
    "repository": "web/shop",
    "tag": "1.4.2",
    "digest": _DIGEST,
    "region": "cn-east-3",
    "source_region": "cn-north-4",
    "target_region": "cn-east-3",
    "target_namespace": "team-a",
    "delivery": "01KB3Y6Q3Z6B1D8F2G4H5J7K9M",
    "rule": "web-releases",
    "rules_version": "3f2a9c41d07e",
    "created_at": "2026-01-31T12:00:00.000Z",
    "updated_at": "2026-01-31T12:00:01.250Z",
    "received_at": "2026-01-31T12:00:00.000Z",
    "since": "24h",
    "window": "24h",
    "token": "ops",
    "role": "operate",
    "action": "POST /api/v1/syncs/<sync_id>/retry",
    "dialect": "harbor",
}


class Exemplary(Schema):
    """A schema whose fields are shown with their examples."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Give a field its example, unless it is a time in answers and a duration in queries."""
        example = EXAMPLES.get(field_name)
        if isinstance(field_obj, fields.DateTime) and field_name == "since":
            example = "2026-01-31T12:00:00.000Z"
        if example is not None and not isinstance(field_obj, fields.List | fields.Nested):
            field_obj.metadata = {**field_obj.metadata, "examples": [example]}
