import re

import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from swrhook.errors import Kind, SwrError
from swrhook.model import Outcome, Push
from swrhook.rules.plan import about
from swrhook.syncs.reconciliation import UNREADABLE
from swrhook.syncs.states import Event
from swrhook.web.dashboard.help import TABLES
from swrhook.web.languages import COOKIE
from swrhook.wording.catalogues import Language, translations
from swrhook.wording.message import join_parts, render, say, to_sentence
from tests.web.coverage import seed_coverage
from tests.web.harness import ADMIN, READ, WebHarness, form_key, signed_in

ORGANIZATION = {"region": "cn-east-3", "namespace": "team"}
PUSH = Push("ci", "cn-north-4", "team", "web", "v1")
CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}


def language(client: FlaskClient, path: str = "/sign-in", **headers: str) -> str:
    [tag] = re.findall(r'<html lang="([^"]*)">', client.get(path, headers=headers).text)
    return str(tag)


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("zh-Hans-SG", "zh-CN"),
        ("zh-TW,en;q=0.1", "zh-CN"),
        ("fr,zh;q=0.5,en;q=0.2", "zh-CN"),
        ("en-GB,zh;q=0.9", "en"),
        ("de,zh;q=0", "en"),
        ("*", "en"),
        ("", "en"),
    ],
)
def test_the_browser_chooses_the_language(
    harness: WebHarness, accepted: str, expected: str
) -> None:
    client = harness.web.test_client()

    assert language(client, **{"Accept-Language": accepted}) == expected


def test_the_switch_wins_over_the_browser_before_and_after_signing_in(
    harness: WebHarness,
) -> None:
    client = harness.web.test_client()
    for path, choice in (("/sign-in", "en"), ("/syncs", "zh-CN")):
        if path == "/syncs":
            client = signed_in(harness, READ)
        form = {"language": choice, "page": path, "form_key": form_key(client.get(path))}
        answer = client.post("/language", data=form)
        cookie = answer.headers["Set-Cookie"]

        assert (answer.status_code, answer.location) == (303, path)
        assert all(word in cookie for word in (COOKIE, "HttpOnly", "SameSite=Lax"))
        assert language(client, path, **CHINESE) == choice


def test_the_switch_needs_the_key_of_a_form_and_a_known_language(harness: WebHarness) -> None:
    client = signed_in(harness, READ)
    key = form_key(client.get("/syncs"))

    assert client.post("/language", data={"language": "zh-CN"}).status_code == 400
    assert client.post("/language", data={"language": "xx", "form_key": key}).status_code == 400


def test_the_api_stays_english(harness: WebHarness) -> None:
    answers = [
        harness.client(READ).get("/api/v1/explain?image=team/web:v1", headers=headers)
        for headers in (CHINESE, {})
    ]

    assert answers[0].get_json() == answers[1].get_json()


def test_a_stored_error_is_put_into_words_when_it_is_shown(harness: WebHarness) -> None:
    [sync] = harness.push("team/web:v1").syncs
    error = SwrError(
        Kind.CONFIGURATION,
        "organization",
        say("%(region)s has no organization %(namespace)s that is ours", **ORGANIZATION),
        remedy=say(
            "create the organization %(namespace)s in %(region)s, or name another one in the"
            " rule, then retry the sync",
            **ORGANIZATION,
        ),
    )
    harness.happen(sync.id, Event.REJECT_BEFORE_CALL, error)
    page = signed_in(harness, READ).get(f"/syncs/{sync.id}", headers=CHINESE).text
    shown = harness.client(READ).get(f"/api/v1/syncs/{sync.id}", headers=CHINESE).get_json()

    assert str(render(error.message, translations(Language.CHINESE))) in page
    assert str(render(error.remedy, translations(Language.CHINESE))) in page
    assert error.remedy not in page
    assert shown["error"]["remedy"] == error.remedy


def test_the_reasons_of_a_delivery_are_put_into_words_when_they_are_shown(
    harness: WebHarness,
) -> None:
    reason = about(PUSH, say("rule %(rule)s: %(reason)s", rule="web", reason="x"))
    joined = join_parts([reason, say("and %(count)s more", count=2)])
    delivery = harness.push("team/web:v1", outcome=Outcome.IGNORED, reason=joined).delivery
    client = signed_in(harness, READ)
    words = str(render(joined, translations(Language.CHINESE)))
    shown = harness.client(READ).get(f"/api/v1/deliveries/{delivery}", headers=CHINESE).get_json()

    assert "规则 web" in words
    for path in (f"/deliveries/{delivery}", "/deliveries"):
        assert words in client.get(path, headers=CHINESE).text
    explained = client.get("/explain?image=team/web:v1", headers=CHINESE).text
    assert "规则 web" in explained
    assert shown["reason"] == joined == "team/web:v1: rule web: x; and 2 more"


@pytest.mark.parametrize(
    ("path", "form", "expected"),
    [
        ("/syncs?since=x", None, "2026-01-31T12:00:00Z 这样的时间"),
        ("/deliveries?outcome=lost", None, "须为以下之一"),
        ("/deliveries?cursor=x", None, "须为其他页面的 `next`"),
        ("/repairs", {"kind": "backfill", "repositories": "A"}, "须为组织名"),
        ("/repairs", {"kind": "backfill", "region": "r", "repositories": "a/b"}, "没有配置发送方"),
        ("/pauses", {"kind": "region", "name": "cn-east-3", "until": "x"}, "这样的时间"),
        ("/pauses", {"kind": "region", "name": "x"}, "没有配置区域 x"),
        ("/syncs", {"image": "x"}, "镜像须为"),
        ("/pauses/resume", {"kind": "region", "name": "cn-east-3"}, "区域 cn-east-3 没有暂停"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_in_the_language_of_the_page(
    harness: WebHarness, path: str, form: dict[str, str] | None, expected: str
) -> None:
    client = signed_in(harness, ADMIN)
    if form is None:
        page = client.get(path, headers=CHINESE)
    else:
        key = form_key(client.get("/syncs"))
        page = client.post(path, data={**form, "form_key": key}, headers=CHINESE)

    assert expected in page.text


def test_gaps_and_what_is_not_listed_have_their_reasons_in_the_language_of_the_page(
    harness: WebHarness,
) -> None:
    seed_coverage(harness)
    page = signed_in(harness, READ).get("/coverage", headers=CHINESE).text
    answer = harness.client(READ).get("/api/v1/coverage?gaps=9", headers=CHINESE).get_json()

    assert [text in page for text in ("无法读取目标", "无法列出其中的镜像仓库")] == [True, True]
    assert {gap["reason"] for item in answer["items"] for gap in item["gaps"]} == {UNREADABLE}
    assert answer["discovery"]["problems"][0]["problem"] == "its repositories cannot be listed"


def test_the_page_of_help_explains_every_state_in_both_languages(harness: WebHarness) -> None:
    client = signed_in(harness, READ)
    pages = {name: client.get("/help", headers=headers).text for name, headers in HELP.items()}

    for label in (label for meanings in TABLES.values() for label in meanings.values()):
        for name, language in (("en", Language.ENGLISH), ("zh", Language.CHINESE)):
            meaning = to_sentence(label.meaning)
            assert escape(str(render(meaning, translations(language)))) in pages[name]


HELP = {"en": {}, "zh": CHINESE}
