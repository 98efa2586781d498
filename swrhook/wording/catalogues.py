"""The catalogues: what swrhook says, in other languages than English.

They are .po files, compiled when a language is first used: there is no .mo file that could be
missing from a package, or be older than its .po file.
"""

from enum import StrEnum
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path


class Language(StrEnum):
    """A language, by its tag in HTML and HTTP."""

    ENGLISH = "en"
    CHINESE = "zh-CN"


# Each in its own language, for those who cannot read the current one.
NAMES = {Language.ENGLISH: "English", Language.CHINESE: "简体中文"}


@cache
def translations(language: Language) -> NullTranslations:
    """Return the catalogue of a language; that of English is empty."""
    if language is Language.ENGLISH:
        return NullTranslations()
    from babel.messages.mofile import write_mo  # noqa: PLC0415  # many processes speak English only
    from babel.messages.pofile import read_po  # noqa: PLC0415

    compiled = BytesIO()
    with catalogue_file(language).open("rb") as file:
        write_mo(compiled, read_po(file, locale=locale_of(language)))
    compiled.seek(0)
    return GNUTranslations(compiled)


def catalogue_file(language: Language) -> Path:
    """Return the path of a language's .po file."""
    return Path(__file__).parent / locale_of(language) / "LC_MESSAGES" / "messages.po"


def locale_of(language: Language) -> str:
    """Return a language's name in gettext and Babel: `zh_CN`."""
    return language.value.replace("-", "_")
