"""Read the settings of this process from environment variables, once, at start."""

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from swrhook.errors import BadConfiguration, Mistake

PREFIX = "SWRHOOK_"
# Variables of the commands that use the API of a running server.
CLI_VARIABLES = ("SWRHOOK_URL", "SWRHOOK_TOKEN")

_MAX_WORKERS = 1000
_LOG_FORMATS = ("json", "console")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_DATABASES = ("sqlite:///", "postgresql+psycopg://")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", re.ASCII)
_MAX_PORT = 65535
_SIMILARITY = 0.8  # catches SWRHOOK_WORKER and SWRHOOK_LOGLEVEL, but not SWRHOOK_SERVICE_PORT

_T = TypeVar("_T")


def _database_url(text: str) -> str:
    """Check only the kind of database. SQLAlchemy parses the rest."""
    if not text.startswith(_DATABASES):
        raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
    if text in {"sqlite:///", "sqlite:///:memory:"}:
        raise ValueError("must name a file: a ledger in memory would lose acknowledged deliveries")
    return text


def _workers(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) or int(text) > _MAX_WORKERS:
        raise ValueError(f"must be a whole number from 0 to {_MAX_WORKERS}")
    return int(text)


def _bind(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[2]) > _MAX_PORT:
        raise ValueError("must be an address and a port, like 127.0.0.1:8080 or [::1]:8080")
    return text


def _one_of(names: Collection[str], text: str) -> str:
    if text not in names:
        raise ValueError(f"must be one of {', '.join(names)}")
    return text


def _setting(
    default: str, meaning: str, parse: Callable[[str], _T], *, is_secret: bool = False
) -> _T:
    """Return a field of Settings. `parse` raises ValueError with a message for people."""
    metadata = {"default": default, "meaning": meaning, "parse": parse}
    return field(default=parse(default), repr=not is_secret, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings. The database URL may contain a password, so it is never shown."""

    config: Path = _setting("./swrhook.yaml", "the configuration file", Path)  # noqa: RUF009  # it returns a field
    database_url: str = _setting(
        "sqlite:///var/swrhook.db",
        "the ledger: `sqlite:///FILE`, or `postgresql+psycopg://…` for several processes",
        _database_url,
        is_secret=True,
    )
    workers: int = _setting(
        "8", "worker threads in this process; 0 only records deliveries", _workers
    )
    bind: str = _setting("127.0.0.1:8080", "address and port to serve HTTP on", _bind)
    metrics_bind: str | None = _setting(
        "",
        "address and port for the metrics of `worker`; empty: no metrics",
        lambda text: _bind(text) if text else None,
    )
    log_format: str = _setting("json", "`json` or `console`", partial(_one_of, _LOG_FORMATS))
    log_level: str = _setting(
        "INFO",
        "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`",
        lambda text: _one_of(_LOG_LEVELS, text.upper()),
    )

    @property
    def on_sqlite(self) -> bool:
        """Return whether the ledger is an SQLite file, which only one process can use."""
        return self.database_url.startswith("sqlite:")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings. Raises BadConfiguration with every mistake.

        An empty variable counts as not set. Other variables that begin with SWRHOOK_ are ignored,
        since swrhook.yaml may refer to them and Kubernetes creates some. Only a name that is close
        to a setting is a mistake.
        """
        values: dict[str, Any] = {}
        mistakes = list(_near_misses(environ))
        for setting in SETTINGS:
            text = environ.get(setting.name, "")
            try:
                values[setting.attribute] = setting.parse(text or setting.default)
            except ValueError as exc:
                mistakes.append(_mistake(setting.name, str(exc)))
        if mistakes:
            raise BadConfiguration(mistakes)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Setting:
    """An environment variable, and the attribute of Settings that it sets."""

    attribute: str
    default: str
    meaning: str
    parse: Callable[[str], Any]

    @property
    def name(self) -> str:
        """Return the name of the environment variable."""
        return f"{PREFIX}{self.attribute.upper()}"


SETTINGS = tuple(Setting(setting.name, **setting.metadata) for setting in fields(Settings))


def check_worker(settings: Settings) -> None:
    """Refuse settings that a worker process cannot use. Raises BadConfiguration."""
    mistakes = []
    if settings.on_sqlite:
        message = "is SQLite, which serves one process: `worker` needs PostgreSQL"
        mistakes.append(_mistake("SWRHOOK_DATABASE_URL", message))
    if settings.workers == 0:
        message = "is 0: a worker process would have nothing to do"
        mistakes.append(_mistake("SWRHOOK_WORKERS", message))
    if mistakes:
        raise BadConfiguration(mistakes)


def check_processes(settings: Settings, processes: int) -> None:
    """Refuse several web processes on SQLite. Raises BadConfiguration."""
    if processes > 1 and settings.on_sqlite:
        message = (
            f"asks for {processes} processes, but SQLite serves one process with threads: unset "
            "it, or set SWRHOOK_DATABASE_URL to PostgreSQL"
        )
        raise BadConfiguration([_mistake("WEB_CONCURRENCY", message)])


def _near_misses(environ: Mapping[str, str]) -> Iterator[Mistake]:
    """Report variables whose names are probably misspelt names of settings."""
    names = {setting.name.removeprefix(PREFIX) for setting in SETTINGS}
    others = {name for name in environ if name.startswith(PREFIX)} - {*CLI_VARIABLES}
    for rest in {name.removeprefix(PREFIX) for name in others} - names:
        close = difflib.get_close_matches(rest, names, n=1, cutoff=_SIMILARITY)
        if close:
            yield _mistake(f"{PREFIX}{rest}", f"is not a setting: did you mean {PREFIX}{close[0]}?")


def _mistake(name: str, message: str) -> Mistake:
    return Mistake(file="environment", line=0, column=0, message=f"{name} {message}")
