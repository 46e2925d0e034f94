"""Gains: against R, pingouin, scipy and statsmodels; identities; designs, comparison group, bad input."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from surveys import ROOT

import motivlab as ml
from motivlab.estimate import Estimates, adjust
from motivlab.gains import COLUMNS, VERSUS, Gains, difference_in_differences, gains
from motivlab.paired import (
    changes,
    d_av,
    d_z,
    directions,
    extremes,
    mcnemar,
    mean_change,
    occasions,
    random_intercept,
    risk_difference,
    signed_rank,
    spread,
    welch,
)
from motivlab.programme import Instrument, Programme, Scale

DATA = pd.read_csv(ROOT / "tests" / "reference" / "gains_data.csv")
EXPECTED = pd.read_csv(ROOT / "tests" / "reference" / "gains_expected.csv").set_index(["case", "name"])["value"]
CONFIDENCE = Instrument(design="pre_post", pre="pre", post="post")
BINARY = Instrument(design="pre_post", pre="yes_pre", post="yes_post")


def declared(
    frame: pd.DataFrame, instruments: Mapping[str, Instrument], comparison: str = "", scales: Any = None, **design: Any
) -> ml.Survey:
    survey = ml.Survey.from_frame(frame, **design)
    update: dict[str, Any] = {"gains": dict(instruments), "scales": scales or {}}
    if comparison:
        update["programme"] = Programme(
            entry="come", exit="gone", outcome="got", definitions={}, complete=True, comparison=comparison
        )
    return replace(survey, about=survey.about.model_copy(update=update))


def of(survey: ml.Survey, *args: Any, **more: Any) -> Gains:
    found = gains(survey, *args, **more)
    assert isinstance(found, Gains)
    return found


def row(found: Gains, by: str = "", level: str = "", change: str = "post - pre", outcome: str = "") -> pd.Series:
    frame = found.frame
    hit = (frame["by"] == by) & (frame["level"] == level) & (frame["change"] == change)
    hit &= (frame["outcome"] == outcome) if outcome else True
    assert hit.sum() == 1
    return frame[hit].iloc[0]


def two(pre: Any, post: Any, **more: Any) -> pd.Series:
    """The total row of two measurements; the questions know the answers 1 to 5."""
    survey = declared(
        pd.DataFrame({"pre": pre, "post": post}),
        {"o": Instrument(**{"design": "pre_post", "pre": "pre", "post": "post"} | more)},
    )
    return row(of(survey))


# ------------------------------------------------------------------------------------------- against R and libraries


def test_paired_statistics_agree_with_r() -> None:
    got = row(of(declared(DATA, {"o": CONFIDENCE})))
    for name, value in EXPECTED["paired"].items():
        # pt() warns that it may not be precise
        rel = 1e-6 if name.startswith("d_z_") else 1e-10
        assert got[name] == pytest.approx(value, rel=rel), name
    assert (got["n"], got["n_pre"], got["n_post"], got["n_paired"]) == (160, 148, 148, 137)
    assert (got["test"], got["lowest"], got["highest"]) == ("paired_t", 1, 5)


def test_paired_statistics_agree_with_pingouin_scipy_and_by_hand() -> None:
    pairs = DATA.dropna(subset=["pre", "post"])
    pre, post = pairs["pre"].to_numpy(), pairs["post"].to_numpy()
    got = row(of(declared(DATA, {"o": CONFIDENCE}), confidence=0.9))
    test = pingouin.ttest(post, pre, paired=True, confidence=0.9).iloc[0]
    assert (got["t"], got["df"], got["p"]) == pytest.approx((test["T"], test["dof"], test["p_val"]))
    assert (got["ci_low"], got["ci_high"]) == pytest.approx(tuple(test["CI90"]), abs=1e-9)
    # pingouin's paired "cohen" is d_av, over the root of the average variance; its d_z is another
    assert got["d_av"] == pytest.approx(pingouin.compute_effsize(post, pre, paired=True, eftype="cohen"))
    assert got["d_z"] == pytest.approx(pingouin.compute_effsize(post, pre, paired=True, eftype="cohen_dz"))
    assert got["d_z"] * np.sqrt(len(pre)) == pytest.approx(got["t"])
    low, high = (stats.nct.cdf(got["t"], got["df"], got[c] * np.sqrt(len(pre))) for c in ("d_z_low", "d_z_high"))
    assert (low, high) == pytest.approx((0.95, 0.05))
    ranks = pingouin.wilcoxon(post, pre).iloc[0]
    assert (got["w"], got["p_wilcoxon"], got["rank_biserial"]) == pytest.approx(
        (ranks["W_val"], ranks["p_val"], ranks["RBC"])
    )
    assert got["p_wilcoxon"] == pytest.approx(stats.wilcoxon(post, pre, correction=True).pvalue)
    assert (got["mean_post"] - got["mean_pre"], got["sd_pre"], got["sd_post"]) == pytest.approx(
        (got["estimate"], pre.std(ddof=1), post.std(ddof=1))
    )
    assert (got["floor_pre"], got["ceiling_post"]) == pytest.approx(((pre == 1).mean(), (post == 5).mean()))
    assert (got["k_improved"], got["k_same"], got["k_worse"]) == (
        (post > pre).sum(), (post == pre).sum(), (post < pre).sum()
    )  # fmt: skip
    assert got["improved"] + got["same"] + got["worse"] == pytest.approx(1)


def test_binary_outcomes_agree_with_r_and_statsmodels() -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    got = row(of(declared(DATA, {"o": BINARY})))
    for name, value in EXPECTED["binary"].items():
        assert got[name] == pytest.approx(value, rel=1e-10), name
    pairs = DATA.dropna(subset=["yes_post"])
    table = pd.crosstab(pairs["yes_pre"], pairs["yes_post"])
    assert got["p_mcnemar"] == pytest.approx(tables.mcnemar(table, exact=True).pvalue)
    assert got["p"] == got["p_mcnemar"]
    assert got["estimate"] == pytest.approx((got["c"] - got["b"]) / got["n_paired"])
    assert (got["mean_pre"], got["test"], got["binary"]) == (pairs["yes_pre"].mean(), "mcnemar", True)
    assert got[["t", "df", "d_z", "d_av", "w", "rank_biserial", "floor_pre", "ceiling_post"]].isna().all()


def test_yes_and_no_give_the_same_as_1_and_0() -> None:
    said = DATA.assign(**{c: DATA[c].map({1: "yes", 0: "no"}) for c in ("yes_pre", "yes_post")})
    a, b = (of(declared(frame, {"o": BINARY})).frame for frame in (DATA, said))
    pd.testing.assert_frame_equal(a, b)


@pytest.mark.parametrize(
    ("case", "columns"),
    [
        ("friedman", ("pre", "post", "later")),
        ("cochran_q", ("yes_pre", "yes_post", "yes_later")),
        ("mixed", ("s1", "s2", "s3")),
    ],
)
def test_three_occasions_agree_with_r(case: str, columns: tuple[str, str, str]) -> None:
    first, second, third = columns
    instrument = Instrument(design="pre_post", pre=first, post=second, later=(third,))
    found = of(declared(DATA, {"o": instrument}), by="sex").occasions
    assert found["level"].tolist() == ["", "f", "m"]
    total = found.iloc[0]
    rel = 1e-6 if case == "mixed" else 1e-10  # lmer stops where it is near enough
    assert total["statistic"] == pytest.approx(EXPECTED[case, "statistic"], rel=rel)
    assert (total["test"], total["df"]) == (case, 2)
    means = total[["mean_pre", "mean_post", "mean_later_1"]].to_numpy(float)
    complete = DATA[list(columns)].dropna()
    assert total["n_complete"] == len(complete)
    if case == "mixed":
        np.testing.assert_allclose(means, [EXPECTED[case, f"mean_{i}"] for i in (1, 2, 3)], rtol=1e-8)
    else:
        assert total["p"] == pytest.approx(EXPECTED[case, "p"])
        np.testing.assert_allclose(means, complete.mean())
    of_women = DATA.loc[DATA["sex"] == "f", list(columns)].to_numpy(float)
    assert found.iloc[1]["statistic"] == pytest.approx(occasions(of_women, case)[0])  # type: ignore[arg-type]
    changes_ = of(declared(DATA, {"o": instrument})).frame["change"].tolist()
    assert changes_ == ["post - pre", "later_1 - pre"]


def test_the_mixed_model_of_complete_data_is_the_anova_of_repeated_measures() -> None:
    scores = DATA[["s1", "s2", "s3"]].dropna()
    statistic, means = random_intercept(scores.to_numpy())
    anova = pingouin.rm_anova(scores)
    assert statistic / 2 == pytest.approx(anova["F"].iloc[0], rel=1e-6)
    np.testing.assert_allclose(means, scores.mean())


def test_the_mixed_model_agrees_with_statsmodels() -> None:
    models = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    values = DATA[["s1", "s2", "s3"]].to_numpy()
    person, occasion = np.nonzero(~np.isnan(values))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = models.MixedLM(values[person, occasion], np.eye(3)[occasion], person).fit(reml=True)
    gap = np.diff(np.eye(3), axis=0)
    covariance = gap @ np.asarray(model.cov_params())[:3, :3] @ gap.T
    theirs = (gap @ model.fe_params) @ np.linalg.solve(covariance, gap @ model.fe_params)
    statistic, means = random_intercept(values)
    np.testing.assert_allclose(means, model.fe_params, rtol=1e-6)
    assert statistic == pytest.approx(theirs, rel=5e-3)  # theirs stops early, see R's above


def test_the_mixed_model_without_variance_between_people() -> None:
    rng = np.random.default_rng(1)
    first = rng.normal(size=(40, 2))
    values = np.column_stack([first, -first.sum(axis=1)])  # each person's sum is 0
    statistic, means = random_intercept(values)
    pooled = (values - values.mean(axis=0)).var(axis=0).sum() * 40 / (120 - 3)
    by_hand = 40 * ((means - means.mean()) ** 2).sum() / pooled
    assert statistic == pytest.approx(by_hand)


# ---------------------------------------------------------------------------------------------------- with a design


@pytest.mark.parametrize(
    ("case", "design"),
    [
        ("weighted", {"weight": "w"}),
        ("stratified", {"weight": "w", "strata": "h"}),
        ("clustered", {"weight": "w", "strata": "h", "cluster": "c"}),
    ],
)
@pytest.mark.parametrize(("variable", "instrument"), [("change", CONFIDENCE), ("rd", BINARY)])
def test_with_a_design_mean_changes_agree_with_r(
    case: str, design: dict[str, str], variable: str, instrument: Instrument
) -> None:
    found = of(declared(DATA, {"o": instrument}, **design), by="sex")
    compared = declared(DATA.assign(come="2020-01-01", gone="2020-02-01", **{"got/job": 0}), {"o": instrument},
                        comparison="${group} = 'out'", **design)  # fmt: skip
    versus = difference_in_differences(compared, by="sex").set_index("level")
    assert found.weighted
    for level in ("", "f", "m"):
        expected = EXPECTED[f"{case}/{variable}/{level}"]
        got = row(found, "sex" if level else "", level)
        for name in ("estimate", "se", "df"):
            assert got[name] == pytest.approx(expected[name], rel=1e-9), (level, name)
        assert got["t"] == pytest.approx(expected["estimate"] / expected["se"])
        half = stats.t.ppf(0.975, expected["df"]) * expected["se"]
        assert (got["ci_low"], got["ci_high"]) == pytest.approx(
            (expected["estimate"] - half, expected["estimate"] + half)
        )
        assert got["test"] == "design_t"
        if variable == "change":
            assert got["d_z"] == pytest.approx(expected["estimate"] / expected["sd_change"])
            assert got["d_z_low"] < got["d_z"] < got["d_z_high"]
            assert got["d_av_low"] < got["d_av"] < got["d_av_high"]
        other = versus.loc[level]
        assert (other["difference"], other["se"]) == pytest.approx(
            (expected["difference"], expected["difference_se"]), rel=1e-9
        )
        assert other["df"] == expected["df"]


def test_equal_weights_change_little_and_shares_are_weighted() -> None:
    plain = row(of(declared(DATA, {"o": CONFIDENCE})))
    equal = row(of(declared(DATA.assign(w=2.0), {"o": CONFIDENCE}, weight="w")))
    same = ["estimate", "sd_pre", "sd_post", "d_z", "d_av", "w", "p_wilcoxon", "rank_biserial", "improved", "worse"]
    assert equal[same].tolist() == pytest.approx(plain[same].tolist())
    # the size of the sample is that of everybody, not of the pairs
    assert equal["se"] == pytest.approx(plain["se"], rel=0.01)
    assert (equal["d_z_low"], equal["d_av_low"]) == pytest.approx((plain["d_z_low"], plain["d_av_low"]), abs=0.005)
    weighted = row(of(declared(DATA, {"o": CONFIDENCE}, weight="w")))
    pairs = DATA.dropna(subset=["pre", "post"])
    assert weighted["improved"] == pytest.approx(np.average(pairs["post"] > pairs["pre"], weights=pairs["w"]))
    assert weighted["k_improved"] == plain["k_improved"]
    assert weighted["mean_pre"] == pytest.approx(np.average(pairs["pre"], weights=pairs["w"]))
    assert weighted["p_wilcoxon"] == plain["p_wilcoxon"]


# -------------------------------------------------------------------------------------------------- comparison group


def compared(**design: Any) -> ml.Survey:
    frame = DATA.assign(come="2020-01-01", gone="2020-02-01", **{"got/job": 0})
    return declared(frame, {"o": CONFIDENCE}, comparison="${group} = 'out'", **design)


def test_without_a_design_the_difference_is_welchs() -> None:
    found = of(compared(), by="sex")
    total = found.versus.iloc[0]
    for name in ("difference", "df", "p", "ci_low"):
        assert total[name] == pytest.approx(EXPECTED["welch", name], rel=1e-10), name
    change = (DATA["post"] - DATA["pre"]).dropna()
    inside, outside = (change[DATA.loc[change.index, "group"] == group] for group in ("in", "out"))
    theirs = stats.ttest_ind(inside, outside, equal_var=False)
    assert (total["p"], total["df"]) == pytest.approx((theirs.pvalue, theirs.df))
    assert (total["n_participants"], total["n_comparison"]) == (len(inside), len(outside))
    assert (total["participants"], total["comparison"]) == pytest.approx((inside.mean(), outside.mean()))
    assert found.versus["level"].tolist() == ["", "f", "m"]
    assert list(found.versus.columns) == list(VERSUS)
    # the frame is of the participants alone
    alone = of(declared(DATA[DATA["group"] == "in"], {"o": CONFIDENCE}), by="sex")
    pd.testing.assert_frame_equal(found.frame, alone.frame)
    assert row(found)["estimate"] == pytest.approx(total["participants"])


def test_without_a_comparison_group_there_is_no_difference() -> None:
    survey = declared(DATA, {"o": CONFIDENCE})
    assert of(survey).versus.empty
    assert list(of(survey).versus.columns) == list(VERSUS)
    with pytest.raises(ValueError, match=r"no comparison group. Declare it in survey.yml: `programme.comparison`"):
        difference_in_differences(survey)


# --------------------------------------------------------------------------------------------------- instrument designs


RETRO = Instrument(design="retro_pre_post", pre="pre", then="then", post="post")


def test_response_shift_and_both_changes_stand_side_by_side() -> None:
    found = of(declared(DATA, {"o": RETRO, "p": RETRO.model_copy(update={"then": "later"})}))
    frame = found.frame[found.frame["outcome"] == "o"].set_index("change")
    assert frame.index.tolist() == ["post - then", "post - pre", "then - pre"]
    # over the same people, so that they add up
    assert len(set(frame["n_paired"])) == 1
    assert frame.loc["post - pre", "estimate"] == pytest.approx(
        frame.loc["post - then", "estimate"] + frame.loc["then - pre", "estimate"]
    )
    assert frame.loc["then - pre", "mean_post"] == pytest.approx(frame.loc["post - then", "mean_pre"])
    # the shift is not of the family
    assert np.isnan(frame.loc["then - pre", "p_adjusted"])
    family = found.frame[found.frame["change"] != "then - pre"]
    assert family["p_adjusted"].tolist() == pytest.approx(adjust(family["p"], "holm").tolist())
    assert len(family) == 4
    assert found.design == "retro_pre_post"
    only = of(declared(DATA, {"o": Instrument(design="retro_pre_post", then="then", post="post")})).frame
    assert only["change"].tolist() == ["post - then"]
    assert only["n_paired"].iloc[0] == DATA["post"].notna().sum()


def rated() -> ml.Survey:
    frame = DATA.assign(
        change=np.where(DATA["post"] > DATA["pre"], "better", np.where(DATA["post"] < DATA["pre"], "worse", "same")),
        **{"got/skills": DATA["yes_post"].fillna(0), "got/none": 1 - DATA["yes_post"].fillna(0)},
    )
    frame.loc[DATA["post"] - DATA["pre"] > 1, "change"] = "much_better"
    instruments = {
        "change": Instrument(design="global_rating", question="change", improved=("better", "much_better"),
                             same=("same",), worse=("worse",)),
        "got": Instrument(design="checklist", question="got"), "o": CONFIDENCE, "r": RETRO,
    }  # fmt: skip
    return declared(frame, instruments)


def test_check_lists_and_global_ratings_are_prevalences() -> None:
    survey = rated()
    got = gains(survey, "got", by="sex")
    assert isinstance(got, Estimates)
    pd.testing.assert_frame_equal(got.frame, ml.prevalence(survey, "got", by="sex").frame)
    change = gains(survey, "change", by="sex", confidence=0.9)
    assert isinstance(change, Estimates)
    nets = change.frame[change.frame["net"] & (change.frame["by"] == "")].set_index("item")
    assert nets.index.tolist() == ["improved", "same", "worse"]
    assert nets["k"].sum() == nets["n"].iloc[0]
    of_choices = change.frame[~change.frame["net"] & (change.frame["by"] == "")].set_index("item")
    assert nets.loc["improved", "k"] == of_choices.loc[["better", "much_better"], "k"].sum()
    assert nets.loc["same", "estimate"] == of_choices.loc["same", "estimate"]
    assert change.confidence == 0.9


def test_a_global_rating_must_name_every_choice() -> None:
    survey = rated()
    short = survey.about.gains["change"].model_copy(update={"improved": ("better",)})
    survey = replace(survey, about=survey.about.model_copy(update={"gains": {"change": short}}))
    with pytest.raises(ValueError, match=r"together they must name each of better, much_better, same, worse once"):
        gains(survey)


def test_the_default_is_one_design() -> None:
    survey = rated()
    assert of(survey).outcomes == ("o",)
    without = {k: v for k, v in survey.about.gains.items() if k != "o"}
    survey = replace(survey, about=survey.about.model_copy(update={"gains": without}))
    assert of(survey).design == "retro_pre_post"


@pytest.mark.parametrize("outcomes", [["o", "r"], ["o", "got"], ["r", "change"], ["got", "change"]])
def test_different_designs_are_never_pooled(outcomes: list[str]) -> None:
    with pytest.raises(ValueError, match=f"never pooled: '{outcomes[0]}' is .*, '{outcomes[1]}' is .* per design"):
        gains(rated(), outcomes)


def test_bad_arguments() -> None:
    survey = rated()
    with pytest.raises(ValueError, match=r"survey.yml: `gains` declares no outcome 'oo'.*keys design \(pre_post"):
        gains(survey, ["oo"])
    with pytest.raises(ValueError, match=r"survey.yml: it declares no gains, there is no key `gains`. Write there"):
        gains(declared(DATA, {}))
    with pytest.raises(ValueError, match="each once"):
        gains(survey, ["o", "o"])
    with pytest.raises(ValueError, match="family names 'got', which is none of the outcomes o"):
        gains(survey, family=["got"])
    with pytest.raises(ValueError, match="correction is 'bonferroni'"):
        gains(survey, correction="bonferroni")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no measurement before"):
        difference_in_differences(
            declared(
                DATA.assign(**{"got/a": 1}), {"got": Instrument(design="checklist", question="got")}, "${sex} = 'f'"
            )
        )
    lists = {name: Instrument(design="checklist", question="got") for name in "ab"}
    with pytest.raises(ValueError, match="each is a question of its own"):
        gains(declared(DATA.assign(**{"got/a": 1}), lists))


def test_measurements_on_different_scales_are_refused() -> None:
    scales = {
        "sum": Scale(items=("a1", "a2"), range=(0, 5), score="sum"),
        "mean": Scale(items=("a1", "a2"), range=(0, 5)),
    }
    for pre, post in (("sum", "mean"), ("mean", "pre"), ("said", "pre")):
        survey = declared(DATA.assign(said=np.where(DATA["sex"] == "f", "yes", "no")),
                          {"o": Instrument(design="pre_post", pre=pre, post=post)}, scales=scales)  # fmt: skip
        with pytest.raises(ValueError, match=rf"gains.o: {pre}, {post} are not measured alike"):
            gains(survey)


def test_a_scale_item_outside_of_its_range_is_an_error() -> None:
    scales = {name: Scale(items=("a1", f"a{i}"), range=(0, 4)) for name, i in (("x", 2), ("y", 3))}
    survey = declared(DATA, {"o": Instrument(design="pre_post", pre="x", post="y")}, scales=scales)
    with pytest.raises(ValueError, match=r"row \d+, respondent \d+: a\d is 5, outside of the range 0 to 4"):
        gains(survey)


# -------------------------------------------------------------------------------------------------------- breakdowns


def test_breakdowns_families_and_who_is_left_out() -> None:
    frame = DATA.assign(
        town=np.where(DATA["id"] % 9 == 0, None, np.where(DATA["id"] % 2, "a", "b")),
        **{"aim/young": (DATA["id"] % 2), "aim/carer": (DATA["id"] % 3 == 0) * 1},
    )
    survey = declared(frame, {"o": CONFIDENCE, "b": BINARY, "s": Instrument(design="pre_post", pre="s1", post="s2")})
    found = of(survey, by=["town", "aim"])
    assert found.breakdowns == ("town", "aim")
    assert found.left_out["town"] == frame["town"].isna().sum()
    assert found.left_out["aim"] == ((frame["aim/young"] == 0) & (frame["aim/carer"] == 0)).sum()
    # overlapping groups: each as the survey of those who are in it
    carers = frame[frame["aim/carer"] == 1]
    alone = row(of(declared(carers, {"o": CONFIDENCE})), outcome="o")
    got = row(found, "aim", "carer", outcome="o")
    same = ["n", "n_paired", "estimate", "se", "ci_low", "p", "d_z", "d_av_high", "rank_biserial", "improved"]
    assert got[same].tolist() == pytest.approx(alone[same].tolist())
    for by, count in (("", 3), ("town", 6), ("aim", 6)):
        part = found.frame[found.frame["by"] == by]
        assert len(part) == count
        assert part["p_adjusted"].tolist() == pytest.approx(adjust(part["p"], "holm").tolist())
    named = of(survey, by="town", family=["s", "o"], correction="bh").frame
    assert named.loc[named["outcome"] == "b", "p_adjusted"].isna().all()
    part = named[(named["by"] == "town") & (named["outcome"] != "b")]
    assert part["p_adjusted"].tolist() == pytest.approx(adjust(part["p"], "bh").tolist())
    raw = of(survey, correction="none").frame
    assert raw["p_adjusted"].equals(raw["p"])


def test_where_keeps_a_subpopulation() -> None:
    found = of(declared(DATA, {"o": CONFIDENCE}), where="${sex} = 'f'")
    alone = of(declared(DATA[DATA["sex"] == "f"], {"o": CONFIDENCE}))
    pd.testing.assert_frame_equal(found.frame, alone.frame)
    assert found.where == "${sex} = 'f'"


def test_the_result_in_another_language_has_the_same_numbers() -> None:
    found = of(declared(DATA, {"o": CONFIDENCE}))
    assert found.to("lv").language == "lv"
    assert found.to("lv").frame is found.frame
    assert tuple(found.frame.columns) == COLUMNS


# ------------------------------------------------------------------------------------------------------ limiting cases


def test_a_post_without_a_pre_is_counted_and_not_paired() -> None:
    got = two([1, 2, None, None, 3], [2, 4, 5, 1, None])
    assert got[["n", "n_pre", "n_post", "n_paired"]].tolist() == [5, 3, 4, 2]
    assert got["estimate"] == 1.5


@pytest.mark.parametrize("design", [{}, {"weight": "w"}, {"weight": "w", "cluster": "c"}])
def test_no_change_at_all_is_a_stated_result(design: dict[str, str]) -> None:
    frame = DATA.assign(post=DATA["pre"], yes_post=DATA["yes_pre"], s2=DATA["s1"], s3=DATA["s1"], third=DATA["yes_pre"])
    instruments = {
        "o": CONFIDENCE, "b": Instrument(design="pre_post", pre="yes_pre", post="yes_post", later=("third",)),
        "s": Instrument(design="pre_post", pre="s1", post="s2", later=("s3",)),
    }  # fmt: skip
    found = of(declared(frame, instruments, **design), by="sex")
    numbers = found.frame[~found.frame["binary"]]
    assert (numbers[["estimate", "se", "ci_low", "ci_high", "t", "w", "rank_biserial"]] == 0).all(axis=None)
    assert (numbers[["d_z", "d_z_low", "d_z_high", "d_av", "d_av_low", "d_av_high"]] == 0).all(axis=None)
    assert (found.frame[["p", "p_adjusted", "same"]] == 1).all(axis=None)
    assert (numbers["p_wilcoxon"] == 1).all()
    binary = found.frame[found.frame["binary"]]
    assert (binary[["estimate", "b", "c", "improved"]] == 0).all(axis=None)
    assert (binary["p_mcnemar"] == 1).all()
    if design:
        assert (binary[["ci_low", "ci_high"]] == 0).all(axis=None)
    else:
        assert (binary["ci_low"] == -binary["ci_high"]).all()
        assert (binary["ci_high"] > 0).all()
    assert (found.occasions["statistic"] == 0).all()
    assert (found.occasions["p"] == 1).all()


@pytest.mark.parametrize(("pre", "post", "b", "c"), [(1, 1, 0, 0), (0, 0, 0, 0), (0, 1, 0, 20), (1, 0, 20, 0)])
def test_0_and_100_percent(pre: int, post: int, b: int, c: int) -> None:
    got = two([pre] * 20, [post] * 20)
    assert (got["b"], got["c"], got["estimate"]) == (b, c, post - pre)
    assert got["p"] == pytest.approx(1.0 if pre == post else 2 * 0.5**20)
    assert -1 <= got["ci_low"] < got["ci_high"] <= 1
    assert got["ci_low"] <= got["estimate"] <= got["ci_high"]
    assert (got["mean_pre"], got["mean_post"]) == (pre, post)


def test_everybody_changed_by_the_same() -> None:
    got = two([1.1, 2.1, 3.1, 4.1], [1.2, 2.2, 3.2, 4.2])  # what floating point adds is not a spread
    assert (got["estimate"], got["se"], got["ci_low"]) == pytest.approx((0.1, 0, 0.1))
    assert got[["t", "p", "d_z", "d_z_low"]].isna().all()
    assert got["d_av"] == pytest.approx(0.1 / np.std([1, 2, 3, 4], ddof=1))
    assert (got["rank_biserial"], got["improved"]) == (1, 1)


@pytest.mark.parametrize("pairs", [0, 1])
@pytest.mark.parametrize("design", [{}, {"weight": "w"}])
def test_fewer_than_two_pairs_have_no_test(pairs: int, design: dict[str, str]) -> None:
    # the last has a post without a pre, so that the question is known
    post = [3.0 if i < pairs or i == 5 else np.nan for i in range(6)]
    frame = pd.DataFrame({"pre": [1, 4, 3, 5, 2, np.nan], "post": post, "w": [1.5, 2, 1, 1, 1, 1]})
    frame = frame.assign(yes_pre=[0, 1, 0, 1, 0, np.nan], yes_post=frame["post"] - 3)
    found = of(declared(frame, {"o": CONFIDENCE, "b": BINARY}, **design))
    assert (found.frame["n_paired"] == pairs).all()
    assert found.frame[["se", "ci_low", "ci_high", "t", "p", "p_adjusted", "d_z", "d_av", "w"]].isna().all(axis=None)
    assert found.frame["estimate"].isna().all() == (pairs == 0)


def test_one_group_only() -> None:
    found = of(declared(DATA.assign(sex="f"), {"o": CONFIDENCE}), by="sex")
    total, group = row(found), row(found, "sex", "f")
    same = [c for c in COLUMNS if c not in ("by", "level")]
    pd.testing.assert_series_equal(total[same], group[same], check_names=False)


def test_a_group_of_nobody_is_a_row_of_nan() -> None:
    frame = DATA.assign(town=pd.Categorical(["a"] * len(DATA), categories=["a", "empty"]))
    for design in ({}, {"weight": "w"}):
        got = row(of(declared(frame, {"o": CONFIDENCE}, **design), by="town"), "town", "empty")
        assert (got["n"], got["n_paired"], got["k_improved"]) == (0, 0, 0)
        assert got[["estimate", "se", "p", "improved", "mean_pre", "floor_pre"]].isna().all()


def test_smallest_change_and_the_good_end() -> None:
    got = two([1, 2, 3, 4, 5, 3], [2, 4, 3, 3, 1, 3], smallest=2)
    assert got[["k_improved", "k_same", "k_worse"]].tolist() == [1, 4, 1]
    lower = two([1, 2, 3, 4, 5, 3], [2, 4, 3, 3, 1, 3], better="lower")
    assert lower[["k_improved", "k_same", "k_worse"]].tolist() == [2, 2, 2]
    assert lower["estimate"] == got["estimate"]
    # 0.3 is as much as 0.3, whatever floating point makes of 0.1 + 0.2
    assert directions(changes(np.array([0.1, 0.1]), np.array([0.4, 0.1 + 0.3])), smallest=0.3)[1].tolist() == [2, 0, 0]


# --------------------------------------------------------------------------------------------- the functions on arrays


answers = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=40)


@settings(deadline=None, max_examples=30)
@given(answers)
def test_mirrored_data_flip_signs(pairs: list[tuple[int, int]]) -> None:
    pre, post = np.array(pairs, dtype=float).T
    there, back, mirror = mean_change(pre, post), mean_change(post, pre), mean_change(6 - pre, 6 - post)
    for other in (back, mirror):
        assert other.estimate == pytest.approx(-there.estimate)
        assert (other.p, other.se) == pytest.approx((there.p, there.se), nan_ok=True)
        assert (other.low, other.high) == pytest.approx((-there.high, -there.low))
    n, sd = len(pre), spread(changes(pre, post))
    a, b = (d_z(sign * there.estimate, sd, n, n - 1) for sign in (1, -1))
    assert (a.d, a.low, a.high) == pytest.approx((-b.d, -b.high, -b.low), nan_ok=True, abs=1e-7)
    a, b = (d_av(sign * there.estimate, spread(pre), spread(post), sd, n) for sign in (1, -1))
    assert (a.d, a.low, a.high) == pytest.approx((-b.d, -b.high, -b.low), nan_ok=True)
    w, p, r = signed_rank(pre, post)
    assert signed_rank(post, pre) == pytest.approx((w, p, -r))
    assert -1 <= r <= 1
    np.testing.assert_array_equal(directions(post - pre)[1], directions(pre - post)[1][::-1])
    np.testing.assert_array_equal(directions(post - pre, better="lower")[1], directions(pre - post)[1])
    assert extremes(pre, 1, 5) == extremes(6 - pre, 1, 5)[::-1]
    low, high = ((values > 3).astype(float) for values in (pre, post))
    one, other = mcnemar(low, high), mcnemar(high, low)
    assert one == (other[1], other[0], other[2])
    assert risk_difference(*one[:2], n) == pytest.approx(tuple(-x for x in risk_difference(*other[:2], n))[::-1])


@settings(deadline=None, max_examples=20)
@given(answers, st.floats(0.01, 1000), st.floats(-50, 50))
def test_units_do_not_matter(pairs: list[tuple[int, int]], factor: float, shift: float) -> None:
    pre, post = np.array(pairs, dtype=float).T
    a, b = mean_change(pre, post), mean_change(pre * factor + shift, post * factor + shift)
    assert (b.t, b.p) == pytest.approx((a.t, a.p), nan_ok=True, rel=1e-5, abs=1e-8)
    assert signed_rank(pre, post) == pytest.approx(signed_rank(pre * factor + shift, post * factor + shift))


@pytest.mark.parametrize(
    ("t", "df"),
    [(0.5, 9), (-5, 30), (40, 3000), (-40, 3000), (200, 3000), (300, 4), (0, 2), (12, 1), (20000, 29), (-5000, 3)],
)
def test_the_interval_of_d_z_holds_far_out(t: float, df: int) -> None:
    found = d_z(t, np.sqrt(df + 1), df + 1, df)
    low, high = (bound * np.sqrt(df + 1) for bound in (found.low, found.high))
    assert (stats.nct.cdf(t, df, low), stats.nct.cdf(t, df, high)) == pytest.approx((0.975, 0.025), abs=1e-8)


def test_intervals_cover_what_they_estimate() -> None:
    rng = np.random.default_rng(11)
    inside = np.zeros(3)
    truth_z, truth_av = 0.5 / np.sqrt(1.16), 0.5 / np.sqrt((1 + 1.44) / 2)
    for _ in range(600):
        u = rng.normal(size=40)
        pre, post = u, 0.64 * u + 0.5 + np.sqrt(1.44 - 0.64**2) * rng.normal(size=40)
        sd = spread(post - pre)
        z = d_z((post - pre).mean(), sd, 40, 39)
        av = d_av((post - pre).mean(), spread(pre), spread(post), sd, 40)
        first, second = (u + rng.normal(size=40) > 0), (u + rng.normal(size=40) > 0)
        low, high = risk_difference(int((first & ~second).sum()), int((~first & second).sum()), 40)
        inside += [z.low <= truth_z <= z.high, av.low <= truth_av <= av.high, low <= 0 <= high]
    assert (inside / 600 > 0.93).all()
    assert (inside / 600 < 0.99).all()


@pytest.mark.parametrize("function", [mean_change, welch])
def test_empty_arrays_have_no_answer(function: Callable[..., Any]) -> None:
    found = function(np.zeros(0), np.zeros(0))
    assert np.isnan([found.estimate, found.se, found.p]).all()
    assert welch(np.ones(3), np.ones(4)).p == 1
    assert np.isnan(signed_rank(np.zeros(0), np.zeros(0))).all()
    assert np.isnan(risk_difference(0, 0, 0)).all()


def test_occasions_need_three_people_and_some_change() -> None:
    two_people = np.array([[1.0, 2, 3], [2, 2, 5]])
    for test in ("friedman", "cochran_q", "mixed"):
        assert np.isnan(occasions(two_people, test)[0])  # type: ignore[arg-type]
    statistic, _, p, means = occasions(np.arange(5.0)[:, None] + [0, 1, 3], "mixed")
    assert np.isnan([statistic, p]).all()  # everybody by the same
    assert means.tolist() == [2, 3, 5]
    assert np.isnan(occasions(np.full((4, 3), np.nan), "mixed")[3]).all()
