"""The other way out: certificates and keys of senders, and confirmations, over HTTPS.

Bounded in every direction: nobody is redirected, answers are small and soon there, and what a
delivery makes us fetch is remembered, whether it was there or not.
"""

from swrhook.sender_keys.https_get import HttpsSettings, find_proxies
from swrhook.sender_keys.provider import HttpsKeyProvider

__all__ = ["HttpsKeyProvider", "HttpsSettings", "find_proxies"]
