"""The settings of this process: environment variables, read once, at start."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swrhook.errors import BadConfiguration, Mistake

PREFIX = "SWRHOOK_"
# The command line's own variables, towards a running server.
OF_THE_COMMANDS = ("SWRHOOK_URL", "SWRHOOK_TOKEN")

_MOST_WORKERS = 1000
_LOG_FORMATS = ("json", "console")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_DATABASES = ("sqlite:///", "postgresql+psycopg://")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", re.ASCII)
_LAST_PORT = 65535
_NEAR = 0.8  # SWRHOOK_WORKER and SWRHOOK_LOGLEVEL are near misses, SWRHOOK_SERVICE_PORT is none


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. The database's address may hold a password: it is never shown."""

    config: Path = Path("swrhook.yaml")
    database_url: str = field(default="sqlite:///var/swrhook.db", repr=False)
    workers: int = 8
    bind: str = "127.0.0.1:8080"
    metrics_bind: str | None = None
    log_format: str = "json"
    log_level: str = "INFO"

    @property
    def on_sqlite(self) -> bool:
        """Tell whether the ledger is a file: one process only."""
        return self.database_url.startswith("sqlite:")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings. Raises BadConfiguration with every mistake.

        An empty variable counts as not set. Other variables that begin with SWRHOOK_ are ignored
        (swrhook.yaml may refer to them, Kubernetes makes some), unless they are nearly a setting.
        """
        values: dict[str, Any] = {}
        mistakes = _near_misses(environ)
        for setting in SETTINGS:
            text = environ.get(setting.name, "")
            try:
                values[setting.attribute] = setting.read(text or setting.default)
            except ValueError as exc:
                mistakes.append(_mistake(setting.name, str(exc)))
        if mistakes:
            raise BadConfiguration(mistakes)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable; `read` raises ValueError with what it must be."""

    name: str
    default: str
    meaning: str
    read: Callable[[str], Any]

    @property
    def attribute(self) -> str:
        """Return the name in Settings."""
        return self.name.removeprefix(PREFIX).lower()


def check_worker(settings: Settings) -> None:
    """Refuse a worker process that could not work. Raises BadConfiguration."""
    mistakes = []
    if settings.on_sqlite:
        words = "is SQLite, which serves one process: `worker` needs PostgreSQL"
        mistakes.append(_mistake("SWRHOOK_DATABASE_URL", words))
    if settings.workers == 0:
        words = "is 0: a worker process would have nothing to do"
        mistakes.append(_mistake("SWRHOOK_WORKERS", words))
    if mistakes:
        raise BadConfiguration(mistakes)


def check_processes(settings: Settings, processes: int) -> None:
    """Refuse several web processes on SQLite. Raises BadConfiguration."""
    if processes > 1 and settings.on_sqlite:
        words = (
            f"asks for {processes} processes, but SQLite serves one process with threads: leave "
            "it out, or set SWRHOOK_DATABASE_URL to PostgreSQL"
        )
        raise BadConfiguration([_mistake("WEB_CONCURRENCY", words)])


def _database_url(text: str) -> str:
    """Check the kind of database only: SQLAlchemy reads the rest."""
    if not text.startswith(_DATABASES):
        raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
    if text in {"sqlite:///", "sqlite:///:memory:"}:
        raise ValueError("must name a file: a ledger in memory would lose what was acknowledged")
    return text


def _workers(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) or int(text) > _MOST_WORKERS:
        raise ValueError(f"must be a whole number from 0 to {_MOST_WORKERS}")
    return int(text)


def _bind(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[2]) > _LAST_PORT:
        raise ValueError("must be an address and a port, like 127.0.0.1:8080 or [::1]:8080")
    return text


def _optional_bind(text: str) -> str | None:
    return _bind(text) if text else None


def _log_format(text: str) -> str:
    if text not in _LOG_FORMATS:
        raise ValueError(f"must be one of {', '.join(_LOG_FORMATS)}")
    return text


def _log_level(text: str) -> str:
    if text.upper() not in _LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(_LOG_LEVELS)}")
    return text.upper()


SETTINGS = (
    Setting("SWRHOOK_CONFIG", "./swrhook.yaml", "the configuration file", Path),
    Setting(
        "SWRHOOK_DATABASE_URL",
        "sqlite:///var/swrhook.db",
        "the ledger: `sqlite:///FILE`, or `postgresql+psycopg://…` for several processes",
        _database_url,
    ),
    Setting(
        "SWRHOOK_WORKERS",
        "8",
        "worker threads in this process; 0 only records, and leaves the work to others",
        _workers,
    ),
    Setting("SWRHOOK_BIND", "127.0.0.1:8080", "address and port to serve HTTP on", _bind),
    Setting(
        "SWRHOOK_METRICS_BIND",
        "",
        "address and port for the metrics of `worker`; without it there are none",
        _optional_bind,
    ),
    Setting("SWRHOOK_LOG_FORMAT", "json", "`json` or `console`", _log_format),
    Setting(
        "SWRHOOK_LOG_LEVEL",
        "INFO",
        "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`",
        _log_level,
    ),
)


def _near_misses(environ: Mapping[str, str]) -> list[Mistake]:
    """Find variables that are probably a setting's misspelt name."""
    known = {setting.name.removeprefix(PREFIX) for setting in SETTINGS}
    mistakes = []
    for name in environ:
        rest = name.removeprefix(PREFIX)
        if name in OF_THE_COMMANDS or not name.startswith(PREFIX) or rest in known:
            continue
        near = difflib.get_close_matches(rest, known, n=1, cutoff=_NEAR)
        if near:
            mistakes.append(_mistake(name, f"is no setting: did you mean {PREFIX}{near[0]}?"))
    return mistakes


def _mistake(name: str, message: str) -> Mistake:
    return Mistake(file="environment", line=0, column=0, message=f"{name} {message}")
