"""Any bytes give a configuration or mistakes, and nothing else; mistakes show no secret."""

import gc
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from swrhook.config import Config, parse
from swrhook.errors import BadConfiguration

EXAMPLE = (Path(__file__).parents[2] / "swrhook.example.yaml").read_text(encoding="utf-8")
SECRET = "open-sesame-open-sesame"
NAMES = ["SWR_PASSWORD", "SWRHOOK_READ_TOKEN", "SWRHOOK_OPS_TOKEN", "HARBOR_SECRET"]
ENVIRON = {
    name: f"{SECRET}-{name.lower()}"
    for name in (*NAMES, "OLD_REGISTRY_SECRET", "REGISTRY_SECRET", "CI_SECRET")
}


def outcome(content: bytes) -> Config | BadConfiguration:
    def read_file(path: str) -> str:
        raise FileNotFoundError(2, "No such file or directory", path)

    try:
        return parse(content, file="f", environ=ENVIRON, read_file=read_file)
    except BadConfiguration as exc:
        return exc


def shown(result: Config | BadConfiguration) -> str:
    warnings = result.warnings if isinstance(result, Config) else ()
    return f"{result!r} {result} {warnings}"


def test_garbage_collection_resumes_after_any_file() -> None:
    assert isinstance(outcome(b"rules: ["), BadConfiguration)
    assert gc.isenabled()
    assert isinstance(outcome(EXAMPLE.encode()), Config)
    assert gc.isenabled()


@given(st.binary())
def test_any_bytes_give_a_result(content: bytes) -> None:
    assert shown(outcome(content))


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_gives_a_result(text: str) -> None:
    assert shown(outcome(text.encode()))


_PIECES = [
    *EXAMPLE.split(),
    *("{", "}", "[", "]", ": ", "- ", "\n", "\n  ", "\n    ", "#", '"', "'", "&a ", "*a ", "!x "),
    *("${", "$${", "${SWR_PASSWORD}", "${file:/x}", "<<", "? ", "|", ">", "\t", "~", "1.0", "---"),
]


@given(st.lists(st.sampled_from(_PIECES), max_size=60), st.sampled_from(["", " "]))
def test_any_mix_of_fragments_gives_a_result(pieces: list[str], between: str) -> None:
    assert shown(outcome(between.join(pieces).encode()))


@given(
    st.integers(0, len(EXAMPLE)),
    st.integers(0, 30),
    st.sampled_from(_PIECES) | st.text(st.characters(codec="utf-8"), max_size=5),
)
def test_a_damaged_example_shows_no_secret(start: int, length: int, piece: str) -> None:
    damaged = EXAMPLE[:start] + piece + EXAMPLE[start + length :]

    assert SECRET not in shown(outcome(damaged.encode("utf-8", "replace")))


@given(st.sampled_from(EXAMPLE.splitlines()), st.sampled_from(NAMES))
def test_a_misplaced_secret_is_not_shown(line: str, name: str) -> None:
    key, colon, value = line.partition(": ")
    text = EXAMPLE.replace(line, f'{key}{colon}"${{{name}}}"' if value else line)
    result = outcome(text.encode())

    # Where any text is valid, as in a project's name, the result contains it.
    assert SECRET not in (str(result.warnings) if isinstance(result, Config) else shown(result))


_VALUES = st.recursive(
    st.sampled_from(["", "a", "${SWR_PASSWORD}", "cn-north-4", "none", "hmac", "*", "1s", "{x}"])
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "swr",
                    "regions",
                    "credentials",
                    "kind",
                    "senders",
                    "auth",
                    "scheme",
                    "secrets",
                    "value",
                    "not_after",
                    "rules",
                    "when",
                    "not",
                    "sender",
                    "tag",
                    "sync",
                    "region",
                    "namespace",
                    "settings",
                    "retry",
                    "access",
                    "tokens",
                    "token",
                    "a",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(
    st.dictionaries(
        st.sampled_from(["swr", "access", "senders", "rules", "settings", "defaults"]), _VALUES
    )
)
def test_any_shape_gives_a_result(document: dict[str, object]) -> None:
    assert SECRET not in shown(outcome(json.dumps(document).encode()))
