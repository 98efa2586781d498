"""The other way out: certificates and keys of senders, and confirmations, over HTTPS.

Bounded in every direction: nobody is redirected, answers are small and soon there, and what a
delivery makes us fetch is remembered, whether it was there or not.
"""

from swrhook.outbound.fetch import Way
from swrhook.outbound.internet import Internet
from swrhook.outbound.proxies import find_proxies

__all__ = ["Internet", "Way", "find_proxies"]
