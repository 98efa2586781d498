"""Loads the configuration at the start and reloads it when its file changes.

An invalid file changes nothing: the configuration in use stays in use. The last good configuration
is saved in the ledger, for a process that starts while the file is invalid. Changed rules come in
when the reload guard lets them; until then, the file is used with the rules from before.
"""

import json
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
from swrhook.wording.message import say

# Seconds between two polls. A change is loaded at the second poll that sees the same content: at
# the first one the file may still be being written.
POLL_INTERVAL = 1.0
# A poll of files on a file server that is down never ends, so a stop waits only this long for it.
_STOP_TIMEOUT = 5.0


class RulesGuard(Protocol):
    """Decides whether changed rules may be used."""

    def holds(self, before: Config | None, after: Config) -> bool:
        """Tell whether the rules of `after` must not be used yet."""
        ...


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
    guard: RulesGuard
    interval: float = POLL_INTERVAL

    def __post_init__(self) -> None:
        super().__init__("reload", self.poll, self.interval, at_once=False)
        self._config: Config
        self._in_use_since = self.clock.now()
        self._subscriber: ConfigSubscriber
        self._held_work: HeldWork
        self._problem: str | None = None
        self._held: Config | None = None  # the file's, as long as its rules are held
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
        if config.options.reload_guard is not None:
            config = self._admit(self._load_last_good(), config)
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
        return say(
            "%(problem)s: the last good configuration, %(version)s, is in use",
            problem=self._problem,
            version=self._config.version,
        )

    def deviation(self) -> str | None:
        """Return why the file on disk is not wholly in use, or None."""
        return self.problem() or self.held()

    def poll(self) -> None:
        """Check the file once, and use its configuration if it has changed and is valid."""
        if self.file.has_changed():
            self._reload()
        elif self._held is not None and not self.guard.holds(self._config, self._held):
            file, self._held = self._held, None
            self._take_in(self._config, file)
        if not self._is_saved:
            self._save()

    def _reload(self) -> None:
        try:
            config = self.file.read()
        except BadConfiguration as exc:
            self._refuse(exc)
            self.metrics.configuration_reloads.labels("rejected").inc()
        else:
            self._problem = None
            self._take_in(self._config, self._admit(self._config, config))

    def _take_in(self, before: Config, config: Config) -> None:
        if config is before:  # but for its rules, the file says what is in use
            self.metrics.configuration_is_current.set(0)
            return
        self._use(before, config)
        self._held_work.resume(before, config)

    def _admit(self, before: Config | None, file: Config) -> Config:
        """Return what may be used of a file's configuration now."""
        is_held = self.guard.holds(before, file)
        self._held = file if is_held else None
        return file if before is None or not is_held else self._with_rules_of(before, file)

    def _with_rules_of(self, before: Config, file: Config) -> Config:
        """Return the file's configuration with the rules from before.

        If they do not fit it, or nothing else has changed, return the one from before.
        """
        document, rules = json.loads(file.text), json.loads(before.text)
        for section in ("rules", "defaults"):
            document.pop(section, None)
            if section in rules:
                document[section] = rules[section]
        try:
            config = self._parse(json.dumps(document).encode(), "the file with the rules in use")
        except BadConfiguration as exc:
            logs.warning("rules.held_with_file", mistakes=str(exc).splitlines())
            return before
        return config if compare(before.fingerprints, config.fingerprints) else before

    def held(self) -> str | None:
        """Return that the file's rules are held, or None."""
        if self._held is None:
            return None
        return say(
            "the rules of the file %(version)s are held by settings.reload_guard: see"
            " `swrhook rules pending`",
            version=self._held.version,
        )

    def _use(self, before: Config, config: Config) -> None:
        changed = compare(before.fingerprints, config.fingerprints)
        if changed or config.version != before.version:
            # Set before the attempt, so that it stays if `use` raises.
            self._set_problem(say("the file cannot be used, see the log"))
            self._subscriber.use(config)
            self._set_in_use(config)
        self._problem = None
        self._is_saved = False
        self.metrics.configuration_is_current.set(int(self._held is None))
        self.metrics.configuration_reloads.labels("accepted").inc()
        logs.event(
            "configuration.reloaded",
            version=config.version,
            before=before.version,
            changed=changed,
            rules=len(config.rules),
        )

    def _refuse(self, exc: BadConfiguration) -> None:
        self._set_problem(say("the file is invalid"))
        in_use = self._config.version
        logs.warning("configuration.refused", in_use=in_use, mistakes=str(exc).splitlines())

    def _set_problem(self, problem: str) -> None:
        self._problem = problem
        self.metrics.configuration_is_current.set(0)

    def _set_in_use(self, config: Config) -> None:
        self._config, self._in_use_since = config, self.clock.now()
        self.metrics.configuration_is_current.set(int(self._held is None))
        self.metrics.configuration_version.info({"version": config.version})

    def _load_last_good(self) -> Config | None:
        with self.database.read() as connection:
            kept = last_configuration(connection)
        if kept is None:
            return None
        version, text = kept
        try:
            config = self._parse(text, "the last good configuration")
            return replace(config, version=version)  # the file's, whose comments are left out
        except BadConfiguration as exc:
            logs.warning("configuration.last_good_unusable", mistakes=str(exc).splitlines())
            return None

    def _parse(self, text: bytes, name: str) -> Config:
        return configuration.parse(
            text,
            file=name,
            environ=self.file.environ,
            read_file=configuration.read_secret_file,
            key_provider=self.file.key_provider,
            with_credentials=self.file.with_credentials,
        )

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
