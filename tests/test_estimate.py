"""Estimates against R's survey, published intervals, and identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surveys import ROOT

import motivlab as ml
from motivlab.design import design_arrays
from motivlab.estimate import COLUMNS
from motivlab.intervals import SHARES

REFERENCE = ROOT / "tests" / "reference"
BOUNDS = {"korn-graubard": ("beta_low", "beta_high"), "logit": ("logit_low", "logit_high")}


def expected(name: str) -> pd.DataFrame:
    """Values that reference.R wrote."""
    frame = pd.read_csv(REFERENCE / name, dtype={"by": "str", "level": "str"})
    return frame.fillna({"by": "", "level": ""})


def agree(survey: ml.Survey, question: str, by: Sequence[str], reference: pd.DataFrame, **more: Any) -> None:
    """Every number of every row that R has, to 1e-8 relative; R finds its logit interval by iteration, so 1e-6."""
    for interval, bounds in BOUNDS.items():
        frame = ml.prevalence(survey, question, by=by, interval=interval, **more).frame  # type: ignore[arg-type]
        both = reference.merge(frame, on=["item", "by", "level"], suffixes=("_r", ""), how="left", validate="1:1")
        inside = both["estimate_r"].between(0, 1, inclusive="neither")
        assert inside.any()
        for ours in ("n", "estimate", "se", "df"):
            np.testing.assert_allclose(both[ours], both[f"{ours}_r"], rtol=1e-8, atol=1e-12, err_msg=ours)
        np.testing.assert_allclose(both["deff"][inside], both["deff_r"][inside], rtol=1e-8)
        for ours, theirs in zip(("ci_low", "ci_high"), bounds, strict=True):
            limit = 1e-8 if interval == "korn-graubard" else 1e-6
            np.testing.assert_allclose(both[ours][inside], both[theirs][inside], rtol=limit, err_msg=interval)


def api(name: str, **design: str) -> ml.Survey:
    frame = pd.read_csv(REFERENCE / f"{name}.csv").rename(columns={"yes": "q/yes", "target": "q/target"})
    return ml.Survey.from_frame(frame, weight="pw", **design)  # type: ignore[arg-type]


# The R calls stand beside each design in reference.R.
@pytest.mark.parametrize(
    ("name", "design", "reference"),
    [
        # svydesign(id = ~1, strata = ~stype, weights = ~pw)
        ("apistrat", {"strata": "stype"}, "apistrat_expected.csv"),
        # svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc1)
        ("apistrat", {"strata": "stype", "fpc": "fpc1"}, "apistrat_fpc_expected.csv"),
        # svydesign(id = ~dnum, weights = ~pw)
        ("apiclus1", {"cluster": "dnum"}, "apiclus1_expected.csv"),
        # svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc1)
        ("apiclus1", {"cluster": "dnum", "fpc": "fpc1"}, "apiclus1_fpc_expected.csv"),
    ],
)
def test_strata_clusters_and_fpc_agree_with_r(name: str, design: Mapping[str, str], reference: str) -> None:
    agree(api(name, **design), "q", ["stype"], expected(reference))


def test_nested_clusters_and_item_nonresponse_agree_with_r() -> None:
    # svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE)
    frame = pd.read_csv(REFERENCE / "nhanes.csv")
    survey = ml.Survey.from_frame(frame, weight="WTMEC2YR", strata="SDMVSTRA", cluster="SDMVPSU", nest=True)
    agree(survey, "HI_CHOL", ["race", "RIAGENDR"], expected("nhanes_expected.csv").assign(item="1"))


@pytest.mark.parametrize("rule", ["adjust", "average", "certainty", "remove"])
def test_each_rule_for_lonely_clusters_agrees_with_r(rule: str) -> None:
    # options(survey.lonely.psu = rule); svydesign(id = ~psu, strata = ~h, weights = ~w, nest = TRUE)
    reference = expected("lonely_expected.csv").assign(item="1")
    frame = pd.read_csv(REFERENCE / "lonely.csv")
    survey = ml.Survey.from_frame(frame, weight="w", strata="h", cluster="psu", nest=True, lonely=rule)  # type: ignore[arg-type]
    agree(survey, "y", ["g"], reference[reference["rule"] == rule].drop(columns="rule"))


def test_a_lonely_cluster_is_an_error_unless_a_rule_is_chosen() -> None:
    frame = pd.read_csv(REFERENCE / "lonely.csv")
    survey = ml.Survey.from_frame(frame, weight="w", strata="h", cluster="psu", nest=True)
    with pytest.raises(ValueError, match="the stratum '2' has a single cluster"):
        ml.prevalence(survey, "y")


def test_wilson_without_weights_is_the_textbook_interval() -> None:
    # statsmodels.stats.proportion.proportion_confint(k, n, method="wilson"), in two decimals more than it is used
    for k, n, low, high in [(27, 59, 0.337013, 0.583422), (33, 60, 0.424919, 0.669063), (9, 10, 0.595850, 0.982124)]:
        survey = ml.Survey.from_frame(pd.DataFrame({"y": ["yes"] * k + ["no"] * (n - k)}))
        frame = ml.prevalence(survey, "y", interval="wilson").frame.set_index("item").loc["yes"]
        assert frame["ci_low"] == pytest.approx(low, abs=5e-7)
        assert frame["ci_high"] == pytest.approx(high, abs=5e-7)


def test_korn_graubard_without_weights_is_near_clopper_pearson() -> None:
    # binom.test(27, 59): 0.327196 to 0.592456; the effective size is n - 1 = 58 here, so a little wider
    survey = ml.Survey.from_frame(pd.DataFrame({"y": ["yes"] * 27 + ["no"] * 32}))
    row = ml.prevalence(survey, "y").frame.set_index("item").loc["yes"]
    assert 0.320 < row["ci_low"] < 0.3272
    assert 0.5924 < row["ci_high"] < 0.600


@pytest.mark.parametrize("interval", SHARES)
def test_intervals_at_none_and_all(interval: str) -> None:
    survey = ml.Survey.from_frame(
        pd.DataFrame({"q/never": [0] * 60, "q/always": [1] * 60, "q/some": [0, 1] * 30, "w": [1.0, 2.0] * 30}),
        weight="w",
    )
    frame = ml.prevalence(survey, "q", interval=interval).frame.set_index("item")  # type: ignore[arg-type]
    assert frame.loc["never", "se"] == frame.loc["always", "se"] == 0
    if interval == "logit":
        assert frame.loc[["never", "always"], ["ci_low", "ci_high"]].isna().all().all()
        return
    assert frame.loc["never", "ci_low"] == 0
    assert 0.04 < frame.loc["never", "ci_high"] < 0.07  # type: ignore[operator]
    assert frame.loc["always", "ci_high"] == 1
    assert frame.loc["always", "ci_low"] == pytest.approx(1 - frame.loc["never", "ci_high"])  # type: ignore[operator]


def test_an_interval_of_nobody_knows_of_the_weights_and_does_not_shrink_with_them() -> None:
    def upper(heavy: float) -> float:
        frame = pd.DataFrame({"q/a": [0] * 30, "w": [heavy] + [1.0] * 29})
        return float(ml.prevalence(ml.Survey.from_frame(frame, weight="w"), "q").frame["ci_high"].iloc[0])

    assert upper(1) == pytest.approx(1 - 0.025 ** (1 / 30))  # Clopper-Pearson
    assert upper(1) < upper(10) < upper(50) < upper(1000) < 1


def test_the_columns_stand_in_the_order_of_the_design() -> None:
    frame = ml.prevalence(ml.Survey.from_frame(pd.DataFrame({"y": ["a", "b"] * 30})), "y").frame
    assert tuple(frame.columns[: len(COLUMNS)]) == COLUMNS
    assert (frame["by"] == "").all()
    assert (frame["level"] == "").all()


# --------------------------------------------------------------------------------------------------- identities


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Small surveys with strata of at least two clusters, uneven weights, item non-response, and groups."""
    n = draw(st.integers(24, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frame = pd.DataFrame(
        {
            "h": np.arange(n) % 2,
            "c": (np.arange(n) // 2) % 4,
            "w": rng.uniform(0.3, 4, n).round(3),
            "y": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]),
            "g": rng.choice(["u", "v"], n),
        }
    )
    frame.loc[rng.random(n) < 0.1, "y"] = None
    kinds = {"y": pd.CategoricalDtype(["a", "b", "c"]), "g": pd.CategoricalDtype(["u", "v"])}
    return frame.astype(kinds)


def shares(frame: pd.DataFrame, **more: object) -> pd.DataFrame:
    survey = ml.Survey.from_frame(frame, weight="w", strata="h", cluster="c", nest=True)
    numbers = ml.prevalence(survey, "y", by=["g"], **more).frame  # type: ignore[arg-type]
    return numbers.set_index(["item", "by", "level"])[["n", "k", "estimate", "se", "ci_low", "ci_high", "df", "deff"]]


def same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(a, b, rtol=1e-9, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(frames())
def test_identities_of_shares(frame: pd.DataFrame) -> None:
    base = shares(frame)
    total = base.xs("", level="by")
    assert total["estimate"].sum() == pytest.approx(1)
    same(base, shares(frame.sample(frac=1, random_state=1)))  # the order of rows
    same(base, shares(frame.assign(w=frame["w"] * 1000)))  # the scale of weights
    survey = ml.Survey.from_frame(frame, weight="w", strata="h", cluster="c", nest=True)
    nets = ml.prevalence(survey, "y", nets={"bc": ["b", "c"]}).frame.set_index("item")
    # a share and its complement: the same standard error, the mirrored interval
    if 0 < nets.loc["a", "estimate"] < 1:  # type: ignore[operator]
        assert nets.loc["a", "estimate"] == pytest.approx(1 - nets.loc["bc", "estimate"])  # type: ignore[operator]
        assert nets.loc["a", "se"] == pytest.approx(nets.loc["bc", "se"])
        assert nets.loc["a", "ci_low"] == pytest.approx(1 - nets.loc["bc", "ci_high"])  # type: ignore[operator]


@settings(max_examples=20, deadline=None)
@given(frames())
def test_groups_add_up_to_the_total(frame: pd.DataFrame) -> None:
    numbers = shares(frame)
    for item in ("a", "b", "c"):
        rows = numbers.xs((item, "g"), level=("item", "by"))
        answered = frame[frame["y"].notna()]
        weight = answered.groupby("g", observed=False)["w"].sum().reindex(rows.index)
        total = numbers.loc[(item, "", "")]
        assert rows["n"].sum() == total["n"]
        assert rows["k"].sum() == total["k"]
        assert (rows["estimate"].fillna(0) * weight).sum() / weight.sum() == pytest.approx(total["estimate"])


@settings(max_examples=20, deadline=None)
@given(frames())
def test_one_stratum_is_no_strata_and_own_clusters_are_none(frame: pd.DataFrame) -> None:
    def numbers(**design: Any) -> pd.DataFrame:
        survey = ml.Survey.from_frame(frame.assign(one="x", own=np.arange(len(frame))), weight="w", **design)  # type: ignore[arg-type]
        return ml.prevalence(survey, "y", by="g").frame

    plain = numbers()
    same(plain, numbers(strata="one"))
    same(plain, numbers(cluster="own"))


@settings(max_examples=20, deadline=None)
@given(frames())
def test_rows_twice_are_weights_doubled_for_the_point_estimate(frame: pd.DataFrame) -> None:
    twice = shares(pd.concat([frame, frame], ignore_index=True))
    same(shares(frame)[["estimate"]], twice[["estimate"]])


def test_a_subpopulation_is_a_domain_and_not_filtered_data() -> None:
    frame = pd.read_csv(REFERENCE / "apistrat.csv").rename(columns={"yes": "q/yes", "target": "q/target"})
    whole = ml.Survey.from_frame(frame, weight="pw", strata="stype", fpc="fpc1")
    by = ml.prevalence(whole, "q", by="stype").frame
    first = ml.prevalence(whole, "q", where="${stype} = 'E'").frame.set_index("item")
    level = by[by["level"] == "E"].set_index("item")
    same(first[["n", "k", "estimate", "se", "df"]], level[["n", "k", "estimate", "se", "df"]])
    # a cluster without anybody of the domain still counts among the clusters of its stratum
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"y": rng.integers(0, 2, 60), "c": np.repeat(np.arange(10), 6), "w": rng.uniform(1, 3, 60)})
    frame["g"] = np.where(frame["c"] < 7, "u", "v")
    domain = ml.prevalence(ml.Survey.from_frame(frame, weight="w", cluster="c"), "y", where="${g} = 'u'").frame
    kept = ml.Survey.from_frame(frame[frame["g"] == "u"], weight="w", cluster="c")
    filtered = ml.prevalence(kept, "y").frame
    np.testing.assert_allclose(domain["estimate"], filtered["estimate"])
    # 10 / 9 in place of 7 / 6 clusters
    np.testing.assert_allclose(domain["se"], filtered["se"] * np.sqrt((10 / 9) / (7 / 6)))


