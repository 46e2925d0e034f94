"""What must hold whatever the numbers: identities of every statistic over every kind of design."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import motivlab as ml
from motivlab.about import Replicates
from motivlab.compare import compare
from motivlab.design import design_arrays
from motivlab.domains import breakdowns
from motivlab.prevalence import items_of
from motivlab.reduction import reduce_survey, share_ratios
from motivlab.summaries import mean, quantile, ratio, total
from motivlab.variance import covariance

NUMBERS = ["n", "k", "estimate", "se", "ci_low", "ci_high", "df", "deff"]
few = settings(max_examples=2, deadline=None, derandomize=True, database=None, phases=[Phase.generate])

once = settings(few, max_examples=1)

Make = Callable[[pd.DataFrame], ml.Survey]
Surveys = dict[str, Make]


def margins(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["variable", "level", "share"])


SEX = margins(("s", "f", 0.52), ("s", "m", 0.48))
BOTH = pd.concat([SEX, margins(("e", "1", 0.3), ("e", "2", 0.4), ("e", "3", 0.3))])
NESTED: dict[str, Any] = {"weight": "w", "strata": "h", "cluster": "c", "nest": True}
PLAIN: dict[str, dict[str, Any]] = {
    "none": {},
    "weight": {"weight": "w"},
    "strata": {"weight": "w", "strata": "h"},
    "clusters": {"weight": "w", "cluster": "own_c"},
    "nested": NESTED,
    "fpc": NESTED | {"fpc": "clusters_in_all"},
    "fpc_people": {"weight": "w", "strata": "h", "fpc": "people_in_all"},
    "replicates": {"weight": "w", "replicates": Replicates(columns="rep*", kind="bootstrap")},
    "replicates_mse": {
        "weight": "w", "replicates": Replicates(columns="rep*", kind="jackknife", rscales=(0.5,) * 6, mse=True)
    },
}  # fmt: skip


def plain(kind: str) -> Make:
    return lambda frame: ml.Survey.from_frame(frame, **PLAIN[kind])


def calibrated(method: str, kind: str, table: pd.DataFrame) -> Make:
    return lambda frame: ml.rake(plain(kind)(frame), table, method, tolerance=1e-13)  # type: ignore[arg-type]


KINDS: Surveys = {kind: plain(kind) for kind in PLAIN} | {
    "raked": calibrated("rake", "weight", BOTH),
    "raked_none": calibrated("rake", "none", BOTH),
    "raked_nested": calibrated("rake", "nested", BOTH),
    "poststratified": calibrated("poststratify", "strata", SEX),
    "poststratified_fpc": calibrated("poststratify", "fpc", SEX),
    "linear": calibrated("linear", "weight", BOTH),
    "linear_nested": calibrated("linear", "nested", BOTH),
    "raked_replicates": calibrated("rake", "replicates", BOTH),
}
OTHERS = ("clusters", "replicates_mse", "raked_none", "poststratified", "linear")  # nearly one of the rest
each_kind = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in OTHERS])
TAYLOR = [kind for kind in KINDS if "replicates" not in kind]


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Two strata of four clusters, uneven weights, item non-response, groups, margins, replicate weights."""
    n = draw(st.integers(64, 96))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    h, c = np.arange(n) % 2, (np.arange(n) // 2) % 4
    w = rng.uniform(0.3, 4, n).round(3)
    frame = pd.DataFrame(
        {
            "h": h, "c": c, "own_c": h * 10 + c, "w": w, "clusters_in_all": np.where(h == 0, 11, 6),
            "people_in_all": np.where(h == 0, 300, 90),
            "y": pd.Categorical(rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]), ["a", "b", "c", "nobody"]),
            "q/a": rng.integers(0, 2, n).astype(float), "q/b": (rng.random(n) < 0.2).astype(float),
            "z": (rng.random(n) < 0.4).astype(float),
            "x": rng.normal(30, 8, n).round(2), "v": rng.uniform(1, 5, n).round(2), "fixed": 2.5,
            "g": pd.Categorical(rng.choice(["u", "v", "t"], n), ["u", "v", "t"]),
            "k": pd.Categorical(rng.choice(["p", "q"], n), ["p", "empty", "q"]),
            "s": rng.choice(["f", "m"], n), "e": rng.choice(["1", "2", "3"], n),
        }
    )  # fmt: skip
    frame.loc[rng.random(n) < 0.1, "y"] = None
    frame.loc[rng.random(n) < 0.1, ["q/a", "q/b"]] = np.nan
    frame.loc[rng.random(n) < 0.1, "z"] = np.nan
    frame.loc[rng.random(n) < 0.1, "x"] = np.nan
    frame.loc[rng.random(n) < 0.1, "v"] = np.nan
    return frame.assign(**{f"rep{i}": w * rng.uniform(0.5, 1.5, n).round(3) for i in range(1, 7)})


