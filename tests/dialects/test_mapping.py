"""The mapping dialect: the examples in the docs, combined results, and limits of expressions."""

import json
import re
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jmespath.functions import Functions

from swrhook.config import parse
from swrhook.dialects import mapping
from swrhook.errors import Ignored, Undecodable, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders.delivery import Delivery
from swrhook.usecases import receive
from tests.dialects.damage import documents

PAGE = (Path(__file__).parents[2] / "docs" / "senders" / "mapping.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(senders:\n.*?)```\n\n```json\n(.*?)```", PAGE, re.DOTALL)
SWR = {
    "iam_endpoint": "https://iam.example.com",
    "credentials": {"kind": "token", "token": "open-sesame"},
    "regions": {"cn-north-4": {}},
}
DIGEST = "sha256:" + "7c" * 32
OTHER = "sha256:" + "8d" * 32
BUILT = f"sha256:{'b1946ac92492d2347c6235b4d2611184' * 2}"
WATCHED = f"sha256:{'591785b794601e212b260e25925636fd' * 2}"
FINISHED = "https://jenkins.example.com/job/shop/318/"


def read(document: Any, **expressions: str | list[str]) -> Reading:
    listed = {k: v if isinstance(v, list) else [v] for k, v in expressions.items()}
    return mapping.build(listed)(Delivery({}, json.dumps(document).encode()))


def images(document: Any, **expressions: str | list[str]) -> list[str]:
    return [f"{a.name}:{a.tag}" for a in read(document, **expressions).announcements]


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        (
            "cloud-build",
            [
                Announcement("my-project/team-a/shop", tag, BUILT, event_id)
                for tag in ("1.4.0", "latest")
                for event_id in ("7c6f0a52-9c55-4d0e-8f5e-0d8d6b0f3a11",)
            ],
        ),
        ("diun", [Announcement("team-a/shop", "stable", WATCHED)]),
        (
            "jenkins",
            [Announcement("team-a/shop", tag, event_id=FINISHED) for tag in ("1.4.0", "318")],
        ),
    ],
)
def test_the_examples_in_the_docs_are_read(sender: str, expected: list[Announcement]) -> None:
    shown = {name: value for text, _ in EXAMPLES for name, value in senders(text).items()}
    bodies = {name: json.loads(body) for text, body in EXAMPLES for name in senders(text)}

    assert len(bodies) == 3
    assert list(read(bodies[sender], **shown[sender]["mapping"]).announcements) == expected


