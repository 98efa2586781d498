"""What tests of a reload start: a file, a ledger and a reloader."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from swrhook.auth import NO_KEYS
from swrhook.config import Config
from swrhook.config.watcher import WatchedFile
from swrhook.ledger.database import Database
from swrhook.ledger.kept_state import last_configuration
from swrhook.metrics import Metrics
from swrhook.service.config_reload import ConfigReloader
from swrhook.service.reload_guard import ReloadGuard
from tests.factories import FakeClock

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@dataclass
class Reloading:
    """A file, a ledger and the reloader under test, which `poll` runs."""

    file: Path
    database: Database
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    between: float = 3600  # so the thread itself does nothing
    metrics: Metrics = field(default_factory=Metrics)
    used: list[Config] = field(default_factory=list)
    on_use: Callable[[Config], None] | None = None
    on_resume: Callable[[Config, Config], None] | None = None
    environ: dict[str, str] = field(default_factory=lambda: {"TOKEN": "sesame-sesame-sesame"})

    def __post_init__(self) -> None:
        watched = WatchedFile(self.file, self.environ, NO_KEYS)
        self.guard = ReloadGuard(self.database, self.metrics, self.clock)
        self.reloader = ConfigReloader(
            watched,
            self.database,
            self.metrics,
            self.clock,
            self.guard,
            interval=self.between,
        )

    def start(self) -> Config:
        """Start with the content of the file."""
        config = self.reloader.load_initial()
        self.reloader.subscribe(self, self)
        self.reloader.start()
        return config

    def use(self, config: Config) -> None:
        (self.on_use or self.used.append)(config)

    def resume(self, before: Config, after: Config) -> None:
        if self.on_resume is not None:
            self.on_resume(before, after)

    def poll(self, content: str | None = None) -> None:
        """Change the file, and poll until the change must have been noticed."""
        if content is not None:
            self.file.write_text(content)
            self.clock.advance(1)
        for _ in range(3):
            self.reloader.poll()

    def metric_values(self) -> dict[str, float]:
        lines = self.metrics.text().decode().splitlines()
        pairs = [line.rpartition(" ") for line in lines if line.startswith("swrhook_configuration")]
        return {name: float(value) for name, _, value in pairs if "_created" not in name}

    def saved(self) -> str | None:
        """Return the version of the last good configuration in the ledger."""
        with self.database.read() as connection:
            kept = last_configuration(connection)
        return None if kept is None else kept[0]