def scaled(frame: pd.DataFrame, by: float) -> pd.DataFrame:
    return frame.assign(**{column: frame[column] * by for column in ("w", *(f"rep{i}" for i in range(1, 7)))})


def statistics(survey: ml.Survey, **more: Any) -> pd.DataFrame:
    """Every number of every statistic."""
    return pd.concat(
        {
            "share": ml.prevalence(survey, "y", **more).frame,
            "wilson": ml.prevalence(survey, "y", base="all", interval="wilson", **more).frame,
            "several": ml.prevalence(survey, "q", interval="logit", **more).frame,
            "mean": mean(survey, "x", **more).frame,
            "total": total(survey, "x", **more).frame,
            "people": total(survey, "y", **more).frame,
            "ratio": ratio(survey, "x", to="v", **more).frame,
            "quantile": quantile(survey, "x", **more).frame,
        },
        names=["statistic"],
    ).set_index(["item", "by", "level"], append=True).droplevel(1)[NUMBERS]  # fmt: skip


def same(a: pd.DataFrame, b: pd.DataFrame, rtol: float = 1e-7) -> None:
    pd.testing.assert_frame_equal(a.sort_index(), b.sort_index(), rtol=rtol, atol=1e-9, check_index_type=False)


def compared(survey: ml.Survey, **more: Any) -> pd.DataFrame:
    return compare(survey, "y", "g", smallest=1, **more).differences.set_index(["item", "level", "reference"])


# ------------------------------------------------------------------------------------------ invariance, all kinds


@each_kind
@once
@given(frames())
def test_neither_the_order_of_rows_nor_the_scale_of_weights_matters(kind: str, frame: pd.DataFrame) -> None:
    survey, by = KINDS[kind](frame), ["g"]
    base = statistics(survey, by=by)
    shuffled = frame.sample(frac=1, random_state=1)
    same(base, statistics(KINDS[kind](shuffled), by=by))
    same(compared(survey), compared(KINDS[kind](shuffled)), 1e-6)
    if "none" in kind:
        return
    rescaled = KINDS[kind](scaled(frame, 1000))
    more = statistics(rescaled, by=by)
    totals = more.index.get_level_values("statistic").isin(["total", "people"])
    more.loc[totals, ["estimate", "se", "ci_low", "ci_high"]] /= 1000
    same(base, more)
    same(compared(survey), compared(rescaled), 1e-6)


@each_kind
@once
@given(frames())
def test_breakdowns_in_turn_are_each_by_itself(kind: str, frame: pd.DataFrame) -> None:
    survey = KINDS[kind](frame)
    together = statistics(survey, by=["g", "k", ("g", "k")])
    for by, name in (("g", "g"), ("k", "k"), ([("g", "k")], "g × k")):
        alone = statistics(survey, by=by)
        keep = together.index.get_level_values("by").isin(["", name])
        same(together[keep], alone)


@each_kind
@few
@given(frames())
def test_a_domain_by_where_is_the_level_of_a_breakdown(kind: str, frame: pd.DataFrame) -> None:
    survey = KINDS[kind](frame)
    levels = statistics(survey, by=["g", ("g", "k")])
    for where, by, level in (
        ("${g} = 'u'", "g", "u"),
        ("${g} = 'v' and ${k} = 'p'", "g × k", "v × p"),
    ):
        kept = statistics(survey, where=where).droplevel(["by", "level"])
        same(levels.xs((by, level), level=("by", "level")), kept)


