"""Paths that a browser sends, to which the dashboard redirects."""

from urllib.parse import urlsplit


def local_path(path: str, otherwise: str = "/") -> str:
    """Return the path, or `otherwise` if it could lead to another host (an open redirect)."""
    # Browsers read a backslash as a slash, and remove tabs and line breaks.
    is_local = path.startswith("/") and "\\" not in path and path.isprintable()
    if not is_local or path.startswith("//"):
        return otherwise
    return urlsplit(path).geturl()
