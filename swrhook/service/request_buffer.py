"""Collects the bytes of one HTTP request until it is here as a whole.

gunicorn parses and checks the request afterwards. This only finds its end, so that no thread has to
wait for it; what it does not understand counts as complete, for gunicorn to refuse.
"""

MAX_HEADER = 64 * 1024
# A body in chunks may be so much longer than its content.
_MAX_OVERHEAD = 4
_MAX_CHUNK_LINE = 4096
_HEALTH = (b"/healthz", b"/readyz")


class TooLong(Exception):
    """The request is longer than any that would be accepted."""


class RequestBuffer:
    """The bytes of one request. A body longer than `limit` bytes is not waited for.

    `is_complete` says that the rest need not be waited for, `is_whole` that there is none.
    """

    def __init__(self, limit: int) -> None:
        self.data = bytearray()
        self.is_complete = self.is_whole = False
        self.expects_continue = False
        self._limit = limit
        self._body = 0  # where the body begins; 0 while the header is not complete
        self._length: int | None = None  # of the body; None if it comes in chunks
        self._next_chunk = 0  # where the next chunk begins
        self._content = 0  # bytes in the chunks before it

    def __len__(self) -> int:
        """Return the number of bytes that are here."""
        return len(self.data)

    @property
    def has_header(self) -> bool:
        """Tell whether the header is complete."""
        return self._body > 0

    @property
    def is_health(self) -> bool:
        """Tell whether the request asks for the health of the process."""
        method, _, rest = bytes(self.data[:32]).partition(b" ")
        return method in (b"GET", b"HEAD") and rest.split(b" ")[0].split(b"?")[0] in _HEALTH

    def feed(self, data: bytes) -> None:
        """Add bytes. Raises TooLong."""
        searched = max(0, len(self.data) - 3)
        self.data += data
        if not self._body and not self._find_header(searched):
            return
        if self._length is None:
            self._scan_chunks()
        elif self._length > self._limit:
            self.is_complete = True
        else:
            self.is_complete = self.is_whole = len(self.data) - self._body >= self._length

    def _find_header(self, searched: int) -> bool:
        if searched == 0:  # empty lines may precede a request
            del self.data[: len(self.data) - len(self.data.lstrip(b"\r\n"))]
        end = self.data.find(b"\r\n\r\n", searched)
        if end < 0 or end > MAX_HEADER:
            if len(self.data) > MAX_HEADER:
                raise TooLong
            return False
        self._body = self._next_chunk = end + 4
        fields = {}
        for line in bytes(self.data[:end]).split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            fields[name.strip().lower()] = value.strip().lower()
        self.expects_continue = fields.get(b"expect") == b"100-continue"
        if b"transfer-encoding" not in fields:
            length = fields.get(b"content-length", b"0")
            self._length = int(length) if length.isdigit() and len(length) < len(str(2**63)) else 0
        return True

    def _scan_chunks(self) -> None:
        if len(self.data) - self._body > _MAX_OVERHEAD * self._limit + MAX_HEADER:
            raise TooLong
        while not self.is_complete and (end := self._end_of_chunk_line()) is not None:
            try:
                size = int(self.data[self._next_chunk : end].partition(b";")[0], 16)
            except ValueError:
                size = -1
            if size <= 0:
                self._end_chunks(end, is_last=size == 0)
                return
            here = len(self.data) - end - 2
            self.is_complete = self._content + min(size, here) > self._limit
            if here < size + 2:
                return
            self._content += size
            self._next_chunk = end + 2 + size + 2

    def _end_of_chunk_line(self) -> int | None:
        """Return where the line with the next chunk's size ends; None if that is not here yet."""
        end = self.data.find(b"\r\n", self._next_chunk)
        if end < 0:
            self.is_complete = len(self.data) - self._next_chunk > _MAX_CHUNK_LINE
            return None
        return end

    def _end_chunks(self, end: int, *, is_last: bool) -> None:
        """Look for the end of the trailers, which follow the last chunk's line."""
        if not is_last:
            self.is_complete = True
            return
        self.is_complete = self.is_whole = self.data.find(b"\r\n\r\n", end) >= 0
        if not self.is_whole and len(self.data) - end > _MAX_CHUNK_LINE:
            raise TooLong
