import pytest

from swrhook.wording.catalogues import Language, translations
from swrhook.wording.message import join_parts, render, say, say_count, split_parts
from swrhook.wording.storage import decode, encode, restore, restore_note, restore_parts

WAITING = say("not in %(place)s yet", place="cn-east-3")
CONSTANT = say("nothing to do: it is tried again")
NESTED = say_count("%(count)s: %(why)s", "%(count)s: %(why)s", 2, why=WAITING)
CHINESE = translations(Language.CHINESE)


def test_a_stored_message_can_be_put_into_words_again() -> None:
    messages = decode(encode([None, NESTED, "as SWR says", CONSTANT]))

    restored = restore(str(NESTED), messages)
    assert restored == NESTED
    assert restored.render(CHINESE) == NESTED.render(CHINESE)  # type: ignore[attr-defined]


def test_a_text_without_values_needs_no_storage() -> None:
    assert encode([CONSTANT, None]) is None
    assert restore(str(CONSTANT), {}).render(CHINESE) == CONSTANT.render(CHINESE)  # type: ignore[attr-defined]


def test_reasons_that_were_joined_are_put_into_words_one_by_one() -> None:
    joined = join_parts([WAITING, "as SWR says", CONSTANT])
    encoded = encode(split_parts(joined))

    restored = restore_parts(str(joined), encoded)
    assert restored == joined
    assert render(restored, CHINESE) == render(joined, CHINESE)
    assert split_parts(restored or "") == [WAITING, "as SWR says", CONSTANT]
    assert restore_parts(f"{joined}; and more", encoded) == f"{joined}; and more"
    assert restore_parts(None, None) is None


def test_a_note_is_put_into_words_after_its_place() -> None:
    note = restore_note(f"cn-east-3/team: {CONSTANT}; what SWR said")

    assert note == f"cn-east-3/team: {CONSTANT}; what SWR said"
    in_chinese = str(render(note, CHINESE))
    for text in ("cn-east-3/team", CONSTANT.render(CHINESE), "what SWR said"):
        assert text in in_chinese
    assert restore_note("as it: was") == "as it: was"


def test_the_text_wins_over_what_was_stored_for_another() -> None:
    assert restore("50 % of it", decode(encode([WAITING]))) == "50 % of it"


@pytest.mark.parametrize(
    "damage", [None, "", "{", "[1]", '[["a"]]', '[["%(x)s","",{}]]', "[[1,2,3]]"]
)
def test_what_cannot_be_read_is_left_out(damage: str | None) -> None:
    assert restore("a text", decode(damage)) == "a text"
