from click.testing import CliRunner

from swrhook.cli.demo import demo
from swrhook.demo.scene import EXPECTED


def test_the_demonstration_ends_with_all_syncs_verified() -> None:
    result = CliRunner().invoke(demo, ["--once"])

    assert result.exit_code == 0, result.output
    assert f"{EXPECTED} of {EXPECTED} syncs are verified." in result.output
    for answer in ("202 accepted", "200 duplicate", "200 ignored"):
        assert answer in result.output
