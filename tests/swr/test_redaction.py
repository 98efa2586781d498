"""No secret of a request shows in any error, log or ledger row, even if a gateway echoes it."""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest

from swrhook.config.model import KeyCredentials
from swrhook.errors import SwrError
from swrhook.simulator import RunningSimulator
from swrhook.simulator.model import DEMO as USER
from swrhook.swr.client import SwrClient
from swrhook.swr.redaction import scrub
from tests.factories import FakeClock
from tests.swr.clients import KEY, NETWORK, NOW, MemoryOfRefused, simulated, swr
from tests.swr.loopback import Loopback, Received, Reply

WEST = "cn-north-4"
# Lower case and short, so that no pattern recognizes it: only the value itself does.
TOKEN = "MIIabc" + "Ab0+/=-_" * 400
TEMPORARY = KeyCredentials("ak-of-the-tests", "sk/of+the&tests", "st-of-the-tests")


def echo(shape: str, received: Received) -> bytes:
    """Write a whole request, as the gateway, a proxy or a debugger does."""
    headers = "\n".join(f"{name}:{value}" for name, value in received.headers.items())
    text = f"verify aksk signature fail,canonicalRequest:{received.path}\n{headers}\n{TEMPORARY}"
    text += TEMPORARY.secret_key
    if shape == "html":
        return f"<html><pre>{text}</pre></html>".encode()
    if shape == "text":
        return text.encode()
    return json.dumps({"error_code": "APIGW.0301", "error_msg": text}).encode()


@pytest.mark.parametrize("shape", ["gateway", "html", "text"])
@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_an_echoed_signed_request_leaks_no_secret_into_errors_or_ledger(
    shape: str, status: int
) -> None:
    ledger = MemoryOfRefused()
    text = ""
    with Loopback(lambda received: Reply(status, echo(shape, received))) as server:
        client = SwrClient(
            swr({WEST: server.url}, TEMPORARY, server.url), NETWORK, ledger, FakeClock(NOW)
        )
        for _ in range(2):
            with pytest.raises(SwrError) as caught:
                client.show_tag(WEST, "group", "shop", "v1")
            text += f"{caught.value!r} {caught.value.remedy} {caught.value.__cause__!r}"
        text += repr(ledger.refused)

    proof = server.received[0].headers["Authorization"].rpartition("=")[2]
    assert len(proof) == 64
    secrets = (TEMPORARY.access_key, TEMPORARY.secret_key, TEMPORARY.security_token, proof)
    assert [secret for secret in secrets if str(secret) in text] == []


def test_the_ledger_stores_the_simulators_echo_without_secrets(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    ledger = MemoryOfRefused()
    wrong = replace(KEY, secret_key="a-wrong-secret", security_token="st-of-the-tests")

    with pytest.raises(SwrError) as caught:
        simulated(simulator, clock, credentials=wrong, refused=ledger).has_namespace(WEST, "group")

    [refusal] = ledger.refused.values()
    assert "verify aksk signature fail,canonicalRequest:GET" in refusal.reason
    for text in (refusal.reason, str(caught.value)):
        assert "st-of-the-tests" not in text
        assert USER.key.access not in text


def test_the_repr_of_credentials_contains_no_secret() -> None:
    assert "sk/of" not in repr(TEMPORARY)
    assert "st-of" not in repr(TEMPORARY)
    assert repr(TEMPORARY) == "KeyCredentials(access_key='ak-of-the-tests')"


def percent_of_all(text: str, form: str = "%{:02X}") -> str:
    return "".join(form.format(byte) for byte in text.encode())


SECRETS = ("p&ss<w>rd/+=\"'~é", "sk/of+the&tests", "ein Passwort 😀 mit Zeichen")
ENCODINGS = {
    "percent": lambda text: quote(text, safe=""),
    "percent in small letters": lambda text: percent_of_all(text, "%{:02x}"),
    "form": quote_plus,
    "json": json.dumps,
    "go's json": lambda text: re.sub(
        r"[&<>]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text)
    ),
    "json in capitals": lambda text: re.sub(
        r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), json.dumps(text)
    ),
    "php's json": lambda text: json.dumps(text).replace("/", r"\/"),
    "html": html.escape,
    "decimal entities": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "hexadecimal entities": lambda text: "".join(f"&#x{ord(character):X};" for character in text),
    "twice for a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "a URL in json in html": lambda text: html.escape(json.dumps(f"/?q={quote(text, safe='')}")),
    "base64": lambda text: b64encode(text.encode()).decode(),
    "basic": lambda text: b64encode(f"user:{text}".encode()).decode(),
    "base64 in json": lambda text: json.dumps(b64encode(f"x:{text}".encode()).decode()),
    "base64 for a URL": lambda text: urlsafe_b64encode(f"{text}>>".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_secret_is_hidden_however_it_is_encoded(
    encode: Callable[[str], str], secret: str
) -> None:
    encoded = encode(secret)
    text = scrub(f"before: <{encoded}> after", [secret])

    hidden = text.removeprefix("before: <").removesuffix("> after")
    assert text == f"before: <{hidden}> after"
    # base64 may leave some characters that hold a few bits of the secret's first and last letter.
    assert "[hidden]" in hidden
    assert len(hidden.replace("[hidden]", "").replace("/?q=", "")) <= len("&quot;&quot;")
    assert encoded[4:-4] not in text


@pytest.mark.parametrize("text", ["%zz &nothing; \\u12 100% &", "a%41b", "&amp;&#0;&#9999999;"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert text == scrub(text, ["a-secret-that-is-not-there"])


@pytest.mark.parametrize(
    "echo",
    [
        r"{\"X-Auth-Token\": \"abc123\"}",
        "X-Auth-Token&quot;:&quot;abc123&quot;",
        "password%3Dabc123",
        "verify aksk signature fail,canonicalRequest:GET|x-auth-token:abc123|host:x",
        "X-Auth-Token: abc123",
        '{"X-Subject-Token": "abc123"}',
        "Authorization: Bearer abc123",
        "Authorization: SDK-HMAC-SHA256 Access=abc123, Signature=abc123",
        "'password': 'abc123'",
        "x-security-token=abc123&x=1",
    ],
)
def test_what_looks_like_a_secret_is_hidden(echo: str) -> None:
    assert "abc123" not in scrub(echo)


def test_part_of_a_token_is_hidden_and_names_and_digests_are_not() -> None:
    name = "group/a-very-long-repository-name-that-goes-on-and-on/and-on-and-on-and-on"

    assert TOKEN[100:200] not in scrub(f"decrypt token fail {TOKEN[:400]}")
    assert name == scrub(name)
    assert f"sha256:{'0a' * 32}" == scrub(f"sha256:{'0a' * 32}")
