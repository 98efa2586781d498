"""How much each sender may deliver: counted in memory, by each process on its own."""

import math
import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from swrhook.errors import RateLimited
from swrhook.senders.sender import Sender


class Rates:
    """What has been admitted of every sender.

    A window that slides over two counters: it takes no more memory for 100000/h than for 1/s, and a
    clock that is set back locks nobody out.
    """

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def admit(self, sender: Sender) -> None:
        """Count one delivery of the sender. Raises RateLimited; then it is not counted."""
        rate = sender.rate_limit
        if rate is None:
            return
        item = RateLimitItemPerSecond(rate.count, rate.seconds)
        if not self._limiter.hit(item, sender.name):
            free = self._limiter.get_window_stats(item, sender.name).reset_time - time.time()
            wait = min(max(1, math.ceil(free)), rate.seconds)
            raise RateLimited(f"the sender's rate_limit is {rate}: again in {wait} s", wait)
