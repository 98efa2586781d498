"""Computes the fingerprint of the simulator's credential, before services are forked.

It is slow on purpose, and otherwise each of the services would compute it at its start.
"""

from swrhook.config.model import PasswordCredentials
from swrhook.swr.auth.lockout import fingerprint

fingerprint(PasswordCredentials("demo", "demo", "demo"), "")
