"""Loads the configuration at the start and reloads it when its file changes.

An invalid file changes nothing: the configuration in use stays in use. The last good configuration
is saved in the ledger, for a process that starts while the file is invalid.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from swrhook import config as configuration
from swrhook import logs
from swrhook.clock import Clock
from swrhook.config.diff import compare
from swrhook.config.model import Config
from swrhook.config.watcher import WatchedFile
from swrhook.errors import BadConfiguration
from swrhook.ledger.database import Database
from swrhook.ledger.kept_state import last_configuration, save_configuration
from swrhook.metrics import Metrics
from swrhook.periodic import PeriodicThread

# Seconds between two polls. A change is loaded at the second poll that sees the same content: at
# the first one the file may still be being written.
POLL_INTERVAL = 1.0
# A poll of files on a file server that is down never ends, so a stop waits only this long for it.
_STOP_TIMEOUT = 5.0


class ConfigSubscriber(Protocol):
    """Uses the configuration."""

    def use(self, config: Config) -> None:
        """Replace the configuration in use, or raise and keep it."""
        ...


class HeldWork(Protocol):
    """Work that waits for another configuration."""

    def resume(self, before: Config, after: Config) -> None:
        """Resume the work that the new configuration allows."""
        ...


@dataclass(eq=False)
class ConfigReloader(PeriodicThread):
    """Watches the configuration file, and hands a changed configuration to its subscriber.

    Call `load_initial`, `subscribe` and `start`, in this order.
    """

    file: WatchedFile
    database: Database
    metrics: Metrics
    clock: Clock
    interval: float = POLL_INTERVAL

    def __post_init__(self) -> None:
        super().__init__("reload", self.poll, self.interval, at_once=False)
        self._config: Config
        self._in_use_since = self.clock.now()
        self._subscriber: ConfigSubscriber
        self._held_work: HeldWork
        self._problem: str | None = None
        self._is_saved = True

    def load_initial(self) -> Config:
        """Return the configuration to start with: the file's, or else the last good one.

        Raises BadConfiguration if the file is invalid and no last good configuration can be used.
        """
        try:
            config = self.file.read()
        except BadConfiguration as exc:
            last_good = self._load_last_good()
            if last_good is None:
                raise
            self._set_in_use(last_good)
            self._refuse(exc)
            return last_good
        self._set_in_use(config)
        logs.event("configuration.loaded", version=config.version, rules=len(config.rules))
        self._save()
        return config

    def subscribe(self, subscriber: ConfigSubscriber, held_work: HeldWork) -> None:
        """Set what uses a new configuration, and what is resumed after that."""
        self._subscriber = subscriber
        self._held_work = held_work

    def stop(self, timeout: float | None = _STOP_TIMEOUT) -> None:
        """Stop polling the file."""
        super().stop(timeout)

    def in_use(self) -> dict[str, str]:
        """Return the `version` of the configuration in use, and `since` when it has been in use."""
        since = self._in_use_since.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"version": self._config.version, "since": since}

    def problem(self) -> str | None:
        """Return why the file on disk is not in use, or None if it is."""
        if self._problem is None:
            return None
        return f"{self._problem}: the last good configuration, {self._config.version}, is in use"

    def poll(self) -> None:
        """Check the file once, and use its configuration if it has changed and is valid."""
        if self.file.has_changed():
            self._reload()
        if not self._is_saved:
            self._save()

    def _reload(self) -> None:
        try:
            config = self.file.read()
        except BadConfiguration as exc:
            self._refuse(exc)
            self.metrics.configuration_reloads.labels("rejected").inc()
        else:
            before = self._config
            self._use(before, config)
            self._held_work.resume(before, config)

    def _use(self, before: Config, config: Config) -> None:
        changed = compare(before.fingerprints, config.fingerprints)
        if changed or config.version != before.version:
            # Set before the attempt, so that it stays if `use` raises.
            self._set_problem("the file cannot be used, see the log")
            self._subscriber.use(config)
            self._set_in_use(config)
        self._problem = None
        self._is_saved = False
        self.metrics.configuration_is_current.set(1)
        self.metrics.configuration_reloads.labels("accepted").inc()
        logs.event(
            "configuration.reloaded",
            version=config.version,
            before=before.version,
            changed=changed,
            rules=len(config.rules),
        )

    def _refuse(self, exc: BadConfiguration) -> None:
        self._set_problem("the file is invalid")
        in_use = self._config.version
        logs.warning("configuration.refused", in_use=in_use, mistakes=str(exc).splitlines())

    def _set_problem(self, problem: str) -> None:
        self._problem = problem
        self.metrics.configuration_is_current.set(0)

    def _set_in_use(self, config: Config) -> None:
        self._config, self._in_use_since = config, self.clock.now()
        self.metrics.configuration_is_current.set(1)
        self.metrics.configuration_version.info({"version": config.version})

    def _load_last_good(self) -> Config | None:
        with self.database.read() as connection:
            kept = last_configuration(connection)
        if kept is None:
            return None
        version, text = kept
        try:
            config = configuration.parse(
                text,
                file="the last good configuration",
                environ=self.file.environ,
                read_file=configuration.read_secret_file,
                key_provider=self.file.key_provider,
                with_credentials=self.file.with_credentials,
            )
            return replace(config, version=version)  # the file's, whose comments are left out
        except BadConfiguration as exc:
            logs.warning("configuration.last_good_unusable", mistakes=str(exc).splitlines())
            return None

    def _save(self) -> None:
        """Save the configuration in use as the last good one; `poll` repeats this if it fails."""
        config = self._config
        # No secret is written to the ledger.
        if config.literal_secrets:
            logs.warning("configuration.not_kept", literal_secrets=list(config.literal_secrets))
        else:
            with self.database.write() as connection:
                save_configuration(connection, config.version, config.text, self.clock.now())
        self._is_saved = True
