"""Fetches the public keys and certificates of senders, and confirms subscriptions, over HTTPS.

Every delivery can cause a fetch, so each one is bounded: no redirects, small responses, short
timeouts, and a cache of results and of failures.
"""

from swrhook.sender_keys.https import HttpsSettings, find_proxies
from swrhook.sender_keys.provider import HttpsKeyProvider

__all__ = ["HttpsKeyProvider", "HttpsSettings", "find_proxies"]
