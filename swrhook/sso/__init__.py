"""Single sign-on: asks an identity provider over OpenID Connect who uses the dashboard."""

from swrhook.sso.identity import PREFIX, Identity, access_of
from swrhook.sso.provider import Attempt, IdentityProvider, error_code

__all__ = ["PREFIX", "Attempt", "Identity", "IdentityProvider", "access_of", "error_code"]
