from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from marshmallow import fields

from swrhook.web.api.schema_base import schema_of


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Wheel:
    size: float


@dataclass(frozen=True, slots=True)
class Car:
    name: str
    color: str
    seats: int
    built_at: datetime | None
    wheels: Sequence[Wheel]
    spare: Wheel | None
    counts: Mapping[str, int]
    is_new: bool


CAR = Car(
    "a", "red", 4, datetime(2026, 1, 31, tzinfo=UTC), [Wheel(1.5)], None, {"x": 1}, is_new=True
)


def test_a_dataclass_is_written_attribute_by_attribute_in_its_order() -> None:
    assert list(schema_of(Car)().dump(CAR).items()) == [
        ("name", "a"),
        ("color", "red"),
        ("seats", 4),
        ("built_at", "2026-01-31T00:00:00.000Z"),
        ("wheels", [{"size": 1.5}]),
        ("spare", None),
        ("counts", {"x": 1}),
        ("is_new", True),
    ]


def test_every_member_is_required_and_only_optional_ones_may_be_null() -> None:
    members = schema_of(Car)().fields

    assert all(member.required for member in members.values())
    assert {name for name, member in members.items() if member.allow_none} == {"built_at", "spare"}


def test_an_override_sets_values_an_inner_schema_or_a_whole_field() -> None:
    wheel = schema_of(Wheel, "Tire")
    schema = schema_of(Car, color=Color, wheels=wheel, spare=wheel, seats=fields.String())
    body = schema().dump(CAR) | {"color": "green", "wheels": [{"width": 1}]}

    assert (wheel.__name__, body["seats"]) == ("TireSchema", "4")
    assert schema().validate(body) == {
        "color": ["Must be one of: red, blue."],
        "wheels": {0: {"size": ["Missing data for required field."], "width": ["Unknown field."]}},
    }


def test_an_override_for_no_attribute_and_an_unknown_type_are_defects() -> None:
    @dataclass(frozen=True, slots=True)
    class Odd:
        value: complex

    with pytest.raises(KeyError, match="no attributes"):
        schema_of(Wheel, colour=Color)
    with pytest.raises(KeyError, match="complex"):
        schema_of(Odd)
