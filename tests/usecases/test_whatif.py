"""Other rules over the pushes that came: what is gained, lost, redirected, and what is not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from swrhook.config.candidate import Candidate
from swrhook.config.model import Config
from swrhook.ledger.database import Database
from swrhook.ledger.queries.deliveries import iter_pushes
from swrhook.model import Outcome, Push
from swrhook.rules import Glob, Rule, Rulebook, RuleTarget
from swrhook.rules.plan import PlanChange, diff_plans, plan
from swrhook.senders.sender import ImageSettings, Origin
from swrhook.usecases import whatif as module
from swrhook.usecases.whatif import Example, RuleChanges, WhatIf, whatif
from tests.ledger.parts import NOW, entry, write
from tests.rules.parts import rulebooks
from tests.usecases.explain.parts import configuration

EAST = RuleTarget("cn-east-3", "team")
DAY = timedelta(days=1)
ORIGINS = {"ci": Origin("ci", "cn-north-4"), "harbor": Origin("harbor", "cn-north-4")}


def rule(name: str, *targets: RuleTarget, tag: str = "**") -> Rule:
    return Rule(name, {"tag": [Glob(tag)]}, {}, targets or [EAST])


def in_use(*rules: Rule) -> Config:
    made = configuration()
    image = ImageSettings()
    senders = {name: replace(each, image=image) for name, each in made.senders.items()}
    return replace(made, rules=Rulebook(rules), senders=senders)


def came(database: Database, *tags: str, ago: timedelta = timedelta()) -> None:
    for tag in tags:
        push = Push("ci", "cn-north-4", "team", "web/shop", tag)
        write(
            database,
            entry(push, at=NOW - ago, outcome=Outcome.IGNORED, planned=[]),
        )


def compare(
    database: Database,
    present: Config,
    *rules: Rule,
    origins: Mapping[str, Origin] = ORIGINS,
    since: timedelta = DAY,
) -> WhatIf:
    candidate = Candidate(origins, Rulebook(rules))
    return whatif(candidate, present, database, NOW - since)


def counts(found: WhatIf) -> tuple[int, int, int, int, int]:
    return found.pushes, found.unchanged, found.gained, found.lost, found.redirected


def test_what_is_gained_lost_and_redirected_is_counted_by_rule(database: Database) -> None:
    came(database, "same", "gain", "lose", "turn", "none")
    present = in_use(rule("now", tag="same"), rule("old", tag="lose"), rule("moves", tag="turn"))

    found = compare(
        database,
        present,
        rule("renamed", tag="same"),
        rule("new", tag="gain"),
        rule("moves", replace(EAST, override=True), tag="turn"),
    )

    assert counts(found) == (5, 2, 1, 1, 1)
    assert [
        RuleChanges("moves", 0, 0, 1),
        RuleChanges("new", 1, 0, 0),
        RuleChanges("old", 0, 1, 0),
    ] == found.rules
    where = ("ci", "cn-east-3", "team")
    assert [
        Example("redirected", "team/web/shop:turn", *where, before=False, after=True, rule="moves"),
        Example("lost", "team/web/shop:lose", *where, before=False, after=None, rule="old"),
        Example("gained", "team/web/shop:gain", *where, before=None, after=False, rule="new"),
    ] == found.examples
    assert (True, present.version) == (found.complete, found.rules_version)


def test_a_tag_that_came_often_counts_once_and_old_ones_not(database: Database) -> None:
    came(database, "a", "a", "b")
    came(database, "old", ago=2 * DAY)

    assert counts(compare(database, in_use(), rule("new"))) == (2, 0, 2, 0, 0)
    assert compare(database, in_use(), since=3 * DAY).pushes == 3


def test_a_sender_that_goes_loses_its_syncs(database: Database) -> None:
    came(database, "a")

    found = compare(database, in_use(rule("all")), rule("all"), origins={})

    assert counts(found) == (1, 0, 0, 1, 0)


def test_a_source_in_the_target_region_has_nothing_to_synchronize(database: Database) -> None:
    came(database, "a")

    found = compare(
        database, in_use(rule("all")), rule("all"), origins={"ci": Origin("ci", "cn-east-3")}
    )

    assert counts(found) == (1, 0, 0, 1, 0)


@pytest.mark.parametrize(
    ("before", "after", "image"),
    [
        (ImageSettings(), ImageSettings(namespace="all"), "all/team/web/shop:a"),
        (ImageSettings(strip_prefix="m/"), ImageSettings(), "m/team/web/shop:a"),
        (ImageSettings(namespace="team"), ImageSettings(), "web/shop:a"),
        (
            ImageSettings(default_namespace="team"),
            ImageSettings(default_namespace="other"),
            "team/web/shop:a",
        ),
        (ImageSettings(namespace="since"), ImageSettings(), "team/web/shop:a"),
    ],
    ids=["namespace", "prefix", "without", "default", "from before"],
)
def test_other_names_of_a_sender_are_followed(
    database: Database, before: ImageSettings, after: ImageSettings, image: str
) -> None:
    came(database, "a")
    present = in_use()
    present = replace(present, senders={"ci": replace(present.senders["ci"], image=before)})

    origins = {"ci": Origin("ci", "cn-north-4", after)}
    [example] = compare(database, present, rule("new"), origins=origins).examples

    assert ("gained", image) == (example.change, example.image)


def test_names_that_a_sender_cannot_have_lose_their_syncs(database: Database) -> None:
    came(database, "a")
    origins = {"ci": Origin("ci", "cn-north-4", ImageSettings(strip_prefix="m/"))}

    found = compare(database, in_use(rule("all")), rule("all"), origins=origins)

    assert counts(found) == (1, 0, 0, 1, 0)


def test_of_very_many_the_newest_count_and_the_answer_says_so(database: Database) -> None:
    most = module.MOST_PUSHES
    tags = [f"v{number}" for number in range(most + 1)]
    pushes = [Push("ci", "cn-north-4", "team", "web/shop", tag) for tag in tags]
    write(database, entry(*pushes, outcome=Outcome.IGNORED, planned=[]))

    found = compare(database, in_use(), rule("new"))

    assert (False, most, most) == (found.complete, found.pushes, found.gained)
    assert len(found.examples) == module.MOST_EXAMPLES


def test_pages_follow_each_other_without_a_gap(database: Database) -> None:
    pushes = [Push("ci", "cn-north-4", "team", "web/shop", f"v{n}") for n in range(2500)]
    write(database, entry(*pushes, outcome=Outcome.IGNORED, planned=[]))

    pages = list(iter_pushes(database, NOW - DAY))

    assert [len(page) for page in pages] == [1000, 1000, 500]
    assert set(pushes) == {push for page in pages for push in page}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rulebooks, rulebooks)
def test_it_is_the_difference_of_the_plans(
    recorded: Database, before: list[Rule], after: list[Rule]
) -> None:
    pushes = [push for page in iter_pushes(recorded, NOW - DAY) for push in page]
    plans = [
        (plan([push], Rulebook(before)).syncs, plan([push], Rulebook(after)).syncs)
        for push in pushes
    ]
    differences = [diff_plans(*both) for both in plans]

    found = compare(recorded, in_use(*before), *after)

    expected = [
        sum(each.change is change for one in differences for each in one) for change in PlanChange
    ]
    assert [found.gained, found.lost, found.redirected] == expected
    assert found.unchanged == sum(not one for one in differences)


@pytest.fixture
def recorded(database: Database) -> Database:
    pushes = [
        Push("ci", "cn-north-4", namespace, repository, tag)
        for namespace in ("team-a", "library")
        for repository in ("web/shop", "tool")
        for tag in ("1.2.0", "latest")
    ]
    write(database, entry(*pushes, outcome=Outcome.IGNORED, planned=[]))
    return database
