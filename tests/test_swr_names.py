"""SWR's naming rules, against the vectors that were collected for them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.swr_names import is_digest, is_namespace, is_repository, is_tag

VECTORS = Path(__file__).parent.parent.parent / "shared" / "reference" / "swr_names.json"
RULES: dict[str, Callable[[str], bool]] = {
    "namespace": is_namespace,
    "repository": is_repository,
    "tag": is_tag,
}

needs_vectors = pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors are not here")


@pytest.fixture
def vectors() -> Any:
    return json.loads(VECTORS.read_text())


@needs_vectors
@pytest.mark.parametrize("kind", RULES)
def test_a_name_that_the_vectors_allow_is_valid(vectors: Any, kind: str) -> None:
    names = vectors[kind]["valid"]

    assert names == [name for name in names if RULES[kind](name)]


@needs_vectors
@pytest.mark.parametrize("kind", RULES)
def test_a_name_that_the_vectors_forbid_is_invalid(vectors: Any, kind: str) -> None:
    assert [name for name in vectors[kind]["invalid"] if RULES[kind](name)] == []


@needs_vectors
@pytest.mark.parametrize("kind", RULES)
def test_dockers_grammar_applies_where_the_texts_differ(vectors: Any, kind: str) -> None:
    for name in vectors[kind]["ambiguous"]:
        assert name["reading_A_docker_grammar"] is RULES[kind](name["name"])


@pytest.mark.parametrize("name", ["a", "team", "team-a", "my.org", "my__org", "a--b", "a" * 64])
def test_an_organization_is_valid(name: str) -> None:
    assert is_namespace(name)


@pytest.mark.parametrize("name", ["", "1a", "A", "a-", "a._b", "a/b", "a___b", "a\n", "a" * 65])
def test_a_wrong_organization_is_invalid(name: str) -> None:
    assert not is_namespace(name)


@pytest.mark.parametrize("name", ["0", "web/shop", "a/b/c", "x86_64", "a" * 128])
def test_a_repository_is_valid(name: str) -> None:
    assert is_repository(name)


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "a/../b", "a$b", "A", "a\n", "a" * 129])
def test_a_wrong_repository_is_invalid(name: str) -> None:
    assert not is_repository(name)


@pytest.mark.parametrize("name", ["latest", "V1", "_", "1.0", "v1--2", "a" * 128])
def test_a_tag_is_valid(name: str) -> None:
    assert is_tag(name)


@pytest.mark.parametrize("name", ["", ".a", "-a", "a/b", "a:b", "a+b", "a\n", "é", "a" * 129])
def test_a_wrong_tag_is_invalid(name: str) -> None:
    assert not is_tag(name)


def test_a_digest_is_not_a_tag_or_another_name() -> None:
    digest = "sha256:" + "0a" * 32

    assert is_digest(digest)
    assert is_digest("sha512:" + "0a" * 64)
    assert not is_tag(digest)


@pytest.mark.parametrize(
    "text",
    ["", "sha256:", "sha256:" + "0A" * 32, "sha256:" + "0a" * 31, "sha512:" + "0a" * 32,
     "md5:" + "0a" * 16, "sha256:" + "0a" * 32 + "\n", "sha256:" + "0g" * 32],
)  # fmt: skip
def test_a_wrong_digest_is_invalid(text: str) -> None:
    assert not is_digest(text)


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    for rule in (*RULES.values(), is_digest):
        assert rule(text) in (True, False)
