"""Syncs without a delivery respect which organizations a sender may push to."""

from dataclasses import replace

import pytest

from swrhook.config.model import Config
from swrhook.errors import NothingUsable
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from swrhook.syncs.reconciliation import RepositoryRef
from swrhook.usecases.manual_syncs import plan_manual_syncs, plan_repository
from tests.usecases.explain.scene import configuration

IMAGE = ("team", "web", "1.0")


def limited_to(*patterns: str) -> Config:
    config = configuration()
    globs = tuple(Glob(pattern) for pattern in patterns)
    senders = {
        name: replace(sender, allow_namespaces=Namespaces(globs))
        for name, sender in config.senders.items()
    }
    return replace(config, senders=senders)


def test_a_repair_plans_only_what_a_sender_may_push() -> None:
    repository = RepositoryRef("cn-north-4", "team", "web")
    plans = [
        plan_repository(repository, {"1.0": "sha256:a"}, None, None, limited_to(pattern))
        for pattern in ("team*", "other")
    ]

    assert [[sync.push.image for sync in planned] for planned in plans] == [["team/web:1.0"], []]


def test_an_order_without_targets_needs_a_sender_that_may_push_the_image() -> None:
    assert len(plan_manual_syncs(IMAGE, "cn-north-4", None, limited_to("team"))) == 1
    with pytest.raises(NothingUsable, match="no sender may push to team: specify targets"):
        plan_manual_syncs(IMAGE, "cn-north-4", None, limited_to("other"))
