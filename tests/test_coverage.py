"""The benchmark of the intervals' coverage: that what is kept is whole, agrees with itself and with exact numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks import coverage
from scipy import stats

KEPT = coverage.HERE / "coverage.csv"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """The numbers that were simulated once and are kept."""
    return pd.read_csv(KEPT)


def error(share: pd.Series, replications: int) -> pd.Series:
    """The Monte-Carlo standard error of a simulated share; never 0."""
    inside = share.clip(1 / replications, 1 - 1 / replications)
    return np.sqrt(inside * (1 - inside) / replications)


def test_every_cell_is_there_once_and_adds_up(frame: pd.DataFrame) -> None:
    wanted = [(*cell, interval) for cell in coverage.cells() for interval in coverage.INTERVALS]
    assert list(frame[["design", "n", "p", "interval"]].itertuples(index=False, name=None)) == wanted
    assert (frame["replications"] == coverage.REPLICATIONS).all()
    assert frame.notna().all().all()
    parts = frame[["coverage", "missed_below", "missed_above", "no_interval"]]
    np.testing.assert_allclose(parts.sum(axis=1), 1, atol=1e-9)
    assert (frame["missed_at_0_or_1"] <= frame["missed_below"] + frame["missed_above"]).all()


def test_figure_and_page_are_what_the_numbers_give(frame: pd.DataFrame, tmp_path: Path) -> None:
    coverage.write(frame, tmp_path)
    for name in ("coverage.svg", "coverage.md"):
        assert (tmp_path / name).read_bytes() == (coverage.HERE / name).read_bytes(), f"{name}: run coverage.py --draw"


@pytest.mark.parametrize("interval", list(coverage.INTERVALS))
def test_the_docstrings_say_what_the_numbers_say(frame: pd.DataFrame, interval: str) -> None:
    said = " ".join((coverage.INTERVALS[interval].__doc__ or "").split())
    assert f"{coverage.statements(frame)[interval]} See tests/benchmarks/coverage.md." in said


def test_what_the_statements_call_failing_fails(frame: pd.DataFrame) -> None:
    # the words of coverage.statements are fixed, the numbers in them are not: here is what the words rest on
    value = frame.set_index(["design", "n", "p", "interval"]).sort_index()["coverage"]
    beta, wilson, logit = (value.xs(interval, level="interval") for interval in coverage.INTERVALS)
    band = coverage.band(coverage.REPLICATIONS)
    even = beta.loc[["equal", "equal_clusters"]]
    assert even.min() > 0.95 - band
    small = even.index.get_level_values("p") <= 0.02
    assert even[small].mean() > even[~small].mean()
    uneven = beta.drop(["equal", "equal_clusters"])
    short = uneven[uneven < coverage.SHORT]
    assert not short.empty
    expected = short.index.get_level_values("n") * short.index.get_level_values("p")
    assert expected.max() <= coverage.ENOUGH  # few have the answer, ...
    assert (
        uneven[uneven.index.get_level_values("n") * uneven.index.get_level_values("p") < expected.min()].min() > 0.945
    )
    missed = frame[frame["interval"] == "korn-graubard"].set_index(["design", "n", "p"]).loc[short.index]
    assert (missed["missed_below"] > 3 * missed["missed_above"]).all()  # ... the interval ends too early, ...
    assert (missed["missed_at_0_or_1"] < missed["missed_below"] / 3).all()  # ... and mostly not at an estimate of 0
    common = wilson.loc["equal_clusters"]
    common = common[common.index.get_level_values("p") >= 0.2]
    assert common.loc[50].max() < 0.91
    assert common.loc[2000].min() > 0.945
    for designs in (["equal"], ["unequal", "related"], ["equal_clusters", "unequal_clusters"]):
        lowest = wilson.loc[designs].idxmin()
        assert wilson[lowest] < 0.95 - 10 * band
        assert lowest[2] <= 0.1  # a small share
    absent = frame.loc[frame["no_interval"].idxmax()]
    assert logit.idxmin() == (absent["design"], absent["n"], absent["p"])


def test_without_weights_and_clusters_coverage_is_the_exact_one(frame: pd.DataFrame) -> None:
    # the sum of binomial probabilities over the counts whose interval covers: no simulation in it
    for row in frame[frame["design"] == "equal"].itertuples():
        share = np.arange(row.n + 1) / row.n
        se, size = np.sqrt(share * (1 - share) / (row.n - 1)), np.full(row.n + 1, float(row.n))
        low, high = coverage.INTERVALS[row.interval](share, se, size, size - 1)
        chance = stats.binom.pmf(np.arange(row.n + 1), row.n, row.p)
        exact = pd.Series([chance[(low <= row.p) & (row.p <= high)].sum()])
        assert abs(row.coverage - exact[0]) < 4.5 * error(exact, row.replications)[0], row


@pytest.mark.parametrize("of", [("unequal_clusters", 100, 0.1), ("related", 200, 0.02)])
def test_a_cell_simulated_again_comes_near(frame: pd.DataFrame, of: tuple[str, int, float]) -> None:
    kept = frame.set_index(["design", "n", "p"]).sort_index().loc[of].set_index("interval")
    coverage.cell("equal", 50, 0.5, replications=10)  # what was simulated before does not matter
    again = coverage.cell(*of, replications=2000).set_index("interval")
    for column in ("coverage", "missed_below", "missed_above", "no_interval"):
        assert ((again[column] - kept[column]).abs() < 4 * error(kept[column], 2000)).all(), column
    np.testing.assert_allclose(again["mean_width"], kept["mean_width"], rtol=0.03)
    pd.testing.assert_frame_equal(again, coverage.cell(*of, replications=2000).set_index("interval"))


def test_it_estimates_as_motivlab_does_and_notices_when_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    coverage.compare_with_motivlab()
    right = coverage.estimate

    def wrong(samples: coverage.Samples) -> tuple[coverage.Floats, ...]:
        share, se, n, df = right(samples)
        return share, se + 1e-9, n, df

    monkeypatch.setattr(coverage, "estimate", wrong)
    with pytest.raises(ValueError, match=r"sample 0 of equal, .* here and .* by motivlab\.prevalence"):
        coverage.compare_with_motivlab()


def test_it_notices_a_size_as_if_weights_were_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    def everybody(samples: coverage.Samples) -> coverage.Floats:
        return np.full(len(samples.weight), float(samples.weight.shape[1]))

    monkeypatch.setattr(coverage.Samples, "effective", property(everybody))
    # with equal weights it is the right one
    with pytest.raises(ValueError, match=r"of unequal, n = 50, .* korn-graubard: \[0\.0, 0\.0, "):
        coverage.compare_with_motivlab()


def test_the_size_is_the_effective_one() -> None:
    weight = np.tile([1.0, 1.0, 1.0, 3.0], (3, 1))
    answer = np.array([[0.0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]])
    samples = coverage.Samples(weight, answer, clustered=False)
    share, se, n, df = coverage.estimate(samples)
    np.testing.assert_allclose(share, [0, 1 / 6, 1])
    np.testing.assert_allclose(samples.effective, 3)  # 6^2 / 12
    assert se[0] == se[2] == 0 < se[1]
    assert (n == 4).all()
    assert (df == 3).all()


@pytest.mark.parametrize("plan", list(coverage.PLANS))
@pytest.mark.parametrize("p", [0.02, 0.35])
def test_the_samples_have_the_share_they_should(plan: str, p: float) -> None:
    samples = coverage.sample(coverage.cell_generator(plan, 1000, p), coverage.PLANS[plan], 1000, p, 400)
    share, se, *_ = coverage.estimate(samples)
    # 400 samples of 1000; the ratio's bias is of the order of 1/n
    assert abs(share.mean() - p) < 4 * share.std() / 20 + p / 1000
    assert se.mean() == pytest.approx(share.std(), rel=0.15)
