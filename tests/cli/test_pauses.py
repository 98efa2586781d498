import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    "options",
    [
        ["resume"],
        ["resume", "--region", "cn-east-3", "--rule", "all"],
        ["pause", "--until", "1h"],
        ["pause", "--rule", "all", "--sender", "ci"],
    ],
)
def test_what_is_paused_is_named_once(run: Run, options: list[str]) -> None:
    result = run(*options)

    assert result.exit_code == 2
    assert result.stderr.endswith("Error: give one of --region, --rule and --sender\n")
