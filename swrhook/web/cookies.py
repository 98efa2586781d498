"""The dashboard's cookies, and whether the browser uses TLS."""

from datetime import timedelta

from flask import Request, Response

from swrhook.web.client_address import Networks, is_in

# Browsers take a cookie of such a name only over TLS, for this host and all of its paths, so that
# neither a sibling host nor plain HTTP can set one.
_HOST_ONLY = "__Host-"
# A browser that has seen it uses TLS for a year.
STRICT_TRANSPORT_SECURITY = "max-age=31536000"


def read_cookie(request: Request, name: str, trusted: Networks) -> str:
    """Return the value of a cookie, or an empty text."""
    return request.cookies.get(_full_name(request, name, trusted), "")


def set_cookie(
    request: Request,
    answer: Response,
    name: str,
    value: str,
    trusted: Networks,
    lifetime: timedelta | None = None,
) -> None:
    """Set a cookie that scripts cannot read and forms of other sites do not send.

    Without a lifetime it ends with the browser's session.

    SameSite is Lax, not Strict: a link in an alert must open its page without signing in again.
    """
    secure = is_https(request, trusted)
    full_name = _full_name(request, name, trusted)
    answer.set_cookie(
        full_name, value, max_age=lifetime, secure=secure, httponly=True, samesite="Lax"
    )


def delete_cookie(request: Request, answer: Response, name: str, trusted: Networks) -> None:
    """Delete a cookie."""
    secure = is_https(request, trusted)
    answer.delete_cookie(_full_name(request, name, trusted), secure=secure)


def is_https(request: Request, trusted: Networks) -> bool:
    """Tell whether the browser uses TLS, to this process or to a trusted proxy."""
    if request.is_secure:
        return True
    # The last value is the one that the nearest proxy added.
    protocol = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip()
    return protocol.lower() == "https" and is_in(request.remote_addr or "", trusted)


def _full_name(request: Request, name: str, trusted: Networks) -> str:
    return f"{_HOST_ONLY}{name}" if is_https(request, trusted) else name
