"""Changed rules with a large effect are held in every process until they are accepted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from swrhook import logs
from swrhook.config.candidate import read_candidate
from swrhook.config.diff import rules_fingerprint
from swrhook.ledger.database import Database
from swrhook.ledger.discovery import keep_repositories
from swrhook.ledger.rule_sets import LEASE, accept_rules, begin_judging, list_pending
from swrhook.ledger.service_tables import rule_sets
from swrhook.syncs.discovery import DiscoveredRepository, OrganizationRef
from tests.conftest import DATABASES
from tests.factories import MINIMAL_CONFIG, entry, everything, push, write
from tests.json_lines import json_lines
from tests.service.reloading import START, Reloading

TAGS = 60
NARROW = MINIMAL_CONFIG.replace("{sender: harbor}", "{sender: harbor, tag: none}")
SMALL_CHANGE = MINIMAL_CONFIG.replace("{sender: harbor}", '{sender: harbor, tag: "v*"}')
LATE = "settings: {late: 5m}\n"


@pytest.fixture
def reloading(tmp_path: Path, database: Database) -> Any:
    """A process whose rules want a sync of each of the TAGS tags that were announced."""
    write(database, entry(*(push(f"v{number}") for number in range(TAGS)), at=START))
    logs.configure("json", "INFO")
    one = process(tmp_path, database, MINIMAL_CONFIG)
    one.start()
    yield one
    one.reloader.stop()


def process(folder: Path, database: Database, content: str) -> Reloading:
    file = folder / "swrhook.yaml"
    file.write_text(content)
    return Reloading(file, database)


@pytest.mark.on(*DATABASES)
def test_a_large_change_is_held_until_it_is_accepted_and_the_rest_comes_in(
    reloading: Reloading, tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    reloading.poll(NARROW + LATE)
    [merged] = reloading.used
    assert merged.options.late.total_seconds() == 300
    assert reloading.reloader.held() is not None
    assert reloading.metric_values()["swrhook_configuration_is_current"] == 0
    with database.read() as connection:
        [pending] = list_pending(connection, reloading.clock.time)
    assert pending.effect is not None
    assert (pending.effect["syncs"], pending.effect["lost"]) == (TAGS, TAGS)
    events = [line["event"] for line in json_lines(capsys.readouterr().out)]
    assert events.count("rules.held") == 1

    other = process(tmp_path, database, NARROW + LATE)  # starts while they are held
    started = other.start()
    assert [rule.name for rule in started.rules] == ["all"]
    assert started.fingerprints["rules"] == merged.fingerprints["rules"]
    with database.write() as connection:
        accept_rules(connection, pending.fingerprint, pending.version, "admin", START)
    for running in (reloading, other):
        running.poll()
        assert rules_fingerprint(running.used[-1].fingerprints) == pending.fingerprint
        assert running.reloader.held() is None
    other.reloader.stop()


@pytest.mark.on(*DATABASES)
def test_tags_that_were_only_discovered_count(tmp_path: Path, database: Database) -> None:
    names = [DiscoveredRepository(f"r{number}", ("v1",), 1, None) for number in range(TAGS)]
    with database.write() as connection:
        keep_repositories(connection, OrganizationRef("cn-north-4", "team-a"), names, START)
    one = process(tmp_path, database, MINIMAL_CONFIG)
    one.start()

    one.poll(NARROW)

    with database.read() as connection:
        [pending] = list_pending(connection, one.clock.time)
    assert pending.effect is not None
    assert (pending.effect["pushes"], pending.effect["lost"]) == (TAGS, TAGS)
    one.reloader.stop()


def rules_of(content: str) -> str:
    return read_candidate(content.encode(), {}).fingerprint


def accept(reloading: Reloading, content: str) -> None:
    with reloading.database.write() as connection:
        accept_rules(connection, rules_of(content), "", "admin", reloading.clock.time)
    reloading.poll(content)


def in_use(reloading: Reloading) -> str:
    return rules_fingerprint(reloading.used[-1].fingerprints)


def test_a_rollback_is_quick_but_formerly_used_rules_are_judged_again(
    reloading: Reloading,
) -> None:
    reloading.clock.advance(days=3)
    accept(reloading, NARROW)

    reloading.clock.advance(hours=23)  # since MINIMAL_CONFIG was in use
    reloading.poll(MINIMAL_CONFIG)
    rolled_back = in_use(reloading)
    reloading.poll(NARROW)
    accepted_before = in_use(reloading)
    reloading.clock.advance(hours=25)
    reloading.poll(MINIMAL_CONFIG)

    assert rolled_back == rules_of(MINIMAL_CONFIG)
    assert accepted_before == in_use(reloading) == rules_of(NARROW)
    assert reloading.reloader.held() is not None
    with reloading.database.read() as connection:
        [pending] = list_pending(connection, reloading.clock.time)
    assert pending.effect is not None
    assert pending.effect["gained"] == TAGS


@pytest.mark.on(*DATABASES)
def test_what_a_process_that_died_was_judging_is_judged_by_another(
    reloading: Reloading, database: Database
) -> None:
    with database.write() as connection:
        assert begin_judging(connection, rules_of(SMALL_CHANGE), "", reloading.clock.time)

    reloading.clock.advance(LEASE.total_seconds() - 2)
    reloading.poll(SMALL_CHANGE)
    while_leased = list(reloading.used)
    reloading.clock.advance(2)
    reloading.poll()

    assert while_leased == []
    assert in_use(reloading) == rules_of(SMALL_CHANGE)


def test_it_is_also_judged_after_the_clock_was_set_back(
    reloading: Reloading, database: Database
) -> None:
    ahead = reloading.clock.time + 2 * LEASE
    with database.write() as connection:
        assert begin_judging(connection, rules_of(SMALL_CHANGE), "", ahead)

    reloading.poll(SMALL_CHANGE)

    assert in_use(reloading) == rules_of(SMALL_CHANGE)


@pytest.mark.parametrize(("seconds", "verdict"), [(0.001, "held"), (60, "used")])
def test_a_comparison_that_takes_too_long_counts_as_a_large_effect(
    reloading: Reloading, seconds: float, verdict: str
) -> None:
    reloading.reloader.guard = replace(reloading.guard, small=0, timeout=seconds)

    reloading.poll(SMALL_CHANGE)

    rows = {row["fingerprint"]: row for row in everything(reloading.database, rule_sets)}
    judged = rows[rules_of(SMALL_CHANGE)]
    assert (judged["verdict"], judged["effect"] is None) == (verdict, verdict == "held")


def test_a_change_that_the_old_rules_do_not_fit_is_held_whole(reloading: Reloading) -> None:
    elsewhere = NARROW.replace("cn-east-3", "ap-southeast-1") + LATE

    reloading.poll(elsewhere)

    assert reloading.used == []
    reloading.poll(MINIMAL_CONFIG)  # the edit is undone
    assert reloading.reloader.held() is None
    assert reloading.metric_values()["swrhook_configuration_is_current"] == 1


def test_off_and_a_small_change_come_in_at_once(reloading: Reloading) -> None:
    reloading.poll(SMALL_CHANGE)
    reloading.poll(NARROW + "settings: {reload_guard: off}\n")

    assert [config.options.reload_guard is None for config in reloading.used] == [False, True]
    assert [row["verdict"] for row in everything(reloading.database, rule_sets)] == ["used", "used"]


def test_without_rules_in_the_ledger_a_held_file_is_used(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    write(database, entry(*(push(f"v{number}") for number in range(TAGS)), at=START))
    secret = '"${TOKEN}"', "a-literal-secret-in-the-file"
    first = process(tmp_path, database, MINIMAL_CONFIG.replace(*secret))
    first.start()
    first.poll(NARROW.replace(*secret))
    assert first.used == []
    first.reloader.stop()

    second = process(tmp_path, database, NARROW.replace(*secret))
    logs.configure("json", "INFO")
    started = second.start()

    assert [rule.name for rule in started.rules] == ["all"]
    assert second.reloader.held() is None
    assert '"rules.unguarded"' in capsys.readouterr().out
    second.reloader.stop()


def test_a_file_that_is_accepted_before_its_rollout_has_the_same_fingerprint(
    reloading: Reloading, database: Database
) -> None:
    candidate = read_candidate(NARROW.encode(), {})
    with database.write() as connection:
        accept_rules(connection, candidate.fingerprint, "", "admin", START)

    reloading.poll(NARROW)

    assert rules_fingerprint(reloading.used[-1].fingerprints) == candidate.fingerprint