def test_clusters_with_one_mean_leave_no_variance() -> None:
    frame = pd.DataFrame({"y": [1, 0] * 6, "c": np.repeat(np.arange(6), 2)})
    row = ml.prevalence(ml.Survey.from_frame(frame, cluster="c"), "y").frame.iloc[0]
    assert (row["estimate"], row["se"], row["ci_low"], row["ci_high"]) == (0.5, 0, 0.5, 0.5)
    assert np.isnan(row["n_eff"])


# ----------------------------------------------------------------------------------------------- designs refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"w": [0.0] * 6}, "no value of the weight column 'w' is a positive number"),
        ({"w": [1, 1, None, 1, 1, 1]}, r"row 3, respondent 3: the weight w is ''"),
        ({"w": [1, -2, 1, 1, 1, 1]}, r"row 2, respondent 2: the weight w is '-2'"),
        ({"w": [1, 0, 0, 1, 1, 1]}, "and 1 more are blank, zero, negative or infinite"),
        ({"h": ["a", "a", None, "b", "b", "b"]}, r"row 3, respondent 3: h is blank"),
        ({"f": [9, 9, 9, 9, 8, 9]}, "the fpc f is .* elsewhere in the stratum"),
        ({"f": [2] * 6}, "smaller than the sample"),
        ({"f": [9, 9, 9, None, 9, 9]}, "row 4, respondent 4: the fpc f is blank"),
    ],
)
def test_a_design_that_cannot_be_used_says_why(change: dict[str, list[object]], said: str) -> None:
    frame = pd.DataFrame(
        {"w": [1.0] * 6, "h": list("aaabbb"), "f": [9.0] * 6, "y": list("ababab")} | change,
    )
    survey = ml.Survey.from_frame(frame, weight="w", strata="h", fpc="f")
    with pytest.raises(ValueError, match=said):
        design_arrays(survey)


def test_an_fpc_may_be_a_sampling_fraction() -> None:
    frame = pd.DataFrame({"y": ["a", "b"] * 10, "f": 0.25, "big": 80})
    for column in ("f", "big"):
        survey = ml.Survey.from_frame(frame.rename(columns={column: "fpc"}), fpc="fpc")
        assert design_arrays(survey).sampled_share.tolist() == [0.25]


def test_the_reference_scripts_are_beside_their_values() -> None:
    scripts = "".join(file.read_text(encoding="utf-8") for file in sorted(REFERENCE.glob("*.R")))
    for file in REFERENCE.glob("*_expected.csv"):
        assert all(part in scripts for part in file.stem.split("_")), file
