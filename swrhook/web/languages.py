"""The language of a request's page: the visitor's choice or, without one, what the browser asks."""

from flask import Flask, request
from flask_babel import Babel, get_locale
from markupsafe import escape

from swrhook.web.context import WebContext
from swrhook.web.cookies import read_cookie
from swrhook.wording.catalogues import Language, locale_of, translations
from swrhook.wording.message import Message, render, say, say_count

# Holds the choice; see the route `set_language` of the dashboard.
COOKIE = "swrhook_language"


def add_languages(app: Flask, web: WebContext) -> None:
    """Put the messages on the app's pages into the language of the request."""

    def select_locale() -> str:
        proxies = web.config.current().options.trusted_proxies
        return locale_of(to_language(read_cookie(request, COOKIE, proxies)) or preferred_language())

    Babel(app, configure_jinja=False, locale_selector=select_locale)
    environment = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    # `{% trans %}` is for text with markup in it. `_()` and `ngettext()` are `say` and `say_count`:
    # what they return is text, which is escaped like any other when `finalize` puts it into words.
    environment.globals.update(
        gettext=lambda text: translations(current_language()).gettext(text),
        ngettext=say_count,
        _=say,
    )
    environment.finalize = put_into_words


def to_language(tag: str) -> Language | None:
    """Return the language of a tag, None if there is no catalogue of it."""
    return next((language for language in Language if language == tag), None)


def preferred_language() -> Language:
    """Return the first language of the browser's list that there is a catalogue of."""
    for tag, quality in request.accept_languages:
        # Whoever asks for another kind of Chinese reads this one rather than English.
        primary = tag.partition("-")[0].lower()
        if quality > 0 and primary in _BY_PRIMARY:
            return _BY_PRIMARY[primary]
    return Language.ENGLISH


_BY_PRIMARY = {language.partition("-")[0]: language for language in Language}


def current_language() -> Language:
    """Return the language of the current request; English outside of one."""
    locale = get_locale()
    return _BY_PRIMARY.get("" if locale is None else locale.language, Language.ENGLISH)


def put_into_words(value: object) -> object:
    """Return a value as a page shows it: a message in the request's language, as safe HTML."""
    if not isinstance(value, Message):
        return value
    return render(value, translations(current_language()), escape)