@each_kind
@few
@given(frames())
def test_levels_add_up_to_the_total(kind: str, frame: pd.DataFrame) -> None:
    survey = KINDS[kind](frame)
    found = statistics(survey, by=["g", ("g", "k")])
    weight = pd.Series(design_arrays(survey).weight)
    for statistic in ("total", "people"):
        for item, rows in found.loc[statistic].groupby("item"):
            whole = rows.xs("", level="by").iloc[0]
            for by in ("g", "g × k"):
                parts = rows.xs(by, level="by")
                assert parts["estimate"].sum() == pytest.approx(whole["estimate"], rel=1e-10), item
                assert parts["n"].sum() == whole["n"]
                assert parts["k"].sum() == whole["k"]
            crossed = rows.xs("g × k", level="by").droplevel("item")
            merged = crossed["estimate"].groupby(crossed.index.str.split(" × ").str[0]).sum()
            np.testing.assert_allclose(merged[["u", "v", "t"]], rows.xs("g", level="by")["estimate"], rtol=1e-10)
    means = found.loc["mean"].xs("g", level="by")["estimate"].droplevel("item")
    held = weight.where(frame["x"].notna(), 0.0).groupby(frame["g"].to_numpy(), observed=False).sum()[means.index]
    assert (means * held).sum() / held.sum() == pytest.approx(found.loc[("mean", "mean", "", ""), "estimate"])
    shares = found.loc["share"].xs("", level="by")["estimate"]
    assert shares.sum() == pytest.approx(1)


