from dataclasses import replace

from swrhook.notifications.model import MOST_ITEMS, MOST_PARTS, Notice, Part, Topic
from swrhook.notifications.parts import merge_parts, to_part
from tests.factories import MINUTE, NOW


def notice(cause: str, number: int = 0) -> Notice:
    return Notice(Topic.FAILED, cause, NOW + number * MINUTE, {"n": number}, {"sync": str(number)})


def test_notices_of_one_cause_become_one_part_with_the_first_items() -> None:
    parts, left_out = merge_parts((), [to_part(notice("a", number)) for number in range(1000)])

    [part] = parts
    assert (part.count, left_out, part.facts) == (1000, 0, {"n": 999})
    assert [item["sync"] for item in part.items] == [str(number) for number in range(MOST_ITEMS)]
    assert (part.first_at, part.last_at) == (NOW, NOW + 999 * MINUTE)


def test_causes_beyond_the_most_are_counted() -> None:
    notices = [to_part(notice(str(number))) for number in range(MOST_PARTS + 2)]
    parts, left_out = merge_parts((), notices)
    again, more_left_out = merge_parts(parts, [to_part(notice("0")), *notices[-1:]], left_out)

    assert (len(parts), left_out) == (MOST_PARTS, 2)
    assert (again[0].count, more_left_out) == (2, 3)


def test_a_part_survives_its_way_through_json() -> None:
    part = replace(to_part(notice("a")), count=3)

    assert Part.from_json(part.to_json()) == replace(part, items=[{"sync": "0"}])
