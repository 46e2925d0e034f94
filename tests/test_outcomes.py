"""Outcome rates against R, statsmodels and published figures, by hand, and by identities."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from surveys import ROOT

import motivlab as ml
from motivlab import pooled
from motivlab.estimate import adjust
from motivlab.gate import judged
from motivlab.intervals import korn_graubard
from motivlab.outcomes import COLUMNS, FUNNEL_COLUMNS, TESTS, Outcomes, outcomes
from motivlab.pooled import funnel_limits, funnel_p, heterogeneity, newcombe, partial_pooling, wilson
from motivlab.programme import Definition, Programme
from motivlab.thresholds import PROFILES

REFERENCE = ROOT / "tests" / "reference"
GROUPS = pd.read_csv(REFERENCE / "outcomes_groups.csv")
EXPECTED = pd.read_csv(REFERENCE / "expected_values.csv")


def reference(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"outcomes_{name}_expected.csv")


def of_set(name: str) -> tuple[np.ndarray, np.ndarray]:
    rows = GROUPS[GROUPS["set"] == name]
    return rows["k"].to_numpy(), rows["n"].to_numpy()


WORK = {"work": Definition(choices=("job", "course")), "job": Definition(choices=("job",))}


def register(frame: pd.DataFrame, **declared: Any) -> ml.Survey:
    """A survey of a programme: columns ``job`` and ``course`` (NaN: unknown), perhaps ``exited`` and ``completed``."""
    left = frame.get("exited", pd.Series(1, index=frame.index)).astype(bool)
    through = frame.get("completed", left).astype(bool)
    day = {"entered": "2021-01-04", "left": "2021-06-30", "finished": "2021-06-30"}
    dates = {name: pd.Series(pd.Timestamp(date), index=frame.index) for name, date in day.items()}
    job, course = frame["job"], frame.get("course", frame["job"] * 0)
    none = (job + course == 0).astype("Int8").where(job.notna())
    data = frame.drop(columns=[c for c in ("job", "course", "exited", "completed") if c in frame]).assign(
        entered=dates["entered"], left=dates["left"].where(left), finished=dates["finished"].where(through),
        **{"result/job": job, "result/course": course, "result/none": none},
    )  # fmt: skip
    programme = Programme(
        **{"entry": "entered", "exit": "left", "completion": "finished", "outcome": "result", "complete": True}
        | {"definitions": WORK} | declared
    )  # fmt: skip
    survey = ml.Survey.from_frame(data)
    return replace(survey, about=survey.about.model_copy(update={"programme": programme}))


def counted(**groups: tuple[int, int]) -> ml.Survey:
    """A register of groups ``name=(k, n)``, all of whom completed."""
    rows = [(level, int(i < k)) for level, (k, n) in groups.items() for i in range(n)]
    frame = pd.DataFrame(rows, columns=["group", "job"])
    return register(frame.assign(group=pd.Categorical(frame["group"], [*groups])))


def one(found: Outcomes, rate: str = "enrolled", by: str = "", level: str = "", definition: str = "work") -> pd.Series:
    frame = found.frame
    hit = (frame["rate"] == rate) & (frame["by"] == by) & (frame["level"] == level)
    (row,) = [row for _, row in frame[hit & (frame["definition"] == definition)].iterrows()]
    return row


# -------------------------------------------------------------------------------------- the figures that were published


@pytest.mark.parametrize("row", EXPECTED.to_dict("records"), ids=EXPECTED["label"])
def test_every_expected_value_comes_out(row: dict[str, Any]) -> None:
    found = one(outcomes(counted(g=(row["k"], row["n"])), "work"))
    assert (found["n"], found["k"]) == (row["n"], row["k"])
    assert found["estimate"] == pytest.approx(row["p"], abs=5.1e-7)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((row["wilson_low"], row["wilson_high"]), abs=5.1e-7)
    p, n = np.array([row["k"] / row["n"]]), np.array([float(row["n"])])
    low, high = (float(bound[0]) for bound in korn_graubard(p, np.sqrt(p * (1 - p) / n), n, n - 1))
    assert (low, high) == pytest.approx((row["cp_low"], row["cp_high"]), abs=5.1e-7)
    assert high - low == pytest.approx(row["cp_width"], abs=1.1e-6)
    # the gate: suppressed below 20, bracketed below 50
    shown = judged(pd.DataFrame({"n": n, "asked": n, "missing_share": 0.0}), PROFILES["standard"])["status"].iloc[0]
    assert {"shown": "show", "bracketed": "bracket", "suppressed": "suppress"}[shown] == row["n20_50_rule"]
    # Parker et al. (2017), NCHS Data Presentation Standards for Proportions: at least 30 respondents, and a
    # Clopper-Pearson interval no wider than 0.05, or narrower than 0.30 and than 130 % of the share
    width = high - low
    nchs = "suppress (n_eff<30)" if n[0] < 30 else ""
    nchs = nchs or ("show" if width <= 0.05 or (width < 0.30 and width <= 1.3 * p[0]) else "suppress")
    assert nchs == row["nchs_flag_unweighted"]


def test_the_expected_values_are_those_of_the_facts() -> None:
    facts = ROOT.parent / "shared" / "facts" / "expected_values.csv"
    if not facts.exists():
        pytest.skip("the facts, ../shared/facts, are not here")
    assert facts.read_bytes() == (REFERENCE / "expected_values.csv").read_bytes()


def test_the_stages_that_were_published() -> None:
    found = outcomes(counted(one=(27, 59), two=(33, 60), three=(34, 57)), "work", by="group")
    shares = [one(found, by="group", level=level)["estimate"] for level in ("one", "two", "three")]
    assert [round(share, 2) for share in shares] == [0.46, 0.55, 0.60]
    total = one(found)
    assert (total["k"], total["n"]) == (94, 176)  # and not 91
    assert found.tests["test"].unique().tolist() == ["chi2"]


def test_the_shipped_programme_has_the_published_counts() -> None:
    survey = ml.open_survey(ROOT / "data" / "programme_participants")
    assert survey.check().ok
    found = outcomes(survey, ["employment_or_education", "wide"], by=["region", "target_groups"])
    wide = one(found, definition="wide")
    assert (wide["k"], wide["n"], found.complete) == (1795, 3239, True)
    assert found.overlapping == ("target_groups",)
    stages = outcomes(
        survey, "employment_or_education", "stage", where="${region} = 'pieriga' and ${stage} != 'earlier'"
    )
    rows = stages.frame[(stages.frame["rate"] == "enrolled") & (stages.frame["n"] > 0) & (stages.frame["by"] != "")]
    assert rows[["k", "n"]].to_numpy().tolist() == [[27, 59], [33, 60], [34, 57]]
    assert stages.tests["left_out"].tolist() == [("earlier",)] * 3
    year = outcomes(survey, "employment_or_education", where="${region} = 'vidzeme' and ${entry_year} = '2021'")
    assert one(year, definition="employment_or_education")[["k", "n"]].tolist() == [73, 119]


# ------------------------------------------------------------------------------------------------------- against R


def test_intervals_are_those_of_prop_test() -> None:
    expected = reference("intervals")
    low, high = wilson(expected["k"], expected["n"])
    np.testing.assert_allclose(low, expected["wilson_low"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(high, expected["wilson_high"], rtol=0, atol=1e-12)
    other = proportion_confint(expected["k"], expected["n"], method="wilson")
    np.testing.assert_allclose((low, high), np.clip(other, 0, 1), atol=1e-12)


@pytest.mark.parametrize("row", reference("tests").to_dict("records"), ids=lambda row: row["set"])
def test_heterogeneity_is_that_of_chisq_test_and_fisher_test(row: dict[str, Any]) -> None:
    found = heterogeneity(*of_set(row["set"]))
    assert found.groups == row["df"] + 1
    if row["smallest"] >= 5:
        assert (found.test, found.df) == ("chi2", row["df"])
        assert (found.statistic, found.p) == pytest.approx((row["statistic"], row["p"]), rel=1e-10)
    else:
        assert found.test == "exact"
        assert np.isnan(found.statistic)
        assert found.p == pytest.approx(row["exact"], rel=1e-7)


@pytest.mark.parametrize(
    "row", reference("tests").dropna(subset="exact").to_dict("records"), ids=lambda row: row["set"]
)
def test_the_exact_test_and_its_simulation(row: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    k, n = (part.astype(float) for part in of_set(row["set"]))
    if pooled._tables(n, int(k.sum())) <= pooled.MOST_TABLES:
        assert pooled._freeman_halton(k, n) == ("exact", pytest.approx(row["exact"], rel=1e-6))
    monkeypatch.setattr(pooled, "MOST_TABLES", 0)
    test, p = pooled._freeman_halton(k, n)
    assert test == "simulated"
    assert p == pytest.approx(row["exact"], abs=4 * np.sqrt(row["exact"] * (1 - row["exact"]) / pooled.SAMPLES) + 3e-5)
    assert pooled._freeman_halton(k, n) == (test, p)  # the same tables each time


def test_the_number_of_tables() -> None:
    assert pooled._tables(np.array([2.0, 2.0, 1.0]), 2) == 5  # 2 0 0, 0 2 0, 1 1 0, 1 0 1, 0 1 1
    assert pooled._tables(np.full(400, 300.0), 60_000) == np.inf
    few = np.array([7.0, 5.0, 3.0, 3.0])
    every = np.convolve(np.convolve(np.ones(8), np.ones(6)), np.convolve(np.ones(4), np.ones(4)))
    assert [pooled._tables(few, total) for total in range(19)] == every.tolist()
    many = heterogeneity(np.repeat([5, 11], 20), np.full(40, 12))
    assert many.test == "simulated"
    assert many.p < 0.01


def test_a_rare_success_in_huge_groups_is_tested_exactly_and_alike_from_both_ends() -> None:
    k, n = np.array([1, 1, 1]), np.array([1_000_000, 1_000_000, 3])
    found, turned = heterogeneity(k, n), heterogeneity(n - k, n)
    # one of the three successes is among the three: of all other tables only those with two or three are rarer
    p = stats.hypergeom.sf(0, 2_000_003, 3, 3)
    assert (found.test, turned.test) == ("exact", "exact")
    assert (found.p, turned.p) == (pytest.approx(p, rel=1e-6), pytest.approx(p, rel=1e-6))


def test_differences_are_those_of_prop_test() -> None:
    expected = reference("differences")
    found = newcombe(*(expected[name] for name in ("k1", "n1", "k2", "n2")))
    for name in ("estimate", "low", "high"):
        np.testing.assert_allclose(getattr(found, name), expected[name], rtol=0, atol=1e-12)
    small = expected["smallest"] < 5
    assert (found.test == np.where(small, "exact", "chi2")).all()
    np.testing.assert_allclose(found.p, expected["exact"].where(small, expected["chi2"]), rtol=1e-7)
    for row, low, high in zip(expected.to_dict("records"), found.low, found.high, strict=True):
        counts = [row[name] for name in ("k1", "n1", "k2", "n2")]
        other = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
        assert (low, high) == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339), ((9, 10, 3, 10), 0.1705, 0.8090), ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926), ((0, 10, 0, 20), -0.1611, 0.2775), ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0), ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)  # fmt: skip
def test_newcombes_own_examples(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    # Newcombe (1998), table II, method 10
    found = newcombe(*counts)
    assert (float(found.low), float(found.high)) == pytest.approx((low, high), abs=5.1e-5)


def test_funnel_limits_are_those_of_qbinom() -> None:
    expected = reference("funnel")
    for (p0, level), rows in expected.groupby(["p0", "level"]):
        ((low, high),) = funnel_limits(rows["n"], p0, [level])
        np.testing.assert_allclose(low, rows["low"], rtol=0, atol=1e-10)
        np.testing.assert_allclose(high, rows["high"], rtol=0, atol=1e-10)
        np.testing.assert_allclose(funnel_p(rows["k"], rows["n"], p0), rows["p"], rtol=1e-10)


@pytest.mark.parametrize("name", ["providers", "small", "apart"])
def test_pooled_rates_are_those_of_optim(name: str) -> None:
    expected = reference("pooled")
    rows = expected[expected["set"] == name]
    found = partial_pooling(rows["k"], rows["n"])
    assert found.pooling == "partial"
    assert (found.alpha, found.beta) == pytest.approx((rows["alpha"].iloc[0], rows["beta"].iloc[0]), rel=1e-4)
    for column in ("mean", "low", "high"):
        np.testing.assert_allclose(getattr(found, column), rows[column], atol=2e-6)
    # scipy has the likelihood as well: higher than of one rate by as much as R says, and nowhere near is it higher
    at = stats.betabinom.logpmf(rows["k"], rows["n"], found.alpha, found.beta).sum()
    one_rate = stats.binom.logpmf(rows["k"], rows["n"], rows["k"].sum() / rows["n"].sum()).sum()
    assert at - one_rate == pytest.approx(rows["gain"].iloc[0], abs=1e-7)
    for a, b in ((1.01, 1), (0.99, 1), (1, 1.01), (1, 0.99), (1.01, 1.01), (0.99, 0.99)):
        assert stats.betabinom.logpmf(rows["k"], rows["n"], found.alpha * a, found.beta * b).sum() < at


@pytest.mark.parametrize("name", ["alike", "none", "everybody", "two"])
def test_groups_that_do_not_differ_are_pooled_completely(name: str) -> None:
    k, n = of_set(name)
    found = partial_pooling(k, n)
    assert (found.pooling, found.alpha, found.beta) == ("complete", np.inf, np.inf)
    low, high = wilson(k.sum(), n.sum())
    assert found.mean.tolist() == [k.sum() / n.sum()] * len(k)
    assert (found.low == low).all()
    assert (found.high == high).all()
    # no variance between groups is likelier than none
    for worth in (3.0, 30.0, 300.0) if 0 < k.sum() < n.sum() else ():
        p = k.sum() / n.sum()
        over = stats.betabinom.logpmf(k, n, p * worth, (1 - p) * worth).sum()
        assert over < stats.binom.logpmf(k, n, p).sum()


def test_groups_that_could_not_differ_more_keep_a_prior_of_one() -> None:
    found = partial_pooling([0, 10, 0, 10], [10, 10, 10, 10])
    assert found.alpha + found.beta == pytest.approx(1)
    assert 0 < found.low[0] < found.mean[0] < found.high[0] < 0.3


# ------------------------------------------------------------------------------------------------------- identities

some_counts = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), min_size=1, max_size=6).map(
    lambda parts: (np.array([k for k, _ in parts]), np.array([k + f for k, f in parts]))
)


@settings(deadline=None)
@given(some_counts)
def test_a_pooled_rate_is_between_its_own_and_the_centre(counts: tuple[np.ndarray, np.ndarray]) -> None:
    k, n = counts
    found = partial_pooling(k, n)
    held = n > 0
    assert np.isnan(found.mean[~held]).all()
    raw = k[held] / n[held]
    ends = np.sort(np.stack([raw, np.full_like(raw, found.centre)]), axis=0)
    assert (found.mean[held] >= ends[0] - 1e-12).all()
    assert (found.mean[held] <= ends[1] + 1e-12).all()
    assert (found.low[held] <= found.mean[held]).all()
    assert (found.mean[held] <= found.high[held]).all()
    mirrored = partial_pooling(n - k, n)
    np.testing.assert_allclose(mirrored.mean, 1 - found.mean, atol=1e-4)


@settings(deadline=None)
@given(some_counts)
def test_heterogeneity_does_not_depend_on_order_or_side(counts: tuple[np.ndarray, np.ndarray]) -> None:
    k, n = counts
    assume((n > 0).any())
    found = heterogeneity(k, n)
    assert found.n == n.sum()
    if found.test == "":
        assert found.groups < 2
        return
    assert 0 <= found.p <= 1
    for other in (heterogeneity(k[::-1], n[::-1]), heterogeneity(n - k, n)):
        assert other.test == found.test
        assert other.p == pytest.approx(found.p, rel=1e-6, abs=0.02 if found.test == "simulated" else 1e-12)
    if found.groups == 2:
        (k1, k2), (n1, n2) = k[n > 0], n[n > 0]
        assert float(newcombe(k1, n1, k2, n2).p) == pytest.approx(found.p, rel=1e-9)


@settings(deadline=None)
@given(st.integers(1, 300), st.floats(0.01, 0.99), st.sampled_from([0.9, 0.95, 0.998]))
def test_a_rate_is_outside_the_limits_where_its_p_says_so(n: int, p0: float, level: float) -> None:
    ((low,), (high,)) = funnel_limits([n], p0, [level])[0]
    k = np.arange(n + 1)
    p = funnel_p(k, n, p0)
    clear = np.abs(p - (1 - level)) > 1e-9
    outside = (k / n < low) | (k / n > high)
    assert (outside == (p <= 1 - level))[clear].all()
    chance = stats.binom.pmf(k, n, p0)
    for side in (k / n < low, k / n > high):
        assert chance[side].sum() <= (1 - level) / 2 + 1e-9
    # failures give the picture of successes, upside down
    np.testing.assert_allclose(funnel_limits([n], 1 - p0, [level])[0][::-1, 0], [1 - low, 1 - high], atol=1e-9)


people = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["in", "left", "through"]), st.sampled_from([0, 1, None])),
    min_size=2, max_size=40,
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(people)
def test_identities_of_the_rates(rows: list[tuple[str, str, int | None]]) -> None:
    frame = pd.DataFrame(rows, columns=["group", "state", "job"]).astype({"job": float})
    frame = frame.assign(
        group=pd.Categorical(frame["group"], list("abc")), exited=frame["state"] != "in",
        completed=frame["state"] == "through", job=frame["job"].where(frame["state"] != "in"),
    )  # fmt: skip
    found = outcomes(register(frame), "work", by="group")
    table = found.frame.set_index(["rate", "level"])
    for level in ("", "a", "b", "c"):
        enrolled, exited, completed = (table.loc[(rate, level)] for rate in ("enrolled", "exited", "completed"))
        for count in ("n", "k", "unknown"):
            assert completed[count] <= exited[count] <= enrolled[count]
        assert enrolled["k"] == exited["k"]
        assert enrolled["unknown"] - exited["unknown"] == enrolled["n"] - exited["n"]  # who has not left is unknown
    known = table[table["n"] > 0]
    assert (known["low_bound"] <= known["estimate"]).all()
    assert (known["estimate"] <= known["high_bound"]).all()
    assert (known["ci_low"] <= known["estimate"]).all()
    assert (known["estimate"] <= known["ci_high"]).all()
    assert (known["k"] + known["unknown"] <= known["n"]).all()
    assert table.loc[table["n"] == 0, "estimate"].isna().all()
    for rate in found.rates:
        parts, total = table.loc[rate].drop(index=""), table.loc[(rate, "")]
        assert (parts[["n", "k", "unknown"]].sum() == total[["n", "k", "unknown"]]).all()
        drawn = parts.dropna(subset="difference")
        # differences from the rest are weighted differences from the overall rate
        whole = total["k"] / total["n"] if total["n"] else np.nan
        weighted = drawn["difference"] * (1 - drawn["n"] / total["n"])
        np.testing.assert_allclose(weighted.astype(float), (drawn["estimate"] - whole).astype(float), atol=1e-12)


# --------------------------------------------------------------------------------------------------- rates by hand

PEOPLE = pd.DataFrame(
    [  # group, help/a, help/b, exited, completed, job, course
        ("x", 1, 1, 1, 1, 1, 0), ("x", 1, 0, 1, 1, 0, 1), ("x", 0, 1, 1, 0, 0, 0), ("x", 0, 0, 0, 0, None, None),
        ("y", 1, 0, 1, 1, None, None), ("y", 0, 0, 1, 1, 0, 0), ("y", 0, 1, 1, 0, 1, 1), (None, 1, 1, 1, 0, 0, 0),
    ],
    columns=["group", "help/a", "help/b", "exited", "completed", "job", "course"],
)  # fmt: skip


def test_rates_by_hand() -> None:
    found = outcomes(register(PEOPLE), ["work", "job"], by="group")
    assert tuple(found.frame) == COLUMNS
    assert tuple(found.tests) == TESTS
    assert tuple(found.funnel) == FUNNEL_COLUMNS
    counts = found.frame.set_index(["definition", "rate", "level"])[["n", "k", "unknown"]]
    assert counts.loc[("work", "enrolled", "")].tolist() == [8, 3, 2]
    assert counts.loc[("work", "exited", "")].tolist() == [7, 3, 1]
    assert counts.loc[("work", "completed", "")].tolist() == [4, 2, 1]
    assert counts.loc[("job", "enrolled", "")].tolist() == [8, 2, 2]
    assert counts.loc[("work", "enrolled", "x")].tolist() == [4, 2, 1]
    assert counts.loc[("work", "completed", "y")].tolist() == [2, 0, 1]
    total = one(found)
    assert total[["estimate", "low_bound", "high_bound"]].tolist() == [3 / 8, 3 / 8, 5 / 8]
    assert found.left_out == {"group": 1}
    assert found.definitions == ("work", "job")
    assert found.rates == ("enrolled", "exited", "completed")
    assert found.breakdowns == ("group",)
    assert found.to("lv").language == "lv"
    assert found.to("lv").frame is found.frame


def test_overlapping_groups_are_compared_with_everybody_not_in_them() -> None:
    found = outcomes(register(PEOPLE), "work", by=["help", "group"])
    rows = found.frame[(found.frame["rate"] == "enrolled") & (found.frame["by"] == "help")].set_index("level")
    assert rows[["n", "k"]].to_numpy().tolist() == [[4, 2], [4, 2]]
    assert rows["difference"].tolist() == [2 / 4 - 1 / 4, 2 / 4 - 1 / 4]
    expected = newcombe([2, 2], [4, 4], [1, 1], [4, 4])
    assert rows["difference_low"].tolist() == expected.low.tolist()
    assert rows["p_adjusted"].tolist() == adjust(pd.Series(expected.p), "holm").tolist()
    assert rows["pooled"].isna().all()
    tests = found.tests[found.tests["rate"] == "enrolled"].set_index("by")
    assert tests.loc["help", ["test", "n", "reason"]].tolist() == ["", 8, "overlapping"]
    assert tests.loc["group", "reason"] == ""
    assert set(found.funnel["by"]) == set(found.pooling["by"]) == {"group"}
    assert found.overlapping == ("help",)
    crossed = outcomes(register(PEOPLE), "work", by=[("group", "help")])
    assert crossed.left_out == {"group × help": 1}
    level = one(crossed, by="group × help", level="x × a")
    assert (level["k"], level["n"], level["difference"]) == (2, 2, 1 - 1 / 5)


def test_differences_from_the_rest_or_from_a_reference() -> None:
    survey = counted(one=(27, 59), two=(33, 60), three=(34, 57))
    rest = one(outcomes(survey, "work", by="group"), by="group", level="three")
    expected = newcombe(34, 57, 60, 119)
    assert rest[["difference", "difference_low", "difference_high", "p", "test"]].tolist() == [
        float(expected.estimate), float(expected.low), float(expected.high), float(expected.p), "chi2",
    ]  # fmt: skip
    for chosen in ("one", {"group": "one"}):
        found = outcomes(survey, "work", by="group", reference=chosen)
        assert found.reference == {"group": "one"}
        rows = found.frame[(found.frame["rate"] == "enrolled") & (found.frame["by"] == "group")].set_index("level")
        assert rows.loc["one", ["difference", "p", "p_adjusted"]].isna().all()
        assert rows.loc["one", "test"] == ""
        assert rows.loc["two", "difference"] == pytest.approx(33 / 60 - 27 / 59)
        p = newcombe([33, 34], [60, 57], 27, 59).p
        assert rows["p"].tolist()[1:] == p.tolist()
        assert rows["p_adjusted"].tolist()[1:] == adjust(pd.Series(p), "holm").tolist()


@pytest.mark.parametrize("correction", ["holm", "bh", "none"])
def test_p_values_are_adjusted_inside_a_breakdown_and_rate(correction: Any) -> None:
    k, n = of_set("providers")
    groups = {f"p{i}": (a, b) for i, (a, b) in enumerate(zip(k, n, strict=True))}
    found = outcomes(counted(**groups), "work", by="group", correction=correction)
    rows = found.frame[found.frame["by"] == "group"]
    for _, part in rows.groupby("rate"):
        assert part["p_adjusted"].tolist() == adjust(part["p"], correction).tolist()
    assert found.funnel["p_adjusted"].tolist() == adjust(found.funnel["p"], correction).tolist()


def test_of_two_groups_there_is_one_test() -> None:
    found = outcomes(counted(a=(10, 40), b=(20, 40), c=(0, 0)), "work", by="group")
    rows = found.frame[(found.frame["rate"] == "enrolled") & (found.frame["by"] == "group")].set_index("level")
    assert rows.loc["a", "p"] == pytest.approx(rows.loc["b", "p"])
    assert rows.loc["a", "p_adjusted"] == rows.loc["a", "p"]
    assert rows.loc["a", "difference_low"] == pytest.approx(-rows.loc["b", "difference_high"])
    assert found.tests["p"].iloc[0] == pytest.approx(rows.loc["a", "p"])
    assert found.tests["left_out"].iloc[0] == ("c",)
    assert rows.loc["c", ["n", "k"]].tolist() == [0, 0]
    assert rows.loc["c", ["estimate", "ci_low", "high_bound", "pooled", "difference", "p"]].isna().all()


def test_one_group_has_no_test_and_says_so() -> None:
    found = outcomes(counted(a=(10, 40)), "work", by="group")
    assert found.tests[["test", "reason", "n"]].to_numpy().tolist() == [["", "one_group", 40]] * 3
    row = one(found, by="group", level="a")
    assert row["estimate"] == 0.25
    assert row[["difference", "p", "p_adjusted"]].isna().all()
    assert row["pooled"] == 0.25
    assert found.pooling["pooling"].unique().tolist() == ["complete"]


@pytest.mark.parametrize("share", [0, 1])
def test_nobody_and_everybody(share: int) -> None:
    found = outcomes(counted(a=(share * 12, 12), b=(share * 30, 30)), "work", by="group")
    rows = found.frame
    assert (rows["estimate"] == share).all()
    assert (rows["ci_low" if share == 0 else "ci_high"] == share).all()
    assert (rows["ci_high"] - rows["ci_low"] > 0.05).all()
    assert found.tests[["test", "p"]].to_numpy().tolist() == [["exact", 1.0]] * 3
    differences = rows[rows["by"] == "group"]
    assert (differences["difference"] == 0).all()
    assert (differences["difference_low"] < 0).all()
    assert (differences["p"] == 1).all()
    assert (found.funnel[["low_95", "high_998", "centre"]] == share).all(axis=None)
    assert (found.funnel["flag"] == "").all()


def test_the_funnel_flags_what_is_outside() -> None:
    k, n = of_set("providers")
    groups = {f"p{i}": (a, b) for i, (a, b) in enumerate(zip(k, n, strict=True), start=1)}
    funnel = outcomes(counted(**groups), "work", by="group").funnel.set_index("level")
    assert (funnel["centre"] == k.sum() / n.sum()).all()
    for row in funnel.itertuples():
        outside = "very_" if row.p <= 0.002 else "" if row.p <= 0.05 else None
        side = "high" if row.estimate > row.centre else "low"
        assert row.flag == ("" if outside is None else f"{outside}{side}")
    assert set(funnel["flag"]) == {"", "low", "high"}
    assert (funnel["p_adjusted"] >= funnel["p"]).all()


def test_where_and_confidence() -> None:
    survey = register(PEOPLE.fillna({"group": "y"}))
    found = outcomes(survey, "work", where="${group} = 'x'", confidence=0.9)
    assert one(found)[["n", "k"]].tolist() == [4, 2]
    assert (one(found)["ci_low"], one(found)["ci_high"]) == pytest.approx(proportion_confint(2, 4, 0.1, "wilson"))
    assert found.where == "${group} = 'x'"
    wide, narrow = (one(outcomes(survey, "work", confidence=c)) for c in (0.99, 0.8))
    assert wide["ci_low"] < narrow["ci_low"] < narrow["ci_high"] < wide["ci_high"]


def test_the_comparison_group_is_in_no_rate() -> None:
    survey = register(PEOPLE.fillna({"group": "y"}), comparison="${group} = 'y'")
    found = outcomes(survey, "work", by="group")
    assert one(found)["n"] == 4
    assert one(found, by="group", level="y")["n"] == 0
    with pytest.raises(ValueError, match="nobody who enrolled is left, only the comparison group"):
        outcomes(survey, "work", where="${group} = 'y'")


def test_without_a_completion_date_there_is_no_rate_of_completed() -> None:
    found = outcomes(register(PEOPLE, completion="", complete=False), "work", by="help")
    assert found.rates == ("enrolled", "exited")
    assert set(found.frame["rate"]) == {"enrolled", "exited"}
    assert not found.complete
    assert found.funnel.empty


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"definition": "wrk"}, "there is no definition 'wrk'; did you mean 'work'? Known: work, job."),
        ({"definition": ""}, "definition='': name each way to count success once, of work, job."),
        ({"definition": []}, "definition=[]: name each way"),
        ({"definition": ["job", "job"]}, "definition=['job', 'job']: name each way to count success once"),
        ({"by": "grp"}, "there is no question 'grp'; did you mean 'group'?"),
        ({"by": ["group", ("group",)]}, "'group' is there twice. Name each breakdown once."),
        ({"by": "entered"}, "by='entered': it is a date question."),
        ({"where": "${group} = 'z'"}, "'z' is no choice of 'group'"),
        ({"confidence": 95}, "confidence is 95. Use a number between 0 and 1"),
        ({"correction": "bonferroni"}, "correction is 'bonferroni'. Use one of holm, bh, none."),
        ({"reference": "x"}, "reference='x' with 0 breakdowns. Name one in by=, or give a mapping"),
        ({"by": ["group", "help"], "reference": "x"}, "reference='x' with 2 breakdowns."),
        ({"by": "group", "reference": "z"}, "reference='z': no such group in 'group'. Known: x, y."),
        ({"by": "group", "reference": {"grup": "x"}}, "reference: no breakdown 'grup'; did you mean 'group'?"),
        ({"by": "help", "reference": "a"}, "reference='a': the groups of 'help' overlap, so that no two of them can"),
    ],
)  # fmt: skip
def test_errors_name_the_value_and_the_remedy(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        outcomes(register(PEOPLE), **({"definition": "work"} | more))


@pytest.mark.parametrize(
    ("compute", "said"),
    [
        (lambda: wilson(5, 3), "k = 5 of n = 3: counts are whole numbers, and k is between 0 and n."),
        (lambda: wilson(-1, 3), "k = -1 of n = 3"),
        (lambda: heterogeneity([1, 1.5], [3, 3]), "k = 1.5 of n = 3"),
        (lambda: newcombe(1, 2, np.nan, 3), "k = nan of n = 3"),
        (lambda: partial_pooling([4], [2]), "k = 4 of n = 2"),
        (lambda: funnel_limits([10], 1.2), "p0 is 1.2. It is the rate of all groups together"),
        (lambda: funnel_limits([10], 0.5, [95]), "levels has 95. Give numbers between 0 and 1"),
    ],
)
def test_counts_that_are_none(compute: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        compute()


def test_empty_groups_have_nothing() -> None:
    assert heterogeneity([0, 0], [0, 0]).test == ""
    assert np.isnan(partial_pooling([0, 0], [0, 0]).mean).all()
    assert np.isnan(wilson(0, 0)).all()
    assert np.isnan(funnel_limits([0], 0.5)).all()
    assert np.isnan(funnel_p(0, 0, 0.5))
    found = newcombe([0, 3], [0, 5], [1, 0], [4, 0])
    assert np.isnan(found.p).all()
    assert found.test.tolist() == ["", ""]
