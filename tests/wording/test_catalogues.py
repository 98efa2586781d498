"""The catalogues have what the sources say, completely, with the same placeholders and tags."""

import re
import tomllib
from collections.abc import Iterator

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from swrhook.wording.catalogues import Language, catalogue_file
from tests.programs import ROOT

_INSERTED = re.compile(r"%\(\w+\)s|%%|</?\w+[^>]*>")
# As in the Makefile.
_KEYWORDS = {
    "say": None,
    "_": None,
    "gettext": None,
    "say_count": (1, 2),
    "ngettext": (1, 2),
}


def catalogue() -> Catalog:
    with catalogue_file(Language.CHINESE).open("rb") as file:
        return read_po(file)


def messages() -> Iterator[Message]:
    return (message for message in catalogue() if message.id)


def forms(text: str | list[str] | tuple[str, ...] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def sentences() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    mappings = project["tool"]["babel"]["mappings"]
    extracted = extract_from_dir(
        ROOT / "swrhook",
        [(mapping["pattern"], mapping["method"]) for mapping in mappings],
        {mapping["pattern"]: {"silent": "false"} for mapping in mappings},
        _KEYWORDS,
    )
    return {forms(sentence)[0] for _, _, sentence, _, _ in extracted}


def test_every_sentence_of_the_sources_is_in_the_catalogue() -> None:
    missing = sentences() - {forms(message.id)[0] for message in messages()}

    assert missing == set(), "run `make messages`, and translate what is new"


def test_nothing_is_untranslated_or_a_guess() -> None:
    assert [
        message.id for message in messages() if message.fuzzy or not all(forms(message.string))
    ] == []


def test_a_translation_has_the_placeholders_and_tags_of_its_sentence() -> None:
    assert [
        message.id
        for message in messages()
        for form in forms(message.string)
        if form
        and not any(
            sorted(_INSERTED.findall(form)) == sorted(_INSERTED.findall(text))
            for text in forms(message.id)
        )
    ] == []
