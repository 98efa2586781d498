"""Rate limits of senders, counted in memory by each process separately."""

import math
import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from swrhook.errors import RateLimited
from swrhook.senders.sender import Sender


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
            raise RateLimited(f"the sender's rate_limit is {rate}: try again in {delay} s", delay)
