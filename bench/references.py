"""The references of the benchmark, served by gunicorn with swrhook's own settings.

`parsing` only parses the body. `committing` does what a simple implementation would: it checks the
signature and commits one transaction to SQLite for each request, as durably as swrhook.
"""

import hmac
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

from flask import Flask, abort, request

from bench.load import SECRET

parsing = Flask("parsing")
committing = Flask("committing")
_local = threading.local()
_file = Path(mkdtemp(prefix="swrhook-bench-")) / "naive.db"
with sqlite3.connect(_file) as _first:
    _first.execute("PRAGMA journal_mode = WAL")  # stored in the file
    _first.execute("CREATE TABLE pushes (image, tag, body, PRIMARY KEY (image, tag))")


@parsing.get("/readyz")
@committing.get("/readyz")
def ready() -> Mapping[str, str]:
    return {"status": "ready"}


@parsing.post("/hooks/harbor")
def parse() -> tuple[Mapping[str, str], int]:
    return {"type": request.get_json()["type"]}, 202


@committing.post("/hooks/harbor")
def commit() -> tuple[Mapping[str, str], int]:
    body = request.get_data()
    expected = f"sha256={hmac.digest(SECRET.encode(), body, 'sha256').hex()}"
    if not hmac.compare_digest(expected, request.headers["X-Signature"]):
        abort(401)
    event = request.get_json()["event_data"]
    image, tag = event["repository"]["repo_full_name"], event["resources"][0]["tag"]
    with _connection() as connection:
        connection.execute(
            "INSERT INTO pushes VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (image, tag, body)
        )
    return {"image": f"{image}:{tag}"}, 202


def _connection() -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(_file, timeout=30)
        _local.connection.execute("PRAGMA synchronous = FULL")
    connection: sqlite3.Connection = _local.connection
    return connection
