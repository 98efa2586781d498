"""Answers of the real services that were recorded, given again to the same requests."""

from collections import defaultdict, deque
from collections.abc import Iterable
from http import HTTPStatus
from threading import Lock
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote

from swrhook.swr.recordings import IAM, Exchange

_Request: TypeAlias = tuple[str, str, str, tuple[tuple[str, str], ...]]


class RecordedAnswers:
    """Recorded answers in their order; the last one to a request is given again and again.

    Successful answers of IAM are left out: the simulator issues tokens of its own, since a
    recording has none.
    """

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._lock = Lock()
        self._answers: defaultdict[_Request, deque[Exchange]] = defaultdict(deque)
        for exchange in exchanges:
            if exchange.place != IAM or exchange.status >= HTTPStatus.BAD_REQUEST:
                key = _request(exchange.place, exchange.method, exchange.path)
                self._answers[key].append(exchange)

    def take(self, place: str, method: str, path: str) -> Exchange | None:
        """Return the next answer to a request, None if none was recorded."""
        with self._lock:
            answers = self._answers.get(_request(place, method, path))
            if not answers:
                return None
            return answers.popleft() if len(answers) > 1 else answers[0]


def _request(place: str, method: str, path: str) -> _Request:
    """Return what is the same for the same request, however its path is encoded."""
    route, _, query = path.partition("?")
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return place, method, unquote(route), tuple(pairs)
