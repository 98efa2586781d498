from collections.abc import Callable
from pathlib import Path

import pytest

from swrhook.config import Config, load
from swrhook.config.diagnostics import list_names
from swrhook.config.interpolation import has_reference
from swrhook.config.model import PasswordCredentials
from swrhook.dialects import DIALECTS
from swrhook.errors import BadConfiguration

Read = Callable[[str | bytes], Config]
Mistakes = Callable[[str | bytes], list[str]]


@pytest.fixture
def password(small: str, read: Read) -> Callable[[str], str]:
    """Return the password that a text in the file becomes."""

    def become(written: str) -> str:
        credentials = f"kind: password, user: u, domain: d, password: '{written}'"
        text = small.replace('kind: token, token: "${TOKEN}"', credentials)
        account = read(text).swr.credentials
        assert isinstance(account, PasswordCredentials)
        assert type(account.password) is str
        return account.password

    return become


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${A}", "first"),
        ("<${A}-${B_2}>", "<first-second: {not} [yaml]>"),
        ("${file:/run/secrets/x}", "third"),
        ("${file:/crlf}", "fourth"),
        ("${file:/two}", "fifth\n"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$A $ {A}", "$A $ {A}"),
        ("${RECURSIVE}", "${A}"),
    ],
)
def test_a_reference_becomes_its_value(
    written: str,
    value: str,
    password: Callable[[str], str],
    environ: dict[str, str],
    files: dict[str, str],
) -> None:
    environ |= {"A": "first", "B_2": "second: {not} [yaml]", "RECURSIVE": "${A}"}
    files |= {"/run/secrets/x": "third\n", "/crlf": "fourth\r\n", "/two": "fifth\n\n"}

    assert password(written) == value


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("${UNSET}", "the environment variable UNSET is not set: set it for this process"),
        ("x${EMPTY}", "the environment variable EMPTY is empty: give it a value"),
        ("${BYTES}", "the environment variable BYTES is not UTF-8: a secret must be text"),
        ("${file:/none}", 'the file "/none" cannot be read: No such file or directory'),
        ("${file:/empty}", 'the file "/empty" is empty: give it a value'),
        ("${file:x}", 'the file "x" needs its absolute path, which begins with "/"'),
        ("${file:}", 'the file "" needs its absolute path, which begins with "/"'),
        *(
            (
                written,
                (
                    '"${" begins a reference: write ${NAME} or ${file:/path}, or $${ for the'
                    " characters themselves"
                ),
            )
            for written in ("${", "${}", "${1A}", "${A B}", "a${A", "${A:-default}")
        ),
    ],
)
def test_a_reference_without_a_value_is_a_mistake(
    written: str,
    message: str,
    small: str,
    mistakes: Mistakes,
    environ: dict[str, str],
    files: dict[str, str],
) -> None:
    environ |= {"EMPTY": "", "BYTES": "a\udcff"}
    files |= {"/empty": "\n"}

    text = small.replace('token: "${TOKEN}"', f'token: "{written}"')

    assert [f"f:3:37: swr.credentials.token: {message}"] == mistakes(text)


@pytest.mark.parametrize("content", [b"\xff", b"a" * (64 * 1024 + 1)])
def test_an_unusable_secret_file_is_a_mistake(content: bytes, small: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(content)
    config = tmp_path / "swrhook.yaml"
    config.write_text(small.replace("${TOKEN}", f"${{file:{secret}}}", 1), encoding="utf-8")

    with pytest.raises(BadConfiguration, match="is not UTF-8 text, or too long"):
        load(config, {"TOKEN": "sesame-sesame-sesame"})


def test_a_secret_file_is_read_from_disk(small: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sésame-sésame-sésame\n", encoding="utf-8")
    config = tmp_path / "swrhook.yaml"
    config.write_text(
        small.replace('bearer, secrets: ["${TOKEN}', f'bearer, secrets: ["${{file:{secret}}}'),
        encoding="utf-8",
    )

    assert (str(secret),) == load(config, {"TOKEN": "sesame-sesame-sesame"}).secret_files


def test_keys_and_comments_are_not_expanded(small: str, mistakes: Mistakes) -> None:
    lines = mistakes(f'# ${{UNSET}}\n{small}"${{UNSET}}": 1\n')

    known = "swr, access, sso, gate, senders, rules, notify, settings, defaults"
    assert lines == [f"f:12:1: there is no such key: known are {known}"]


def test_an_unexpandable_value_is_only_one_mistake(small: str, mistakes: Mistakes) -> None:
    text = small.replace("cn-east-3, n", '"${UNSET}", n').replace(
        "dialect: harbor", 'dialect: "$${"'
    )

    assert [
        f'f:6:21: senders.harbor.dialect: "$${{" is unknown: {list_names(DIALECTS)}',
        (
            "f:10:21: rules[0].sync[0].region: the environment variable UNSET is not set: set it"
            " for this process"
        ),
    ] == mistakes(text)


def test_a_configuration_lists_its_secret_files(
    small: str, read: Read, files: dict[str, str]
) -> None:
    files |= {"/a": "sesame-sesame-sesame", "/b": "sesame"}
    text = small.replace("${TOKEN}", "${file:/b}${file:/a}", 1).replace("${TOKEN}", "${file:/a}")

    assert read(text).secret_files == ("/b", "/a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("${A}", True), ("a${file:/x}b", True), ("$${A}", False), ("$A", False), ("", False)],
)
def test_a_reference_is_recognized(text: str, *, expected: bool) -> None:
    assert has_reference(text) == expected