@each_kind
@few
@given(frames())
def test_a_share_and_its_complement(kind: str, frame: pd.DataFrame) -> None:
    found = ml.prevalence(KINDS[kind](frame), "y", by="g", nets={"rest": ["b", "c", "nobody"]}).frame
    one, rest = (found[found["item"] == item].set_index(["by", "level"]) for item in ("a", "rest"))
    np.testing.assert_allclose(one["estimate"], 1 - rest["estimate"], rtol=1e-10)
    np.testing.assert_allclose(one["se"], rest["se"], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(one["deff"], rest["deff"], rtol=1e-6)
    np.testing.assert_allclose(one["ci_low"], 1 - rest["ci_high"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(one["ci_high"], 1 - rest["ci_low"], rtol=1e-6, atol=1e-9)


@each_kind
@few
@given(frames())
def test_the_mean_of_0_and_1_is_the_share_and_the_ratio_to_a_constant_the_mean(kind: str, frame: pd.DataFrame) -> None:
    survey = KINDS[kind](frame)
    share = ml.prevalence(survey, "z", by="g").frame.query("item == '1'")
    as_mean = mean(survey, "z", by="g").frame
    people = total(survey, "z", by="g").frame.query("item == '1'")
    for column in ("estimate", "se", "df", "deff", "n"):
        np.testing.assert_allclose(share[column], as_mean[column], rtol=1e-7, atol=1e-12)
    plain_mean, divided = mean(survey, "x", by="g").frame, ratio(survey, "x", to="fixed", by="g").frame
    for column in ("estimate", "se", "ci_low", "ci_high"):
        np.testing.assert_allclose(plain_mean[column], divided[column] * 2.5, rtol=1e-7)
    np.testing.assert_allclose(plain_mean["deff"], divided["deff"], rtol=1e-7)
    itself = ratio(survey, "x", to="x", by="g").frame
    assert itself["estimate"].tolist() == [1] * 4
    assert itself["se"].tolist() == [0] * 4
    assert people["k"].tolist() == share["k"].tolist()


@each_kind
@few
@given(frames())
def test_empty_levels_are_rows_and_quantiles_are_in_order(kind: str, frame: pd.DataFrame) -> None:
    survey = KINDS[kind](frame)
    empty = statistics(survey, by=["k", ("g", "k")]).xs(("k", "empty"), level=("by", "level"))
    assert (empty["n"] == 0).all()
    assert (empty["df"] == 0).all()
    totals = empty.index.get_level_values("statistic").isin(["total", "people"])
    assert empty.loc[~totals, "estimate"].isna().all()
    assert empty["se"].isna().all()
    found = quantile(survey, "x", probs=[0.05, 0.2, 0.21, 0.5, 0.9], by=["g", "k"]).frame
    for _, rows in found.groupby(["by", "level"]):
        for low, high in pairwise(rows["estimate"]):
            assert not low > high
    assert ((found["ci_low"] <= found["estimate"]) | found["ci_low"].isna() | found["estimate"].isna()).all()
    assert ((found["ci_high"] >= found["estimate"]) | found["ci_high"].isna() | found["estimate"].isna()).all()


@each_kind
@few
@given(frames())
def test_shares_of_0_and_1(kind: str, frame: pd.DataFrame) -> None:
    frame = frame.assign(**{"r/all": 1, "r/none": 0})
    found = ml.prevalence(KINDS[kind](frame), "r", by="g").frame.set_index("item")
    for item, share in (("all", 1), ("none", 0)):
        rows = found.loc[item]
        assert (rows["estimate"] == share).all()
        assert (rows["se"] == 0).all()
        assert rows["deff"].isna().all()
    assert (found.loc["all", "ci_high"] == 1).all()
    assert (found.loc["all", "ci_low"] > 0.3).all()
    assert (found.loc["none", "ci_low"] == 0).all()
    assert (found.loc["none", "ci_high"] < 0.7).all()


@each_kind
@once
@given(frames())
def test_rows_twice_are_weights_doubled_for_the_point_estimate(kind: str, frame: pd.DataFrame) -> None:
    single = statistics(KINDS[kind](frame), by="g")["estimate"]
    twice = statistics(KINDS[kind](pd.concat([frame, frame], ignore_index=True)), by="g")["estimate"]
    totals = single.index.get_level_values("statistic").isin(["total", "people"])
    pd.testing.assert_series_equal(single * np.where(totals, 2, 1), twice, rtol=1e-9)


@each_kind
@once
@given(frames())
def test_groups_compared_the_other_way_around(kind: str, frame: pd.DataFrame) -> None:
    survey = KINDS[kind](frame)
    found = compare(survey, "y", "g", smallest=1)
    levels = ["u", "v", "t"]
    against = {one: found.against(one).set_index(["item", "level"]) for one in levels}
    shares = ml.prevalence(survey, "y", by="g").frame.set_index(["item", "by", "level"])["estimate"]
    for one in levels:
        for other in levels:
            if one == other:
                continue
            here, there = (against[a].xs(b, level="level") for a, b in ((one, other), (other, one)))
            np.testing.assert_allclose(here["difference"], -there["difference"], rtol=1e-12)
            np.testing.assert_allclose(here["se"], there["se"], rtol=1e-12)
            np.testing.assert_allclose(here["ci_low"], -there["ci_high"], rtol=1e-12)
            np.testing.assert_allclose(here["p_adjusted"], there["p_adjusted"], rtol=1e-12)
            known = here["ratio"] > 0
            np.testing.assert_allclose(here["ratio"][known], 1 / there["ratio"][known], rtol=1e-12)
            np.testing.assert_allclose(here["ratio_low"], 1 / there["ratio_high"], rtol=1e-12)
            for item in here.index:
                expected = shares[(item, "g", other)] - shares[(item, "g", one)]
                assert here.loc[item, "difference"] == pytest.approx(expected, abs=1e-12)


# --------------------------------------------------------------------------- designs that are others in disguise


@few
@given(frames())
def test_one_stratum_is_none_and_a_cluster_each_is_none(frame: pd.DataFrame) -> None:
    frame = frame.assign(one="x", each=np.arange(len(frame)), size=500.0, share=len(frame) / 500)

    def made(rake: bool = False, **design: Any) -> ml.Survey:
        survey = ml.Survey.from_frame(frame, weight="w", **design)
        return ml.rake(survey, BOTH, tolerance=1e-13) if rake else survey

    for first, second in (
        ({}, {"strata": "one"}),
        ({}, {"cluster": "each"}),
        ({}, {"strata": "one", "cluster": "each", "nest": True}),
        ({"strata": "h"}, {"strata": "h", "cluster": "each"}),
        ({"cluster": "own_c"}, {"cluster": "own_c", "strata": "one"}),
        ({"fpc": "size"}, {"fpc": "size", "cluster": "each"}),
        ({"fpc": "size"}, {"fpc": "share"}),
        ({"strata": "h", "cluster": "own_c"}, {"strata": "h", "cluster": "c", "nest": True}),
        ({"rake": True}, {"rake": True, "strata": "one"}),
        ({"rake": True}, {"rake": True, "cluster": "each"}),
    ):
        a, b = made(**first), made(**second)  # type: ignore[arg-type]
        same(statistics(a, by="g"), statistics(b, by="g"))
        same(compared(a), compared(b), 1e-6)


@few
@given(frames())
def test_replicates_that_multiply_the_weight(frame: pd.DataFrame) -> None:
    factors = {f"rep{i}": frame[f"rep{i}"] / frame["w"] for i in range(1, 7)}
    combined = plain("replicates")(frame)
    factor = Replicates(columns="rep*", kind="bootstrap", combined=False)
    split = ml.Survey.from_frame(frame.assign(**factors), weight="w", replicates=factor)
    same(statistics(combined, by="g"), statistics(split, by="g"))


def test_raked_replicates_that_multiply_the_weight() -> None:
    frame = example()
    factors = {f"rep{i}": frame[f"rep{i}"] / frame["w"] for i in range(1, 7)}
    factor = Replicates(columns="rep*", kind="bootstrap", combined=False)
    split = ml.Survey.from_frame(frame.assign(**factors), weight="w", replicates=factor)
    same(statistics(KINDS["raked_replicates"](frame)), statistics(ml.rake(split, BOTH, tolerance=1e-13)))


def example(seed: int = 1, n: int = 80) -> pd.DataFrame:
    """A frame as those above, always the same."""
    found: list[pd.DataFrame] = []

    @settings(few, max_examples=1)
    @given(frames())
    def keep(frame: pd.DataFrame) -> None:
        found.append(frame)

    keep()
    rng = np.random.default_rng(seed)
    frame = found[0].sample(n, replace=True, random_state=seed).reset_index(drop=True)
    frame = frame.assign(h=np.arange(n) % 2, c=(np.arange(n) // 2) % 4, w=rng.uniform(0.3, 4, n))
    x = rng.normal(30, 8, n)
    return frame.assign(own_c=frame["h"] * 10 + frame["c"], x=x, y=rng.choice(["a", "b", "c"], n))


# -------------------------------------------------------------------------------------------------- the jackknife


def jackknife(frame: pd.DataFrame) -> ml.Survey:
    """Strata of clusters as replicate weights, made by hand: each leaves one cluster out."""
    columns, rscales = {}, []
    drop = [c for c in frame if str(c).startswith("rep")]
    for stratum, rows in frame.groupby("h"):
        clusters = sorted(rows["c"].unique())
        for cluster in clusters:
            factor = np.where(frame["h"] == stratum, len(clusters) / (len(clusters) - 1), 1.0)
            factor[(frame["h"] == stratum) & (frame["c"] == cluster)] = 0
            columns[f"rep{len(columns) + 1}"] = frame["w"] * factor
            rscales.append((len(clusters) - 1) / len(clusters))
    said = Replicates(columns="rep*", kind="jackknife", rscales=tuple(rscales), count=len(rscales))
    return ml.Survey.from_frame(frame.drop(columns=drop).assign(**columns), weight="w", replicates=said)


@settings(few, max_examples=8)
@given(frames())
def test_the_jackknife_agrees_with_taylor(frame: pd.DataFrame) -> None:
    taylor, by_hand = statistics(plain("nested")(frame)), statistics(jackknife(frame))
    exact = ["total", "people"]  # linear in the weights
    both = ["estimate", "n", "k"]
    same(taylor[both], by_hand[both])
    np.testing.assert_allclose(taylor.loc[exact, "se"], by_hand.loc[exact, "se"], rtol=1e-10, atol=1e-10)
    nearly = ["share", "several", "mean", "ratio"]
    # eight clusters of about ten: the second-order terms of a ratio are a few per cent of its standard error
    np.testing.assert_allclose(taylor.loc[nearly, "se"], by_hand.loc[nearly, "se"], rtol=JACKKNIFE)
    # rank of the replicates less one, against clusters less strata: eight replicates with one constraint per stratum
    assert (by_hand["df"] >= taylor["df"]).all()
    one, two = compared(plain("nested")(frame)), compared(jackknife(frame))
    np.testing.assert_allclose(one["se"], two["se"], rtol=5 * JACKKNIFE)  # groups of about three in a cluster


JACKKNIFE = 0.05

# ------------------------------------------------------------------------- influence values, row by row in numpy


def residuals(frame: pd.DataFrame, kind: str, e: np.ndarray) -> np.ndarray:
    """Influence values less what calibration explains, over all respondents."""
    w = np.ones(len(frame)) if "none" in kind else frame["w"].to_numpy()
    margin = ["s"] if "poststratified" in kind else ["s", "e"]
    if kind in PLAIN:
        return e
    dummies = [pd.get_dummies(frame[m]).to_numpy(dtype=float) for m in margin]
    if "raked" in kind:
        e = e.copy()
        for _ in range(10):
            for d in dummies:
                e -= d @ ((d.T @ e) / d.sum(axis=0)[:, None])
        return e
    x = np.concatenate(dummies, axis=1)
    root = np.sqrt(w)[:, None]
    return e - x @ np.linalg.lstsq(x * root, e * root, rcond=None)[0]


def covariance_by_hand(survey: ml.Survey, frame: pd.DataFrame, kind: str, e: np.ndarray) -> np.ndarray:
    """Sum over strata of (1 - f) n / (n - 1) times the cross-products about the stratum's mean."""
    weight = survey.responses[survey.design.weight].to_numpy() if survey.design.weight else np.ones(len(frame))
    u = residuals(frame, kind, e) * np.asarray(weight, dtype=float)[:, None]
    design = survey.design
    stratum = frame["h"].to_numpy() if design.strata else np.zeros(len(frame), dtype=int)
    cluster = frame[design.cluster].to_numpy() if design.cluster else np.arange(len(frame))
    out = np.zeros((e.shape[1], e.shape[1]))
    for h in np.unique(stratum):
        here = stratum == h
        z = pd.DataFrame(u[here]).groupby(cluster[here]).sum().to_numpy()
        size = len(z)
        f = size / frame.loc[here, design.fpc].iloc[0] if design.fpc else 0
        z = z - z.mean(axis=0)
        out += (1 - f) * size / (size - 1) * z.T @ z
    return out


@pytest.mark.parametrize("kind", TAYLOR)
@few
@given(frames())
def test_variances_and_covariances_from_influence_values_row_by_row(kind: str, frame: pd.DataFrame) -> None:
    survey = KINDS[kind](frame)
    weight = survey.responses[survey.design.weight].to_numpy() if survey.design.weight else np.ones(len(frame))
    w = np.asarray(weight, dtype=float)
    y, answered = frame["y"].astype(object), frame["y"].notna().to_numpy()
    cells, influence = [], []
    for level in ("u", "v", "t"):
        base = answered & (frame["g"] == level).to_numpy()
        for item in ("a", "b", "c", "nobody"):
            hit = base & (y == item).to_numpy()
            p = (w @ hit) / (w @ base)
            influence.append((hit - p * base) / (w @ base))
            cells.append((item, level))
    v = covariance_by_hand(survey, frame, kind, np.stack(influence, axis=1))
    found = ml.prevalence(survey, "y", by="g").frame.query("by == 'g'").set_index(["item", "level"])
    np.testing.assert_allclose(found.loc[cells, "se"], np.sqrt(np.diag(v)), rtol=1e-7, atol=1e-10)
    # the core's own covariance matrix, all of it
    items, design = items_of(survey, "y"), design_arrays(survey)
    domain = breakdowns(survey, "g")[1][1]
    ratios = share_ratios(items.chosen, items.of, products=True)
    levels, columns = np.divmod(np.arange(len(cells)), len(items.names))
    own = covariance(reduce_survey(design, [domain], ratios), ratios, design, levels, columns)
    np.testing.assert_allclose(own, v, rtol=1e-6, atol=1e-12)
    for row in compare(survey, "y", "g", smallest=1).differences.itertuples():
        at = [cells.index((row.item, row.level)), cells.index((row.item, row.reference))]
        variance = v[at[0], at[0]] + v[at[1], at[1]] - 2 * v[at[0], at[1]]
        assert row.se == pytest.approx(np.sqrt(max(variance, 0)), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("kind", TAYLOR)
@few
@given(frames())
def test_variances_of_numbers_row_by_row(kind: str, frame: pd.DataFrame) -> None:
    survey = KINDS[kind](frame)
    weight = survey.responses[survey.design.weight].to_numpy() if survey.design.weight else np.ones(len(frame))
    w = np.asarray(weight, dtype=float)
    for level in ("u", "v", "t"):
        inside = (frame["g"] == level).to_numpy()
        has = inside & frame["x"].notna().to_numpy()
        x = np.where(has, frame["x"], 0.0)
        m = (w @ x) / (w @ has)
        both = has & frame["v"].notna().to_numpy()
        a, b = np.where(both, frame["x"], 0.0), np.where(both, frame["v"], 0.0)
        r = (w @ a) / (w @ b)
        e = np.stack([(x - m * has) / (w @ has), x, (a - r * b) / (w @ b)], axis=1)
        se = np.sqrt(np.diag(covariance_by_hand(survey, frame, kind, e)))
        found = [f(by="g").frame.query(f"level == {level!r}").iloc[0] for f in (
            lambda **m: mean(survey, "x", **m), lambda **m: total(survey, "x", **m),
            lambda **m: ratio(survey, "x", to="v", **m))]  # fmt: skip
        np.testing.assert_allclose([row["estimate"] for row in found], [m, w @ x, r], rtol=1e-10)
        np.testing.assert_allclose([row["se"] for row in found], se, rtol=1e-7)
    # Woodruff: the standard error of the share at or below the quantile
    row = quantile(survey, "x", probs=[0.5]).frame.iloc[0]
    has = frame["x"].notna().to_numpy()
    order = np.argsort(np.where(has, frame["x"], np.inf), kind="stable")[: has.sum()]
    values, cumulated = frame["x"].to_numpy()[order], np.cumsum(w[order])
    assert row["estimate"] == values[np.searchsorted(cumulated, cumulated[-1] / 2 * (1 - 1e-12))]


def test_more_respondents_than_are_held_at_a_time() -> None:
    rng = np.random.default_rng(5)
    n = 70_001
    frame = pd.DataFrame(
        {"y": rng.choice(["a", "b"], n), "x": rng.normal(0, 1, n), "w": rng.uniform(0.5, 2, n), "h": np.arange(n) % 5}
    ).assign(c=np.arange(n) // 5 % 50)
    survey = ml.Survey.from_frame(frame, **NESTED)
    for hit, row in (
        ((frame["y"] == "a").to_numpy(dtype=float), ml.prevalence(survey, "y").frame.iloc[0]),
        (frame["x"].to_numpy(), mean(survey, "x").frame.iloc[0]),
    ):
        w = frame["w"].to_numpy()
        p = (w @ hit) / w.sum()
        v = covariance_by_hand(survey, frame, "nested", ((hit - p) / w.sum())[:, None])
        assert row["estimate"] == pytest.approx(p, rel=1e-12, abs=1e-12)
        assert row["se"] == pytest.approx(np.sqrt(v[0, 0]), rel=1e-9)
        assert row["df"] == 245


# -------------------------------------------------------------------------------------------------- calibration


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in PLAIN])
@few
@given(frames())
def test_margins_hold_exactly_and_without_error(kind: str, frame: pd.DataFrame) -> None:
    survey = KINDS[kind](frame)
    table = SEX if "poststratified" in kind else BOTH
    for variable, rows in table.groupby("variable"):
        found = ml.prevalence(survey, str(variable)).frame.set_index("item")
        people = total(survey, str(variable)).frame.set_index("item")
        for level, share in zip(rows["level"], rows["share"], strict=True):
            assert found.loc[level, "estimate"] == pytest.approx(share, rel=1e-9)
            assert found.loc[level, "se"] < 1e-7
            assert people.loc[level, "se"] < 1e-6 * people.loc[level, "estimate"]
    assert (survey.calibration.report["miss"] < 1e-9).all()  # type: ignore[union-attr]
    before = frame["w"].sum() if "none" not in kind else len(frame)
    assert survey.responses["weight_calibrated"].sum() == pytest.approx(before)


@pytest.mark.parametrize(("method", "table"), [("rake", BOTH), ("poststratify", SEX), ("linear", BOTH)])
@few
@given(frames())
def test_calibrating_twice_changes_nothing(method: Any, table: pd.DataFrame, frame: pd.DataFrame) -> None:
    first = ml.rake(plain("weight")(frame), table, method, tolerance=1e-13)
    again = ml.rake(ml.Survey.from_frame(first.responses, weight="weight_calibrated"), table, method, name="twice")
    np.testing.assert_allclose(again.responses["twice"], first.responses["weight_calibrated"], rtol=1e-9)
    assert again.calibration.ratio == pytest.approx((1, 1))  # type: ignore[union-attr]


@few
@given(frames())
def test_one_margin_is_the_same_by_every_method(frame: pd.DataFrame) -> None:
    raked, post, linear = (ml.rake(plain("nested")(frame), SEX, m, tolerance=1e-13) for m in METHODS)
    for other in (post, linear):
        np.testing.assert_allclose(
            other.responses["weight_calibrated"], raked.responses["weight_calibrated"], rtol=1e-9
        )
    same(statistics(post, by="g"), statistics(linear, by="g"))


METHODS: tuple[Any, ...] = ("rake", "poststratify", "linear")


@few
@given(frames())
def test_crossed_margins_hold_in_every_cell(frame: pd.DataFrame) -> None:
    cells = [(f"{s} × {e}", 1 / 6) for s in ("f", "m") for e in ("1", "2", "3")]
    table = margins(*(("s × e", cell, share) for cell, share in cells))
    survey = ml.rake(plain("weight")(frame), table, "poststratify")
    people = total(survey, "h", by=[("s", "e")]).frame.query("by != ''").groupby("level")["estimate"].sum()
    np.testing.assert_allclose(people / people.sum(), 1 / 6, rtol=1e-9)


@pytest.mark.parametrize(
    "unit",
    [1.0, 1e5, 1e9],
)
def test_the_unit_of_a_number_calibrated_to_does_not_matter(unit: float) -> None:
    frame = example().assign(x=example()["x"] * unit)
    rows = [("s", "f", 100.0), ("s", "m", 90.0), ("x", "", 190 * 30.5 * unit)]
    table = pd.DataFrame(rows, columns=["variable", "level", "total"])
    survey = ml.rake(ml.Survey.from_frame(frame, weight="w"), table, "linear")
    assert ml.prevalence(survey, "s").frame["se"].max() < 1e-6
    found = total(survey, "x").frame.iloc[0]
    assert found["se"] < 1e-6 * found["estimate"]


# ------------------------------------------------------------------------------------------------ found, one by one


@pytest.mark.parametrize("design", [{"weight": "w"}, NESTED])
@pytest.mark.parametrize("shift", [1e3, 1e8, 1e10])
def test_a_number_shifted_has_the_same_standard_error(design: dict[str, Any], shift: float) -> None:
    frame = example()
    here = mean(ml.Survey.from_frame(frame, **design), "x").frame.iloc[0]
    there = mean(ml.Survey.from_frame(frame.assign(x=frame["x"] + shift), **design), "x").frame.iloc[0]
    assert there["se"] == pytest.approx(here["se"], rel=1e-4)


@pytest.mark.parametrize(
    "weight",
    [1.0, 0.5, 0.1, 0.3],
)
def test_equal_weights_whatever_they_are_give_the_same_quantile(weight: float) -> None:
    frame = pd.DataFrame({"x": np.arange(1.0, 10_001), "w": weight})
    found = quantile(ml.Survey.from_frame(frame, weight="w"), "x", [0.1, 0.25, 0.5, 0.75, 0.9]).frame
    assert found["estimate"].tolist() == [1000, 2500, 5000, 7500, 9000]


def lonely(rule: str) -> ml.Survey:
    frame = example().assign(h=np.arange(80) % 3)
    frame.loc[frame["h"] == 2, "c"] = 0  # a single cluster, of people of one group
    frame.loc[frame["h"] == 2, "g"] = "u"
    return ml.Survey.from_frame(frame, **NESTED, lonely=rule)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "rule",
    ["adjust", "certainty", "remove", "average"],
)
def test_the_diagonal_of_the_covariance_is_the_square_of_the_standard_errors(rule: str) -> None:
    survey = lonely(rule)
    items, design = items_of(survey, "y"), design_arrays(survey)
    domain = breakdowns(survey, "g")[1][1]
    ratios = share_ratios(items.chosen, items.of, products=True)
    levels, columns = np.divmod(np.arange(3 * len(items.names)), len(items.names))
    own = np.diag(covariance(reduce_survey(design, [domain], ratios), ratios, design, levels, columns))
    found = ml.prevalence(survey, "y", by="g").frame.query("by == 'g'").set_index(["level", "item"])["se"]
    cells = [(domain.levels[i], items.names[j]) for i, j in zip(levels, columns, strict=True)]
    np.testing.assert_allclose(np.sqrt(own), found.loc[cells], rtol=1e-9, atol=1e-12)


def test_a_ratio_to_nobody_does_not_exist_whichever_way_it_is_asked_for() -> None:
    frame = pd.DataFrame({"y": ["a"] * 5 + ["b"] * 15, "g": ["u"] * 10 + ["v"] * 10})
    turned = compare(ml.Survey.from_frame(frame), "y", "g", smallest=1).against("v").set_index("item")
    assert np.isnan(turned.loc["a", "ratio"])  # type: ignore[arg-type]


def test_a_ratio_to_a_total_of_nothing_has_no_standard_error() -> None:
    frame = pd.DataFrame({"x": [4.5, 1.5, 3.5, 1.0] * 10, "v": [1.5, -1.5] * 20})
    row = ratio(ml.Survey.from_frame(frame), "x", to="v").frame.iloc[0]
    assert np.isnan(row["se"])


@pytest.mark.parametrize(
    "design",
    [{"cluster": "own_c"}, {}],
)
def test_choices_left_blank_by_some_are_compared(design: dict[str, str]) -> None:
    frame = example()
    frame.loc[:9, "q/a"] = np.nan
    survey = ml.Survey.from_frame(frame, weight="w", **design)  # type: ignore[arg-type]
    found = compare(survey, "q", "g", smallest=1).differences
    assert (found["se"] > 0).all()
