"""The configuration of a running process: the file's while that is right, or the last good one.

A wrong file changes nothing. What is good is kept in the ledger, for a process that starts while
the file is wrong.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from swrhook import config as configuration
from swrhook import logs
from swrhook.auth import KeyProvider
from swrhook.clock import Clock
from swrhook.config.diff import compare
from swrhook.config.model import Config
from swrhook.config.watcher import WatchedFile
from swrhook.errors import BadConfiguration
from swrhook.ledger.database import Database
from swrhook.ledger.kept_state import last_configuration, save_configuration
from swrhook.metrics import Metrics
from swrhook.periodic import PeriodicThread

if TYPE_CHECKING:
    from datetime import datetime

# Seconds between two looks at the files; a change is taken at the second look that finds it.
BETWEEN_LOOKS = 1.0
# How long a stop waits for a look: one at a file server that is gone takes for ever.
_LAST_LOOK = 5.0


class ConfigSubscriber(Protocol):
    """Puts a new configuration in use."""

    def use(self, config: Config) -> None:
        """Replace the configuration in use, or raise and keep that."""
        ...

    def resume(self, before: Config, after: Config) -> None:
        """Resume work that had to wait for the new configuration."""
        ...


class ConfigReloader:
    """Knows which configuration is in use, and takes a new one when the file has changed."""

    def __init__(
        self,
        file: WatchedFile,
        database: Database,
        metrics: Metrics,
        clock: Clock,
        *,
        between: float = BETWEEN_LOOKS,
    ) -> None:
        """Take the parts; then call `load_initial`, `subscribe` and `start`, in this order."""
        self._file = file
        self._database = database
        self._metrics = metrics
        self._clock = clock
        self._used: tuple[Config, datetime]  # and since when
        self._subscriber: ConfigSubscriber
        self._wrong: str | None = None
        self._is_kept = True
        self._thread = PeriodicThread("reload", self.poll, between, at_once=False)

    def load_initial(self, environ: Mapping[str, str], outside: KeyProvider) -> Config:
        """Return the configuration to start with: the file's, or the last good one.

        Raises BadConfiguration at a first start, when nothing can stand in for a wrong file.
        """
        try:
            config = self._file.read()
        except BadConfiguration as exc:
            kept = _last_good(self._database, environ, outside)
            if kept is None:
                raise
            self._put_in_use(kept)
            self._refuse(exc)
            return kept
        self._put_in_use(config)
        logs.event("configuration.loaded", version=config.version, rules=len(config.rules))
        self._keep()
        return config

    def subscribe(self, subscriber: ConfigSubscriber) -> None:
        """Set what puts a new configuration in use."""
        self._subscriber = subscriber

    def start(self) -> None:
        """Watch the file from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._thread.stop(_LAST_LOOK)

    def in_use(self) -> dict[str, str]:
        """Return what this process runs with: `version`, and `since` when."""
        config, since = self._used
        return {
            "version": config.version,
            "since": since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

    def wrong(self) -> str | None:
        """Return in words that the file on disk is not the one in use, or None."""
        if self._wrong is None:
            return None
        return f"{self._wrong}: the last good one, {self._used[0].version}, is in use"

    def poll(self) -> None:
        """Look once; take what has changed, if it is right."""
        if self._file.has_changed():
            self._read()
        if not self._is_kept:
            self._keep()

    def _read(self) -> None:
        try:
            config = self._file.read()
        except BadConfiguration as exc:
            self._refuse(exc)
            self._metrics.reloaded("rejected")
        else:
            before, _ = self._used
            self._take(before, config)
            self._subscriber.resume(before, config)

    def _take(self, before: Config, config: Config) -> None:
        changed = compare(before.fingerprints, config.fingerprints)
        if changed or config.version != before.version:
            # Said first: it stands where `use` fails, and nothing pretends that all is well.
            self._is_wrong("the file cannot be used, the log tells why")
            self._subscriber.use(config)
            self._put_in_use(config)
        self._wrong = None
        self._is_kept = False
        self._metrics.configuration(is_current=True)
        self._metrics.reloaded("accepted")
        logs.event(
            "configuration.reloaded",
            version=config.version,
            before=before.version,
            changed=changed,
            rules=len(config.rules),
        )

    def _refuse(self, exc: BadConfiguration) -> None:
        self._is_wrong("the file is wrong")
        in_use = self._used[0].version
        logs.warning("configuration.refused", in_use=in_use, mistakes=str(exc).splitlines())

    def _is_wrong(self, words: str) -> None:
        self._wrong = words
        self._metrics.configuration(is_current=False)

    def _put_in_use(self, config: Config) -> None:
        self._used = config, self._clock.now()
        self._metrics.configuration(is_current=True)
        self._metrics.configuration_in_use(config.version)

    def _keep(self) -> None:
        """Keep the configuration in use as the last good one; tried again until it is."""
        config, _ = self._used
        if config.literal_secrets:
            logs.warning("configuration.not_kept", literal_secrets=list(config.literal_secrets))
        else:
            with self._database.write() as connection:
                save_configuration(connection, config.version, config.text, self._clock.now())
        self._is_kept = True


def _last_good(
    database: Database, environ: Mapping[str, str], outside: KeyProvider
) -> Config | None:
    with database.read() as connection:
        text = last_configuration(connection)
    if text is None:
        return None
    try:
        return configuration.parse(
            text,
            file="the last good configuration",
            environ=environ,
            read_file=configuration.read_secret_file,
            key_provider=outside,
        )
    except BadConfiguration as exc:
        logs.warning("configuration.last_good_unusable", mistakes=str(exc).splitlines())
        return None
