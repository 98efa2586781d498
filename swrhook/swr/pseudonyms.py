"""Replaces the names in an exchange with IAM or SWR, so that it can be shown to others.

Of a body, the structure, numbers, times, states and error codes stay. Names and digests become
pseudonyms, the same one for the same name throughout a recording. Any other text is hidden.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from urllib.parse import parse_qsl, quote, unquote

from swrhook.senders.payload import Json
from swrhook.swr.http import Request
from swrhook.swr.recordings import IAM, Exchange
from swrhook.swr.redaction import HIDDEN, scrub
from swrhook.swr.response import SwrResponse

# Headers of a response that tell how SWR works, and nothing about the account.
SHOWN_HEADERS = (
    "content-range",
    "content-type",
    "date",
    "retry-after",
    "server",
    "via",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
)
# Names that belong to nobody.
PUBLIC_NAMES = frozenset({"latest", "library"})

_MOST_TEXT = 2000
# A secret is removed before a text is shortened: a part of one would not be recognized.
_MOST_SCRUBBED = 64 * 1024
# Codes may be anything, too.
_MESSAGE_KEYS = frozenset(
    ["code", "errorCode", "error_code", "errorMessage", "error_msg", "errorMsg", "message"]
) | {"detail", "error", "title"}
_SHOWN_KEYS = frozenset(
    ["architecture", "category", "kind", "mediaType", "methods", "os", "quota_key", "regionID"]
) | {"remoteRegionId", "status", "variant"}
_KINDS = {
    "namespace": "org",
    "remoteNamespace": "org",
    "repoName": "repo",
    "repository": "repo",
    "tag": "tag",
    "Tag": "tag",
    "tags": "tag",
}
_DIGEST_KEYS = frozenset({"digest", "image_id"})
_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{64}")
_PATH = re.compile(
    r"(?P<start>/v[0-9.]+/manage/namespaces)(?:/(?P<org>[^/]+)(?:/repos/(?P<repo>[^/]+)"
    r"(?:/tags/(?P<tag>[^/]+))?)?)?(?P<rest>.*)"
)
_QUERY_KINDS = {"namespace": "org", "tag": "tag", "name": "account"}
# Their keys are names, too.
_HIDDEN_KEYS = frozenset({"annotations", "labels"})
_HEX_ID = re.compile(r"\b[0-9a-f]{32}\b")


def shown_headers(response: SwrResponse) -> dict[str, str]:
    """Return the headers that may be shown, without secrets."""
    return {
        name: scrub(value, response.secrets)[:_MOST_TEXT]
        for name in SHOWN_HEADERS
        if (value := response.headers.get(name)) is not None
    }


@dataclass(slots=True)
class Pseudonyms:
    """The pseudonyms of one recording; `public` are further names to keep."""

    public: frozenset[str] = PUBLIC_NAMES
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    _names: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def exchange(self, place: str, request: Request, response: SwrResponse) -> Exchange:
        """Return an exchange without names and secrets."""
        path = self._path(request.path)
        redaction = _BodyRedaction(self, response.secrets, _name_kind(place, request.path))
        body = redaction.body(response)
        return Exchange(place, request.method, path, response.status, shown_headers(response), body)

    def name(self, kind: str, name: str) -> str:
        """Return the pseudonym of a name; a repository keeps its number of components."""
        if name in self.public:
            return name
        with self._lock:
            names = self._names.setdefault(kind, {})
            return names.setdefault(name, f"{kind}-{len(names) + 1}" + "/part" * name.count("/"))

    def _path(self, path: str) -> str:
        route, question, query = path.partition("?")
        match = _PATH.fullmatch(route)
        if match:
            route = match["start"]
            for separator, kind in (("/", "org"), ("/repos/", "repo"), ("/tags/", "tag")):
                if (part := match[kind]) is not None:
                    name = unquote(part).replace("$", "/")
                    route += separator + self.name(kind, name).replace("/", "$")
            route += match["rest"]
        if question:
            pairs = [
                (key, self.name(_QUERY_KINDS[key], value) if key in _QUERY_KINDS else value)
                for key, value in parse_qsl(query, keep_blank_values=True)
            ]
            query = "&".join(f"{key}={quote(value, safe=':')}" for key, value in pairs)
        return route + question + query

    def digest(self, digest: str) -> str:
        """Return the pseudonym of a digest, of the same form."""
        prefix, hexadecimal = digest[:-64], digest[-64:]
        return prefix + hashlib.sha256(self._salt + hexadecimal.encode()).hexdigest()

    def message(self, text: str) -> str:
        """Return a text of SWR with the names replaced that are known so far."""
        with self._lock:
            pseudonyms = {
                spelling: pseudonym
                for names in self._names.values()
                for name, pseudonym in names.items()
                # The gateway echoes paths, in which a slash is encoded.
                for spelling in (name, name.replace("/", "$"), name.replace("/", "%24"))
            }
        longest_first = sorted(map(re.escape, pseudonyms), key=len, reverse=True)
        if longest_first:
            words = re.compile(rf"(?<![\w-])(?:{'|'.join(longest_first)})(?![\w-])")
            text = words.sub(lambda match: pseudonyms[match[0]], text)
        return _HEX_ID.sub(HIDDEN, text)[:_MOST_TEXT]


@dataclass(frozen=True, slots=True)
class _BodyRedaction:
    """Redacts one body; `name_kind` is the kind of what its members `name` name."""

    pseudonyms: Pseudonyms
    secrets: Sequence[str]
    name_kind: str

    def body(self, response: SwrResponse) -> Json:
        content = response.json_or_none()
        if content is None and response.body.strip() != b"null":
            return self._message(response.body[:_MOST_SCRUBBED].decode("utf-8", "replace"))
        return self._value(content, "")

    def _value(self, value: Json, key: str) -> Json:
        if key in _HIDDEN_KEYS:
            return HIDDEN
        if isinstance(value, Mapping):
            return {name: self._value(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._value(inner, key) for inner in value]
        return self._text(value, key) if isinstance(value, str) else value

    def _text(self, text: str, key: str) -> str:
        kind = self.name_kind if key == "name" else _KINDS.get(key)
        # Many a tag is the date of its build, and a name all the same.
        if not text or key in _SHOWN_KEYS or (kind is None and _is_time(text)):
            return scrub(text, self.secrets)
        if key in _MESSAGE_KEYS:
            return self._message(text)
        if key in _DIGEST_KEYS and _DIGEST.fullmatch(text):
            return self.pseudonyms.digest(text)
        if kind is not None:
            return self.pseudonyms.name(kind, text)
        return self._manifest(text) if key == "manifest" else HIDDEN

    def _message(self, text: str) -> str:
        return self.pseudonyms.message(scrub(text, self.secrets))

    def _manifest(self, text: str) -> str:
        try:
            content: Json = json.loads(text)
        except (ValueError, RecursionError):
            return HIDDEN
        return json.dumps(self._value(content, ""))


def _name_kind(place: str, path: str) -> str:
    """Return the kind of what is called `name` in the answer to a request."""
    if place == IAM:
        return "account"
    return "repo" if "/repos" in path else "org"


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return text[:1].isdigit() and "-" in text[4:5]
