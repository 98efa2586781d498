"""Texts that can be put into another language when they are shown.

A message is English text, and also remembers what it was made of: the sentence in the source code,
by which the catalogues know it, and the values of its placeholders. Logs, the API and the ledger
take it for the text that it is.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, reduce
from typing import Protocol, Self


class Translations(Protocol):
    """A catalogue of one language, as the module gettext has it."""

    def gettext(self, message: str, /) -> str:
        """Return the translation, or the message itself if there is none."""
        ...

    def ngettext(self, singular: str, plural: str, count: int, /) -> str:
        """Return the translation in the form for this count."""
        ...


class Message(str):
    """A text with the sentence and the values that it was made of; see `say` and `say_count`."""

    __slots__ = ("plural", "sentence", "values")

    sentence: str
    plural: str
    values: Mapping[str, object]

    def __new__(cls, sentence: str, plural: str, values: Mapping[str, object]) -> Self:
        """Make the English text. `plural` is empty if the message has no count."""
        message = super().__new__(cls, cls.fill(_choose(sentence, plural, values), values))
        message.sentence, message.plural, message.values = sentence, plural, values
        return message

    def __getnewargs__(self) -> tuple[str, str, Mapping[str, object]]:  # type: ignore[override]
        """Return what makes a copy in another process."""
        return self.sentence, self.plural, self.values

    def using(self, **values: object) -> Self:
        """Return the same sentence with other values."""
        return type(self)(self.sentence, self.plural, values)

    @staticmethod
    def fill(sentence: str, values: Mapping[str, object]) -> str:
        """Return the sentence with the values in its placeholders."""
        if not values:
            return sentence
        numbers = {name: f"{value:,}" for name, value in values.items() if type(value) is int}
        return sentence % ({**values, **numbers} if numbers else values)

    def render(self, language: Translations, wrap: Callable[[str], str] = str) -> str:
        """Return the text in a language. `wrap` turns each sentence into what holds its values."""
        if self.plural:
            sentence = language.ngettext(self.sentence, self.plural, _count(self.values))
        else:
            sentence = language.gettext(self.sentence)
        values = {name: render(value, language, wrap) for name, value in self.values.items()}
        return self.fill(wrap(sentence), values)


def say(sentence: str, /, **values: object) -> Message:
    """Return a message. The sentence is a literal with placeholders: `%(name)s`."""
    return Message(sentence, "", values) if values else _say_plainly(sentence)


@lru_cache(maxsize=1000)
def _say_plainly(sentence: str) -> Message:
    """Return a message without values, made once: hostile bodies repeat the same fault."""
    return Message(sentence, "", {})


def say_count(singular: str, plural: str, count: int, /, **values: object) -> Message:
    """Return a message in the form for a count, which is the value of `%(count)s`."""
    return Message(singular, plural, {"count": count, **values})


def say_list(texts: Iterable[str]) -> str:
    """Return the texts with commas between them; empty if there are none."""
    return _join(say("%(first)s, %(last)s"), texts)


def say_alternatives(texts: Iterable[str]) -> str:
    """Return the texts with "or" between them; empty if there are none."""
    return _join(say("%(first)s or %(last)s"), texts)


def join_sentences(sentences: Iterable[str]) -> str:
    """Return the sentences one after the other; empty if there are none."""
    return _join(say("%(first)s %(last)s"), sentences)


def join_parts(texts: Iterable[str]) -> str:
    """Return the texts with semicolons between them; empty if there are none."""
    return _join(_PARTS, texts)


def split_parts(text: str) -> list[str]:
    """Return the texts that `join_parts` has joined, also if only their English text is left."""
    if not isinstance(text, Message):
        return text.split("; ") if text else []
    if text.sentence != _PARTS.sentence:
        return [text]
    first, last = (text.values[name] for name in ("first", "last"))
    return [*split_parts(_as_text(first)), _as_text(last)]


def join_clauses(texts: Iterable[str]) -> str:
    """Return the texts with full stops between them, and none at the end."""
    return _join(say("%(first)s. %(last)s"), texts)


def _join(joint: Message, texts: Iterable[str]) -> str:
    first, *others = [*texts] or [""]
    return reduce(lambda before, text: joint.using(first=before, last=text), others, first)


def capitalize(text: str) -> Message:
    """Return the text with a capital first letter, unless it begins with a name."""
    return _Capitalized("%(text)s", "", {"text": text})


def to_sentence(text: str) -> Message:
    """Return the text as a sentence: with a capital letter and a full stop."""
    words = text if isinstance(text, Message) else text.rstrip(".")
    return say("%(text)s.", text=capitalize(words))


class _Capitalized(Message):
    """A message whose first letter is a capital in every language."""

    __slots__ = ()

    @staticmethod
    def fill(_sentence: str, values: Mapping[str, object]) -> str:
        text = values["text"]
        if not isinstance(text, str):
            return str(text)
        # A name, such as `cn-north-4` or `sync_images`, keeps its first letter.
        first = text.partition(" ")[0].rstrip(",.:;")
        return text[:1].upper() + text[1:] if first.isalpha() else text


def render(value: object, language: Translations, wrap: Callable[[str], str] = str) -> object:
    """Return a value in a language: a message put into words, anything else as it is."""
    if isinstance(value, Message):
        return value.render(language, wrap)
    return value


def _choose(sentence: str, plural: str, values: Mapping[str, object]) -> str:
    return plural if plural and _count(values) != 1 else sentence


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _count(values: Mapping[str, object]) -> int:
    count = values["count"]
    return count if isinstance(count, int) else 0


_PARTS = say("%(first)s; %(last)s")
