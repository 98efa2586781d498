"""Secrets are compared in one place, in constant time, as bytes."""

import ast
from pathlib import Path

import swrhook.auth
from swrhook.auth.secrets import matches_any, wire_encodings

MODULES = sorted(Path(swrhook.auth.__file__).parent.glob("*.py"))

# Every comparison in the package. Before a new one is added here, check that neither side is a
# secret, a signature or a value that is compared with one.
HARMLESS = {
    "_SECONDS.fullmatch(sent_at) is None",
    "abs(now.timestamp() - int(sent_at)) > tolerance.total_seconds()",
    "algorithm is None",
    "algorithm not in ALGORITHMS",
    "certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc",
    "encoding == 'hex'",
    "encoding not in ENCODINGS",
    "header.get('alg') not in ALGORITHMS",
    "is_verified == 'true'",
    "is_verified is True",
    "key is None",
    "arn is None",
    "topic not in topics",
    "urn is None",
    "message.get(form.type) != 'SubscriptionConfirmation'",
    "name != form.subject",
    "name == 'authorization'",
    "names is None",
    "now < secret.not_after",
    "payload.get('email') != email",
    "payload.get(name) not in allowed",
    "name.lower() == scheme",
    "seconds - LEEWAY < payload['exp']",
    "secret.not_after is None",
    "starts <= seconds + LEEWAY",
    "value is not None",
    "version not in form.hashes",
}


def nodes(module: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(module.read_text("utf-8"))))


def test_no_secret_is_compared_with_an_operator() -> None:
    compared = [n for module in MODULES for n in nodes(module) if isinstance(n, ast.Compare)]
    assert {ast.unparse(comparison) for comparison in compared} == HARMLESS


def test_compare_digest_is_called_in_one_place() -> None:
    calls = [
        module.name
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("compare_digest")
    ]
    assert calls == ["secrets.py"]


def test_any_text_is_encoded() -> None:
    assert wire_encodings("a") == (b"a", b"a")
    assert wire_encodings("é") == (b"\xe9", b"\xc3\xa9")
    assert wire_encodings("密") == (b"\xe5\xaf\x86",)
    assert wire_encodings("\ud800") == (b"\xed\xa0\x80",)


def test_one_matching_pair_is_enough() -> None:
    assert matches_any([b"x", b"a"], [b"a", b"b"])
    assert not matches_any([b"x"], [b"a", b"b"])
    assert not matches_any([], [b"a"])
    assert not matches_any([b"a"], [])
