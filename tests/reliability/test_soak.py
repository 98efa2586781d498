from pathlib import Path

from tests.reliability.soak import ENDS, Soak


def test_every_tag_ends_right_in_a_storm_of_faults(tmp_path: Path) -> None:
    outcome = Soak(tmp_path, repositories=20, tags=10, share=0.2, seed=0, patience=120).run()

    assert outcome.wrong == []
    assert {*ENDS.values()} <= {*outcome.states} <= {*ENDS.values(), "superseded"}
    assert outcome.struck > 0
