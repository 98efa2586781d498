import pickle
from gettext import NullTranslations

from markupsafe import Markup, escape

from swrhook.wording.catalogues import Language, translations
from swrhook.wording.message import capitalize, render, say, say_count, say_list, to_sentence

ENGLISH = NullTranslations()


def test_a_message_is_its_english_text() -> None:
    message = say("%(image)s is in %(region)s", image="team/web:1", region="cn-east-3")

    assert message == "team/web:1 is in cn-east-3"
    assert message.render(ENGLISH) == str(message)


def test_a_count_chooses_the_form_and_has_commas() -> None:
    assert say_count("%(count)s sync", "%(count)s syncs", 1) == "1 sync"
    assert say_count("%(count)s sync", "%(count)s syncs", 12000) == "12,000 syncs"


def test_messages_within_a_message_are_in_its_language() -> None:
    chinese = translations(Language.CHINESE)
    message = to_sentence(say("%(first)s, %(last)s", first=say("verified"), last="x"))

    assert message == "Verified, x."
    assert "verified" not in message.render(chinese)


def test_only_markup_among_the_values_stays_markup() -> None:
    message = say("<%(a)s> %(b)s", a=say("%(x)s", x="<i>"), b=Markup("<b>1</b>"))

    assert render(message, ENGLISH, escape) == "&lt;&lt;i&gt;&gt; <b>1</b>"
    assert isinstance(message.render(ENGLISH, escape), Markup)
    assert escape(render(capitalize("<i>"), ENGLISH, escape)) == "&lt;i&gt;"


def test_a_message_survives_the_way_to_another_process() -> None:
    message = say_count("%(count)s of %(name)s", "%(count)s of %(name)s", 2, name=say("team"))

    copy = pickle.loads(pickle.dumps(message))
    assert (copy, copy.sentence, copy.values) == (message, message.sentence, message.values)


def test_a_list_of_none_is_empty() -> None:
    assert (say_list([]), say_list(["a"]), say_list(["a", "b"])) == ("", "a", "a, b")
