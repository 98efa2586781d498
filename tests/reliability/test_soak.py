from pathlib import Path

from tests.reliability.soak import ENDS, Soak


def test_every_tag_ends_in_the_right_state_under_faults_of_every_kind(tmp_path: Path) -> None:
    outcome = Soak(tmp_path, repositories=20, tags=10, share=0.2, seed=0, patience=120).run()

    assert outcome.wrong == []
    assert {*ENDS.values()} <= {*outcome.states} <= {*ENDS.values(), "superseded"}
    assert outcome.hits > 0
