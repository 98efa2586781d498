"""The catalogues have what the sources say, with the same placeholders and tags."""

import re
from collections.abc import Iterator

from babel.messages import Message
from babel.messages.pofile import read_po

from swrhook.wording.catalogues import Language, catalogue_file

_INSERTED = re.compile(r"%\(\w+\)s|%%|</?\w+[^>]*>")


def translated() -> Iterator[Message]:
    with catalogue_file(Language.CHINESE).open("rb") as file:
        yield from (message for message in read_po(file) if message.id and message.string)


def forms(text: str | list[str] | tuple[str, ...] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def test_a_translation_has_the_placeholders_and_tags_of_its_sentence() -> None:
    wrong = [
        message.id
        for message in translated()
        for form in forms(message.string)
        if form
        and not any(
            sorted(_INSERTED.findall(form)) == sorted(_INSERTED.findall(text))
            for text in forms(message.id)
        )
    ]

    assert wrong == []
