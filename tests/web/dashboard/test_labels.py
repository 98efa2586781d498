"""Every state that a page shows with a sign is a word that can be translated."""

from collections.abc import Mapping

import pytest

from swrhook.web.dashboard import labels
from swrhook.web.dashboard.labels import WORDS, Label


@pytest.mark.parametrize(
    "states",
    [
        labels.STATES,
        labels.DRIFTS,
        labels.OUTCOMES,
        labels.STAGES,
        labels.FINDINGS,
        labels.NOTIFICATIONS,
    ],
)
def test_a_state_can_be_translated(states: Mapping[str, Label]) -> None:
    assert [state for state in states if state not in WORDS] == []
