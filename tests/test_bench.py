"""The benchmark of the rules runs, in small; the others share their parts with the tests."""

from pytest import CaptureFixture, MonkeyPatch

from bench import rules


def test_the_benchmark_of_the_rules_measures_each_kind(
    monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    for name, value in {"FEW": 2, "MANY": 4, "PUSHES": 4, "ROUNDS": 1}.items():
        monkeypatch.setattr(rules, name, value)

    rules.main()

    table = capsys.readouterr().out
    assert all(kind in table for kind in rules.KINDS)
