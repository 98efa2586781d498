"""A stand-in for IAM and SWR that takes little CPU time: about 50 µs a request.

It answers what swrhook asks for when it syncs tags without faults, and copies at once. A source
holds every tag that it is asked for; the repository `app-7.30` lists the tags v0 to v29. Run as a
program, it prints the URL of every port as one line of JSON, and serves until it is ended.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

IAM, CONTROL = "iam", "control"
_IMAGE = re.compile(r"/v2/manage/namespaces/([^/]+)/repos/([^/]+)/(?:sync_images|tags(?:/(.+))?)")
_ORGANIZATION = re.compile(r"/v2/manage/namespaces/([^/]+)")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_ABSENT = {"errors": [{"errorCode": "SVCSTG.SWR.4040048", "errorMessage": "tag not found"}]}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and the seconds until it is sent."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0

    def encode(self) -> bytes:
        content = json.dumps(self.body, separators=(",", ":")).encode()
        extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        head = f"HTTP/1.1 {self.status} -\r\nContent-Type: application/json\r\n{extra}"
        return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


Handler: TypeAlias = Callable[[str, str, bytes], Answer]
"""Answers the request with this method, path and body."""


class Swr:
    """All regions: what was copied, every call of sync_images, and how often each was asked."""

    def __init__(self, source: str, delay: float) -> None:
        self.is_down = False
        self.calls: list[tuple[float, str, str, Sequence[str], str]] = []
        self.called: Counter[str] = Counter()  # calls by organization
        self.requests: Counter[str] = Counter()  # by region
        self.seen = 0  # tags that were read at their target after they were copied
        self._source = source
        self._delay = delay
        self._copied: defaultdict[tuple[str, str], dict[str, bool]] = defaultdict(dict)

    def answer(self, region: str, method: str, path: str, body: bytes) -> Answer:
        """Answer a request to a region."""
        self.requests[region] += 1
        url = urlsplit(path)
        image = _IMAGE.fullmatch(url.path)
        if image is None:
            organization = _ORGANIZATION.fullmatch(url.path)
            if organization is None:
                return Answer([])  # the jobs of a repository, or the regions
            return Answer({"id": 1, "name": organization[1], "creator_name": "demo", "auth": 7})
        name, tag = f"{image[1]}/{image[2]}", image[3]
        if method == "POST":
            return self._sync(region, name, json.loads(body))
        if tag is not None:
            return self._show(region, name, tag)
        query = parse_qs(url.query)
        return self._list(region, name, int(query["offset"][0]), int(query["limit"][0]))

    def _sync(self, region: str, name: str, body: Mapping[str, object]) -> Answer:
        tags, target = body["imageTag"], body["remoteRegionId"]
        assert isinstance(tags, list)
        assert isinstance(target, str)
        self.calls.append((time.monotonic(), region, name, tags, target))
        self.called[name.partition("/")[0]] += 1
        copied = self._copied[target, f"{body['remoteNamespace']}/{name.partition('/')[2]}"]
        for tag in tags:
            copied.setdefault(tag, False)
        return Answer([], delay=self._delay)

    def _show(self, region: str, name: str, tag: str) -> Answer:
        if not self._has(region, name, tag):
            return Answer(_ABSENT, 404)
        return Answer({"tag": tag, "digest": digest(name, tag)})

    def _list(self, region: str, name: str, offset: int, limit: int) -> Answer:
        tags = self._tags(region, name)
        page = tags[offset : offset + limit]
        for tag in page:
            self._has(region, name, tag)
        items = [{"Tag": tag, "digest": digest(name, tag)} for tag in page]
        return Answer(
            items, headers={"Content-Range": f"{offset}-{offset + len(page)}/{len(tags)}"}
        )

    def _tags(self, region: str, name: str) -> Sequence[str]:
        if region != self._source:
            return list(self._copied.get((region, name), ()))
        _, _, count = name.rpartition(".")
        return [f"v{number}" for number in range(int(count))]

    def _has(self, region: str, name: str, tag: str) -> bool:
        """Tell whether the region has a tag; count it the first time that it was copied there."""
        if region == self._source:
            return True
        copied = self._copied.get((region, name), {})
        if copied.get(tag) is False:
            copied[tag] = True
            self.seen += 1
        return tag in copied


def digest(name: str, tag: str) -> str:
    return f"sha256:{sha256(f'{name}:{tag}'.encode()).hexdigest()}"


def _login(_method: str, _path: str, _body: bytes) -> Answer:
    return Answer({"token": {}}, 201, {"X-Subject-Token": "a-token"})


class _Connection(asyncio.Protocol):
    """A persistent connection; while SWR is down, all but those of the control are cut."""

    connected: set["_Connection"] = set()  # noqa: RUF012  # of all ports

    def __init__(self, swr: Swr, handler: Handler, *, is_control: bool) -> None:
        self._swr = swr
        self._handler = handler
        self._is_control = is_control
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._is_control:
            return
        self.connected.add(self)
        if self._swr.is_down:
            transport.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        self.connected.discard(self)

    def cut(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(_HEAD_END)) >= 0:
            head = self._buffer[:end]
            length = _LENGTH.search(head)
            stop = end + len(_HEAD_END) + (int(length[1]) if length else 0)
            if len(self._buffer) < stop:
                return
            body = self._buffer[end + len(_HEAD_END) : stop]
            self._buffer = self._buffer[stop:]
            method, path, _ = head[: head.find(b"\r\n")].decode().split(" ")
            self._send(self._handler(method, path, body))

    def _send(self, answer: Answer) -> None:
        content = answer.encode()
        if answer.delay:
            asyncio.get_running_loop().call_later(answer.delay, self._transport.write, content)
        else:
            self._transport.write(content)


def _control(swr: Swr) -> Handler:
    def answer(_method: str, path: str, _body: bytes) -> Answer:
        action, _, argument = path[1:].partition("/")
        if action in ("down", "up"):
            swr.is_down = action == "down"
            for connection in list(_Connection.connected) if swr.is_down else ():
                connection.cut()
            return Answer(time.monotonic())
        if action == "calls":
            return Answer(swr.calls[int(argument) :])
        counts = {"calls": len(swr.calls), "seen": swr.seen}
        return Answer({**counts, "called": swr.called, "requests": swr.requests})

    return answer


async def _serve(regions: Sequence[str], delay: float) -> None:
    swr, urls = Swr(regions[0], delay), {}
    handlers: dict[str, Handler] = {IAM: _login, CONTROL: _control(swr)}
    handlers |= {region: partial(swr.answer, region) for region in regions}
    loop = asyncio.get_running_loop()
    servers = []
    for name, handler in handlers.items():
        connection = partial(_Connection, swr, handler, is_control=name == CONTROL)
        server = await loop.create_server(connection, "127.0.0.1", 0, backlog=1024)
        servers.append(server)
        urls[name] = "http://{}:{}".format(*server.sockets[0].getsockname()[:2])
    print(json.dumps(urls), flush=True)  # noqa: T201  # the output of the program
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[2:], float(sys.argv[1])))
