"""What-if: the syncs that other rules would gain, lose or redirect for the recorded pushes."""

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
from swrhook.rules.glob import Glob
from swrhook.rules.match import Rule, RuleTarget
from swrhook.rules.namespaces import Namespaces
from swrhook.rules.plan import PlanChange, diff_plans, plan
from swrhook.rules.rulebook import Rulebook
from swrhook.senders.sender import ImageSettings, Origin
from swrhook.usecases import whatif as module
from swrhook.usecases.whatif import Example, RuleChanges, WhatIf, read_basis
from tests.factories import NOW, entry, write
from tests.rules.strategies import rulebooks
from tests.usecases.explain.scene import configuration

EAST = RuleTarget("cn-east-3", "team")
DAY = timedelta(days=1)
ORIGINS = {"ci": Origin("ci", "cn-north-4"), "harbor": Origin("harbor", "cn-north-4")}


def rule(name: str, *targets: RuleTarget, tag: str = "**") -> Rule:
    return Rule(name, {"tag": [Glob(tag)]}, {}, targets or [EAST])


def in_use(*rules: Rule) -> Config:
    base = configuration()
    image = ImageSettings()
    senders = {name: replace(sender, image=image) for name, sender in base.senders.items()}
    return replace(base, rules=Rulebook(rules), senders=senders)


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
    return module.compare(candidate, read_basis(present, database, NOW - since))


def counts(result: WhatIf) -> tuple[int, int, int, int, int]:
    return result.pushes, result.unchanged, result.gained, result.lost, result.redirected


def test_gained_lost_and_redirected_syncs_are_counted_by_rule(database: Database) -> None:
    came(database, "same", "gain", "lose", "turn", "none")
    present = in_use(rule("now", tag="same"), rule("old", tag="lose"), rule("moves", tag="turn"))

    result = compare(
        database,
        present,
        rule("renamed", tag="same"),
        rule("new", tag="gain"),
        rule("moves", replace(EAST, override=True), tag="turn"),
    )

    assert counts(result) == (5, 2, 1, 1, 1)
    assert [
        RuleChanges("moves", 0, 0, 1),
        RuleChanges("new", 1, 0, 0),
        RuleChanges("old", 0, 1, 0),
    ] == result.rules
    where = ("ci", "cn-east-3", "team")
    assert [
        Example("redirected", "team/web/shop:turn", *where, before=False, after=True, rule="moves"),
        Example("lost", "team/web/shop:lose", *where, before=False, after=None, rule="old"),
        Example("gained", "team/web/shop:gain", *where, before=None, after=False, rule="new"),
    ] == result.examples
    assert (True, present.version) == (result.complete, result.rules_version)


def test_repeated_pushes_count_once_and_older_ones_do_not_count(database: Database) -> None:
    came(database, "a", "a", "b")
    came(database, "old", ago=2 * DAY)

    assert counts(compare(database, in_use(), rule("new"))) == (2, 0, 2, 0, 0)
    assert compare(database, in_use(), since=3 * DAY).pushes == 3


def test_a_removed_sender_loses_its_syncs(database: Database) -> None:
    came(database, "a")

    result = compare(database, in_use(rule("all")), rule("all"), origins={})

    assert counts(result) == (1, 0, 0, 1, 0)


def test_a_sender_in_the_target_region_loses_its_syncs(database: Database) -> None:
    came(database, "a")

    result = compare(
        database, in_use(rule("all")), rule("all"), origins={"ci": Origin("ci", "cn-east-3")}
    )

    assert counts(result) == (1, 0, 0, 1, 0)


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
def test_changed_image_settings_of_a_sender_are_applied(
    database: Database, before: ImageSettings, after: ImageSettings, image: str
) -> None:
    came(database, "a")
    present = in_use()
    present = replace(present, senders={"ci": replace(present.senders["ci"], image=before)})

    origins = {"ci": Origin("ci", "cn-north-4", after)}
    [example] = compare(database, present, rule("new"), origins=origins).examples

    assert (example.change, example.image) == ("gained", image)


def test_images_that_the_new_settings_refuse_lose_their_syncs(database: Database) -> None:
    came(database, "a")
    origins = {"ci": Origin("ci", "cn-north-4", ImageSettings(strip_prefix="m/"))}

    result = compare(database, in_use(rule("all")), rule("all"), origins=origins)

    assert counts(result) == (1, 0, 0, 1, 0)


def test_a_push_outside_a_senders_organizations_counts_as_not_synced(database: Database) -> None:
    came(database, "v1")
    present = in_use(rule("now"))
    limited = {"ci": replace(ORIGINS["ci"], allow_namespaces=Namespaces((Glob("other"),)))}

    lost = compare(database, present, rule("now"), origins=limited)
    senders = {"ci": replace(present.senders["ci"], allow_namespaces=Namespaces((Glob("other"),)))}
    gained = compare(database, replace(present, senders=senders), rule("now"))

    assert (counts(lost), counts(gained)) == ((1, 0, 0, 1, 0), (1, 0, 1, 0, 0))


def test_too_many_pushes_make_the_result_incomplete_with_the_newest(database: Database) -> None:
    most = module.MAX_PUSHES
    tags = [f"v{number}" for number in range(most + 1)]
    pushes = [Push("ci", "cn-north-4", "team", "web/shop", tag) for tag in tags]
    write(database, entry(*pushes, outcome=Outcome.IGNORED, planned=[]))

    result = compare(database, in_use(), rule("new"))

    assert (result.complete, result.pushes, result.gained) == (False, most, most)
    assert len(result.examples) == module.MAX_EXAMPLES


def test_the_pages_of_pushes_are_complete(database: Database) -> None:
    pushes = [Push("ci", "cn-north-4", "team", "web/shop", f"v{n}") for n in range(2500)]
    write(database, entry(*pushes, outcome=Outcome.IGNORED, planned=[]))

    pages = list(iter_pushes(database, NOW - DAY))

    assert [len(page) for page in pages] == [1000, 1000, 500]
    assert set(pushes) == {push for page in pages for push in page}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rulebooks, rulebooks)
def test_the_result_is_the_difference_of_the_plans(
    recorded: Database, before: list[Rule], after: list[Rule]
) -> None:
    pushes = [push for page in iter_pushes(recorded, NOW - DAY) for push in page]
    plans = [
        (plan([push], Rulebook(before)).syncs, plan([push], Rulebook(after)).syncs)
        for push in pushes
    ]
    differences = [diff_plans(*pair) for pair in plans]
    changes = [difference.change for of_push in differences for difference in of_push]

    result = compare(recorded, in_use(*before), *after)

    expected = [changes.count(change) for change in PlanChange]
    assert [result.gained, result.lost, result.redirected] == expected
    assert result.unchanged == sum(not of_push for of_push in differences)


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