def senders(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(text)["senders"]
    return loaded


@pytest.mark.parametrize(
    ("document", "expressions", "expected"),
    [
        ({"i": "a/b:1"}, {"image": "i"}, ["a/b:1"]),
        ({"i": "x.example:5000/a/b:1"}, {"image": "i"}, ["a/b:1"]),
        ({"i": ["a/b:1", "c/d:2"]}, {"image": "i"}, ["a/b:1", "c/d:2"]),
        ({"i": "a/b:1", "t": "2"}, {"image": "i", "tag": "t"}, ["a/b:2"]),
        ({"i": "a/b:1", "t": None}, {"image": "i", "tag": "t"}, ["a/b:1"]),
        ({"i": "a/b", "t": ["1", 2]}, {"image": "i", "tag": "t"}, ["a/b:1", "a/b:2"]),
        ({"i": ["a/b", "c/d"], "t": "1"}, {"image": "i", "tag": "t"}, ["a/b:1", "c/d:1"]),
        ({"i": ["a/b", "c/d"], "t": [1, 2]}, {"image": "i", "tag": "t"}, ["a/b:1", "c/d:2"]),
        ({"r": "b:1", "n": "a"}, {"repository": "r", "namespace": "n"}, ["a/b:1"]),
        ({"r": "b:1", "n": ""}, {"repository": "r", "namespace": "n"}, ["b:1"]),
        ({"r": "x.example/b:1"}, {"repository": "r", "namespace": "'a/c'"}, ["a/c/b:1"]),
        (
            {"r": ["b:1", "c:2"], "n": ["a", "d"]},
            {"repository": "r", "namespace": "n"},
            ["a/b:1", "d/c:2"],
        ),
        ({"a": "a/b:1", "b": None, "c": ["c/d:2"]}, {"image": ["a", "b", "c"]}, ["a/b:1", "c/d:2"]),
        ({"a": "a/b:1", "b": None}, {"image": "b || a"}, ["a/b:1"]),
        ([{"n": "a/b", "t": "1"}, {"n": "c/d"}], {"image": "[?t].join(':', [n, t])"}, ["a/b:1"]),
        ({"i": ["a/b:1", "", {}, None, "a/c", 5, "a/b:1"]}, {"image": "i"}, ["a/b:1"]),
        ({"i": "a/b:1", "ok": 0}, {"image": "i", "when": "ok"}, ["a/b:1"]),
        ({"i": "a/b:1", "ok": "yes"}, {"image": "i", "when": ["ok", "i"]}, ["a/b:1"]),
    ],
)  # fmt: skip
def test_the_results_of_expressions_are_combined(
    document: Any, expressions: dict[str, Any], expected: list[str]
) -> None:
    assert images(document, **expressions) == expected


def test_the_digest_expression_takes_precedence_and_malformed_digests_are_dropped() -> None:
    document = {"i": [f"a/b:1@{OTHER}", "a/b:2"], "d": [DIGEST, "sha256:short"]}

    assert [a.digest for a in read(document, image="i", digest="d").announcements] == [DIGEST, None]
    assert [a.digest for a in read(document, image="i").announcements] == [OTHER, None]


def test_the_event_id_comes_from_the_id_expression() -> None:
    one = read({"i": ["a/b:1", "a/b:2"], "n": 7}, image="i", id="n")
    both = read({"i": ["a/b:1", "a/b:2"], "n": ["x", "y"]}, image="i", id="n")
    none = read({"i": "a/b:1", "n": 1 << 70}, image="i", id="n")

    assert (one.external_id, [a.event_id for a in one.announcements]) == ("7", ["7", "7"])
    assert (both.external_id, [a.event_id for a in both.announcements]) == ("x", ["x", "y"])
    assert (none.external_id, [a.event_id for a in none.announcements]) == (None, [None])


def test_unusable_images_are_reported_beside_usable_ones() -> None:
    skipped = read({"i": ["a/b:1", "a/c", f"a/d:{DIGEST}", ":1"]}, image="i").skipped

    assert skipped == ('"a/c": no tag', '"a/d": no tag', "an image without a name")


@pytest.mark.parametrize("value", [None, False, "", [], {}])
def test_a_delivery_is_ignored_if_when_is_not_true(value: Any) -> None:
    with pytest.raises(Ignored, match="the result of `when` is not true"):
        read({"ok": value, "i": 5}, image="abs('x')", when="ok")


def test_every_condition_has_to_be_true() -> None:
    with pytest.raises(Ignored):
        read({"i": "a/b:1"}, image="i", when=["i", "no"])


@pytest.mark.parametrize(
    ("document", "expressions", "reason"),
    [
        ({}, {"image": "i"}, "`image` returns no text: select the pushes with `when`"),
        ({"i": {}}, {"image": "i"}, "`image` returns no text"),
        ({"r": True}, {"repository": "r"}, "`repository` returns no text"),
        ({"i": ["a", "b"], "t": [1]}, {"image": "i", "tag": "t"}, "2 for `image`, 1 for `tag`"),
        ({"i": list(range(10_001))}, {"image": "i"}, "`image` returns more than 10,000 values"),
        ({"i": None}, {"image": "join(':', i)"}, r"join\(\) does not accept this value"),
        ({"i": [1, "a"]}, {"image": "sort(i)"}, r"sort\(\) does not accept this value"),
        ({"i": 1e999}, {"image": "ceil(i)"}, "`image` cannot be evaluated: OverflowError"),
        ({"i": [1]}, {"image": "i[::0]"}, "`image` cannot be evaluated: ValueError"),
        ({"i": "a", "j": 1}, {"image": "'a'", "when": "i < j"}, "`when` .*: TypeError"),
        ({}, {"image": "&a"}, "`image` returns no text"),
    ],
)  # fmt: skip
def test_unusable_results_are_an_unknown_shape(
    document: Any, expressions: dict[str, Any], reason: str
) -> None:
    body = json.dumps(document).replace("Infinity", "1e999").encode()
    listed = {key: [expression] for key, expression in expressions.items()}
    with pytest.raises(UnknownShape, match=reason):
        mapping.build(listed)(Delivery({}, body))


def test_expressions_also_read_the_message_in_an_envelope() -> None:
    text, body = EXAMPLES[0]
    message = {"data": b64encode(body.encode()).decode(), "messageId": "7"}
    delivery = Delivery({}, json.dumps({"message": message}).encode())
    setup = {"swr": SWR, "senders": senders(text), "rules": []}
    config = parse(json.dumps(setup).encode(), file="f", environ={}, read_file=str)

    entry = receive.read(delivery, config.senders["cloud-build"], config, now=datetime.now(UTC))

    assert [push.image for push in entry.pushes] == ["team-a/shop:1.4.0", "team-a/shop:latest"]
    assert entry.external_id == "7c6f0a52-9c55-4d0e-8f5e-0d8d6b0f3a11"


def test_a_body_that_is_not_json_is_refused() -> None:
    with pytest.raises(Undecodable):
        mapping.build({"image": ["i"]})(Delivery({}, b"image=a"))


FUNCTIONS = sorted(Functions.FUNCTION_TABLE)


@pytest.mark.parametrize(
    "expression",
    [
        "a[].{x: p, y: q}",
        "results[?status == 'ok' && kind == 'image'].join(':', [name, tag])",
        "join('', [join('/', [host, team, name]), ':', tag])",
        "map(&join(':', [@.name, @.tag]), images)",
        "*.*.*",
        "not_null(a, b, c, 'd')",
        "sort_by(images, &time)[-1].name",
    ],
)
def test_usual_expressions_are_allowed(expression: str) -> None:
    assert mapping.compile_expression(expression).expression == expression


@pytest.mark.parametrize(
    "expression",
    [
        "|".join(["[@, @][]"] * 6),
        "[@, @].[@, @].[@, @].[@, @].[@, @].[@, @]",
        "join('', [@, @, @, @]) | join('', [@, @, @, @]) | join('', [@, @])",
        "to_string([[@,@,@],[@,@,@],[@,@,@]] | [@, @, @, @])",
        "map(&[@, @, @, @, @, @], [@, @, @, @, @, @])",
        "{a: [@, @, @, @], b: [@, @, @, @]} | [*, *, *, *, *][]",
    ],
)
def test_an_expression_that_could_multiply_the_document_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="may repeat a value"):
        mapping.compile_expression(expression)


OPERATORS = "[] [*] [0] [::0] [::-1] [?a] . | || && ! == < ( ) [ ] { } , : & @ * 'x' `1`"
pieces = st.sampled_from(
    ["a", "b", "image", "tag", *OPERATORS.split(), *(f"{name}(" for name in FUNCTIONS)]
)


def outcome(pieces: list[str], document: Any) -> Reading | Exception:
    try:
        built = mapping.build({key: ["".join(pieces)] for key in ("image", "tag", "id", "when")})
        return built(Delivery({}, json.dumps(document).encode()))
    except (Ignored, UnknownShape, Undecodable, ValueError) as exc:
        return exc


@settings(max_examples=300)
@given(st.lists(pieces, max_size=14), documents)
def test_any_expression_is_refused_or_evaluated(pieces: list[str], document: Any) -> None:
    result = outcome(pieces, document)

    assert "\n" not in str(result)
    assert isinstance(result, Exception) or result.announcements


def test_a_deeply_nested_document_raises_no_other_exception() -> None:
    body = b"[" * 100 + b"]" * 100
    for expression in ("to_string(@)", "@ == [@]", "[][][]", "*"):
        with pytest.raises((Ignored, UnknownShape)):
            mapping.build({"image": [expression]})(Delivery({}, body))
