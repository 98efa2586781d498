"""Whose syncs a pause holds back, and what it does to their deadlines."""

from swrhook.syncs.pauses import Pause, Paused, PauseKind, Pauses
from tests.factories import MINUTE, NOW
from tests.syncs.samples import sync


def test_a_sync_is_held_back_by_its_regions_its_rule_and_its_sender() -> None:
    pauses = [Pause(kind, "it", NOW, None, "ops", None) for kind in PauseKind]
    for pause, names in zip(
        pauses, [("it", "b", "c", "d"), ("a", "b", "it", "d"), ("a", "b", "c", "it")], strict=True
    ):
        assert Pauses({pause.paused: pause}).of_sync(*names) == pause
        assert Pauses({pause.paused: pause}).of_sync("a", "b", "c", "d") is None
    assert Pauses({pauses[0].paused: pauses[0]}).of_sync("a", "it", "c", "d") == pauses[0]


def test_deadlines_begin_anew_after_a_pause() -> None:
    waiting = sync(waiting_since=NOW, failing_since=NOW + 2 * MINUTE)
    ended_at = {Paused(PauseKind.RULE, waiting.rule): NOW + MINUTE}

    after = Pauses(ended_at=ended_at).restart_deadlines(waiting)

    assert (after.waiting_since, after.failing_since) == (NOW + MINUTE, NOW + 2 * MINUTE)
    assert after.verifying_since is None
