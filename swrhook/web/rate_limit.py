"""Rate limits of senders and of sign-ins, counted in memory by each process separately."""

import math
import time
from ipaddress import IPv6Address, ip_network

from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

from swrhook.errors import RateLimited
from swrhook.senders.sender import Sender
from swrhook.web.client_address import Address
from swrhook.wording.message import say

# Wrong tokens per minute from one address, and from all of them that are recorded.
MAX_FAILURES = 10
MAX_RECORDED = 100
# Seconds by which a clock may go back while it is adjusted.
_TOLERANCE = 5.0


class SenderRateLimits:
    """Counts the deliveries of every sender.

    The sliding window counter needs the same memory for 100000/h as for 1/s, and a clock that is
    set back locks out no sender.
    """

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def admit(self, sender: Sender) -> None:
        """Count a delivery of the sender. Raises RateLimited, without counting it."""
        rate = sender.rate_limit
        if rate is None:
            return
        item = RateLimitItemPerSecond(rate.count, rate.seconds)
        if not self._limiter.hit(item, sender.name):
            reset = self._limiter.get_window_stats(item, sender.name).reset_time - time.time()
            delay = min(max(1, math.ceil(reset)), rate.seconds)
            raise RateLimited(
                say(
                    "the sender's rate_limit is %(rate)s: try again in %(seconds)s s",
                    rate=rate,
                    seconds=delay,
                ),
                delay,
            )


class FailedSignIns:
    """Counts the wrong tokens of each client's address.

    When the clock is set back, it begins anew: what was counted would stay for too long.
    """

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._latest = time.time()
        self._item = RateLimitItemPerMinute(MAX_FAILURES)
        self._recorded = RateLimitItemPerMinute(MAX_RECORDED)

    def wait(self, address: Address | None) -> int:
        """Return for how many seconds the address must wait; 0 if it may try."""
        key = _key(address)
        limiter = self._current_limiter()
        if limiter.test(self._item, key):
            return 0
        reset = limiter.get_window_stats(self._item, key).reset_time - time.time()
        return max(1, math.ceil(reset))

    def count(self, address: Address | None) -> bool:
        """Count a wrong token; tell whether to record it, beside those of all other addresses."""
        limiter = self._current_limiter()
        limiter.hit(self._item, _key(address))
        return limiter.hit(self._recorded, "recorded")

    def _current_limiter(self) -> MovingWindowRateLimiter:
        now = time.time()
        if now < self._latest - _TOLERANCE:
            self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._latest = now
        return self._limiter


def _key(address: Address | None) -> str:
    # A client with an IPv6 network can use any of its addresses: count the whole /64.
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)
