"""The benchmarks that use the program's own modules run, in small; others start it as it is."""

import pytest

from bench import claims, rules


def test_the_benchmark_of_the_rules_measures_each_kind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FEW": 2, "MANY": 4, "PUSHES": 4, "ROUNDS": 1}.items():
        monkeypatch.setattr(rules, name, value)

    rules.main()

    table = capsys.readouterr().out
    assert all(kind in table for kind in rules.KINDS)


def test_the_benchmark_of_claims_measures_each_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "SIZES", (0, 20))
    monkeypatch.setattr(claims, "CLAIMS", 1)

    measurement = claims.measure()

    (plot,) = measurement.plots
    assert [size for size, _ in plot.lines["median"]] == [0, 20]
