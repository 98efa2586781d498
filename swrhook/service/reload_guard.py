"""Holds changed rules whose effect is large, in every process, until an administrator accepts."""

from dataclasses import asdict, dataclass

from swrhook import logs
from swrhook.clock import Clock
from swrhook.config.diff import rules_fingerprint
from swrhook.config.model import Config
from swrhook.ledger.database import Database
from swrhook.ledger.failures import is_unavailable
from swrhook.ledger.rule_sets import (
    MAY_BE_USED,
    Verdict,
    begin_judging,
    end_judging,
    find_verdict,
    keep_used,
    note_wanted,
)
from swrhook.metrics import Metrics
from swrhook.separate_process import TookTooLong, run_separately
from swrhook.usecases.reload_guard import Effect, measure, read_sample

# Seconds of computing; in all it may take four times as long.
TIMEOUT = 30
# So few pushes and rules are compared in the thread itself.
SMALL = 500


@dataclass(frozen=True, slots=True)
class ReloadGuard:
    """A RulesGuard. Rules are judged once, by one process, and all of them obey the ledger.

    Samples of at most `small` pushes and rules are compared in the thread, others within `timeout`.
    """

    database: Database
    metrics: Metrics
    clock: Clock
    small: int = SMALL
    timeout: float = TIMEOUT

    def holds(self, before: Config | None, after: Config) -> bool:
        """Tell whether the rules of `after` must not be used yet in place of those before."""
        try:
            is_held = after.options.reload_guard is not None and self._holds(before, after)
        except Exception as exc:
            if not is_unavailable(exc):
                raise
            is_held = True  # until the ledger can be asked
        self.metrics.rules_are_held.set(int(is_held))
        return is_held

    def _holds(self, before: Config | None, after: Config) -> bool:
        fingerprint, now = rules_fingerprint(after.fingerprints), self.clock.now()
        with self.database.read() as connection:
            verdict = find_verdict(connection, fingerprint, now)
        if before is None:
            self._take_unguarded(fingerprint, after, verdict)
            return False
        in_use = rules_fingerprint(before.fingerprints)
        if fingerprint == in_use:
            return False
        if verdict not in {Verdict.HELD, *MAY_BE_USED}:
            with self.database.write() as connection:
                is_judge = begin_judging(connection, fingerprint, after.version, now)
            if not is_judge:
                return True  # until the process that judges has done so
            verdict = self._judge(fingerprint, before, after)
        is_held = verdict not in MAY_BE_USED
        with self.database.write() as connection:
            if is_held:
                note_wanted(connection, fingerprint, now)
            else:
                keep_used(connection, in_use, before.version, now)
        return is_held

    def _take_unguarded(self, fingerprint: str, after: Config, verdict: Verdict | None) -> None:
        if verdict is None:  # the first start
            with self.database.write() as connection:
                keep_used(connection, fingerprint, after.version, self.clock.now())
        elif verdict not in MAY_BE_USED:
            logs.warning(
                "rules.unguarded",
                version=after.version,
                remedy="the ledger keeps no other rules: write no secret into the file",
            )

    def _judge(self, fingerprint: str, before: Config, after: Config) -> Verdict:
        """Measure the effect of rules; keep the verdict and return it."""
        effect = self._measure(before, after)
        limits = after.options.reload_guard
        is_large = limits is not None and (effect is None or effect.is_large(limits))
        verdict = Verdict.HELD if is_large else Verdict.USED
        members = None if effect is None else asdict(effect)
        with self.database.write() as connection:
            end_judging(connection, fingerprint, verdict, members, self.clock.now())
        if is_large:
            counts = ("gained", "lost", "redirected", "syncs")
            numbers = {} if members is None else {name: members[name] for name in counts}
            logs.warning(
                "rules.held",
                version=after.version,
                in_use=before.version,
                fingerprint=fingerprint,
                **numbers,
                remedy="see `swrhook rules pending`, then `swrhook rules accept` or undo the edit",
            )
        return verdict

    def _measure(self, before: Config, after: Config) -> Effect | None:
        """Return the effect of rules, None if it cannot be measured in time."""
        sample = read_sample(before, after, self.database, self.clock.now())
        rules = len(before.rules) + len(after.rules)
        if len(sample.pushes) <= self.small and rules <= self.small:  # takes some milliseconds
            return measure(tuple(after.rules), sample)
        try:
            return run_separately(self.timeout, measure, tuple(after.rules), sample)
        except TookTooLong:
            return None
